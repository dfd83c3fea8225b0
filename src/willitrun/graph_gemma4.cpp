// Layers with an output scale, experts beside a dense network and per-layer inputs: src/models/gemma4.cpp.
#include "graph_model.hpp"

namespace willitrun::graph {

/// The tokens' rows of the per-layer table, gathered before anything else.
Id ModelGraph::per_layer_rows() {
  const Id rows = g_.get_rows(global(Role::per_layer_token_embd), g_.input({n_tokens_, 1, 1, 1}, 4));
  g_.expand(rows);
  return rows;
}

Id ModelGraph::project_per_layer(Id x, Id rows) {
  const std::uint32_t width = spec_.n_embd_per_layer, n = spec_.n_layer_trunk();
  const Extent stacked{width, n, n_tokens_, 1};
  const Id projected = g_.view(g_.inplace(g_.mul_mat(global(Role::per_layer_model_proj), x)), stacked);
  const Id normed = g_.inplace(normalize(projected, true), global(Role::per_layer_proj_norm));
  const Id all = g_.inplace(add(normed, g_.view(g_.inplace(rows), stacked)));
  return g_.compute({width, n_tokens_, n, 1}, {g_.view(all, {width, n_tokens_, n, 1}, false)});
}

void ModelGraph::build_scaled_layer(Id& x, Id per_layer, bool last) {
  const Id mixed = norm(keep_outputs(attention(norm(x, Role::attn_norm)), last), Role::attn_post_norm);
  const Id attended = add(mixed, keep_outputs(x, last));
  Id out = none;
  if (layer_->has(Role::router)) {
    const Id logits =
        g_.mul_mat(weight(Role::router), g_.inplace(g_.inplace(normalize(attended, true)), weight(Role::router_scale)));
    const Id experts = expert_ffn(norm(attended, Role::ffn_pre_norm_2), logits);
    const Id dense = dense_ffn(norm(attended, Role::ffn_norm), Role::ffn_up, Role::ffn_gate, Role::ffn_down);
    out = add(norm(dense, Role::ffn_post_norm_1), norm(experts, Role::ffn_post_norm_2));
  } else {
    out = dense_ffn(norm(attended, Role::ffn_norm), Role::ffn_up, Role::ffn_gate, Role::ffn_down);
  }
  x = add(norm(out, Role::ffn_post_norm), attended);
  if (per_layer != none) {
    const Id gated = g_.inplace(g_.mul_mat(weight(Role::inp_gate), x));
    const Id own = keep_outputs(g_.view(per_layer, {spec_.n_embd_per_layer, n_tokens_, 1, 1}), last);
    x = add(x, norm(g_.mul_mat(weight(Role::per_layer_proj), g_.inplace(gated, own)), Role::per_layer_post_norm));
  }
  x = g_.inplace(x, weight(Role::layer_out_scale));
}

}  // namespace willitrun::graph
