// Parallel residual streams and per-layer inputs: src/models/gemma3n.cpp.
#include "graph_model.hpp"

namespace willitrun::graph {

namespace {

constexpr std::uint32_t n_sparse_layer = 10;  // gemma3n.cpp, n_layer_sparsity

/// Scales `target` to the magnitude of `reference`, row by row.
Id match_magnitude(Graph& g, Id target, Id reference) {
  const auto magnitude = [&](Id x) {
    const Extent ne = g.ne(x);
    return g.inplace(g.compute({1, ne[1], ne[2], 1}, {g.inplace(x)}));
  };
  const Id own = magnitude(target);
  return g.inplace(g.inplace(target, magnitude(reference)), own);
}

}  // namespace

Id ModelGraph::per_layer_inputs(Id x) {
  const std::uint32_t width = spec_.n_embd_per_layer, n = spec_.n_layer_trunk();
  g_.expand(x);
  const Id rows = g_.get_rows(global(Role::per_layer_token_embd), g_.input({n_tokens_, 1, 1, 1}, 4));
  const Id selected = g_.inplace(g_.view(rows, {width, n, n_tokens_, 1}));
  g_.expand(selected);
  const Id projected = g_.view(g_.inplace(g_.mul_mat(global(Role::per_layer_model_proj), x)), {width, n, n_tokens_, 1});
  const Id normed = g_.inplace(normalize(projected, true), global(Role::per_layer_proj_norm));
  const Id all = g_.inplace(add(normed, selected));
  return g_.compute({width, n_tokens_, n, 1}, {g_.view(all, {width, n_tokens_, n, 1}, false)});
}

Id ModelGraph::stack_streams(Id x) {
  const std::uint32_t more = spec_.n_altup - 1;
  const Id repeated = g_.compute({spec_.n_embd, n_tokens_, more, 1}, {x});
  const Id projected = g_.mul_mat(global(Role::altup_proj), repeated);
  return g_.compute({spec_.n_embd, n_tokens_, spec_.n_altup, 1}, {x, match_magnitude(g_, projected, x)});
}

Id ModelGraph::router_modalities(Id x) {
  return g_.inplace(g_.mul_mat(weight(Role::altup_router), g_.inplace(norm(x, Role::altup_router_norm))));
}

/// Gaussian top-k on the gate: mean and deviation per row, then everything under a threshold is dropped.
Id ModelGraph::sparse_ffn(Id x) {
  const Id up = g_.mul_mat(weight(Role::ffn_up), x), gate = g_.mul_mat(weight(Role::ffn_gate), x);
  if (il_ >= n_sparse_layer) return g_.mul_mat(weight(Role::ffn_down), g_.inplace(up, g_.inplace(gate)));
  const Extent row{1, n_tokens_, 1, 1};
  const Id mean = g_.compute(row, {gate});
  const Id variance = g_.compute(row, {g_.inplace(g_.inplace(gate, mean))});
  const Id cutoff = add(mean, g_.inplace(g_.inplace(g_.inplace(variance))));
  const Id kept = g_.inplace(g_.inplace(g_.inplace(gate, cutoff)));
  return g_.mul_mat(weight(Role::ffn_down), g_.inplace(up, kept));
}

void ModelGraph::build_stream_layer(Id& streams, Id per_layer, bool /*last*/) {
  const std::uint32_t n = spec_.n_altup, width = spec_.n_embd;
  const Extent stacked{width, n_tokens_, n, 1}, single{width, n_tokens_, 1, 1};
  const auto stream = [&](Id all) { return g_.view(all, single); };

  // Predict.
  const Id across = g_.compute({n, width, n_tokens_, 1}, {g_.view(streams, {n, width, n_tokens_, 1}, false)});
  const Id coefs = g_.mul_mat(weight(Role::altup_predict), router_modalities(stream(streams)));
  const Id mixed = g_.mul_mat(across, g_.view(coefs, {n, n, n_tokens_, 1}));
  const Id predictions = add(g_.compute(stacked, {g_.view(mixed, stacked, false)}), streams);
  const Id active = stream(predictions);

  const Id in = norm(active, Role::attn_norm);
  const Id attended = add(norm(attention(in), Role::attn_post_norm), active);
  const Id laurel =
      add(norm(g_.mul_mat(weight(Role::laurel_r), g_.mul_mat(weight(Role::laurel_l), in)), Role::laurel_post_norm), in);
  const Id joined = g_.inplace(add(attended, laurel));
  const Id activated = add(norm(sparse_ffn(norm(joined, Role::ffn_norm)), Role::ffn_post_norm), joined);

  // Correct.
  const Id innovation = g_.compute(stacked, {g_.inplace(activated, stream(predictions))});
  const Id weights = g_.inplace(g_.mul_mat(weight(Role::altup_correct), router_modalities(activated)));
  const Id columns = g_.compute({1, n_tokens_, n, 1}, {g_.view(weights, {n_tokens_, n, 1, 1}, false)});
  const Id corrected = add(g_.inplace(innovation, columns), predictions);

  const Id first = stream(corrected), rest = g_.view(corrected, {width, n_tokens_, n - 1, 1});
  const Id gated =
      g_.inplace(g_.mul_mat(weight(Role::inp_gate), g_.inplace(stream(corrected), weight(Role::altup_correct_scale))));
  const Id scaled = g_.inplace(gated, g_.view(per_layer, {spec_.n_embd_per_layer, n_tokens_, 1, 1}));
  const Id prediction = norm(g_.mul_mat(weight(Role::per_layer_proj), scaled), Role::per_layer_post_norm);
  streams = g_.compute(stacked, {first, g_.inplace(rest, prediction)});
}

Id ModelGraph::merge_streams(Id streams) {
  const std::uint32_t more = spec_.n_altup - 1;
  const Extent single{spec_.n_embd, n_tokens_, 1, 1};
  const Id target = g_.view(streams, single);
  const Id rest = g_.mul_mat(global(Role::altup_unembd), g_.view(streams, {spec_.n_embd, n_tokens_, more, 1}));
  const Id matched = match_magnitude(g_, rest, g_.view(streams, single));
  Id sum = target;
  for (std::uint32_t i = 0; i < more; ++i) sum = add(sum, g_.view(matched, single));
  return g_.inplace(sum);
}

}  // namespace willitrun::graph
