// Layers that attend to what earlier layers left: src/models/kimi-k3.cpp.
#include "graph_model.hpp"

namespace willitrun::graph {

/// The residual stream mixed with those banked before, each by how well it scores.
Id ModelGraph::mix_banked(Id x, Id score) {
  if (bank_ == none) return x;
  const std::uint32_t n = g_.ne(bank_)[1], n_rows = g_.ne(x)[1];
  const auto sum = [&](Id t, const Extent& ne) { return g_.compute(ne, {g_.inplace(normalize(t, true), score)}); };
  const Id banked = g_.view(sum(bank_, {1, n, n_rows, 1}), {n, n_rows, 1, 1});
  const Id scores = g_.inplace(g_.compute({n + 1, n_rows, 1, 1}, {banked, sum(x, {1, n_rows, 1, 1})}));
  const auto share = [&](std::uint32_t size) {
    const Extent ne{size, n_rows, 1, 1};
    return g_.compute(ne, {g_.slice(scores, ne, size)});
  };
  const Id of_banked = share(n), of_own = share(1);
  const Id mixed = g_.compute(g_.ne(x), {bank_, of_banked});
  return add(mixed, g_.inplace(x, of_own));
}

void ModelGraph::bank(Id x) {
  const Id one = g_.view(x, {spec_.n_embd, 1, n_tokens_, 1});
  bank_ = bank_ == none ? one : g_.compute({spec_.n_embd, g_.ne(bank_)[1] + 1, n_tokens_, 1}, {bank_, one});
}

void ModelGraph::build_banked_layer(Id& x) {
  const Id mixed_in = mix_banked(x, weight(Role::attn_res_score));
  const bool banks = il_ % family_.residual_period == 0;
  if (banks) bank(x);
  const Id in = norm(mixed_in, Role::attn_norm);
  g_.expand(in);
  const Id mixed = spec_.recurrent(il_) ? kimi_delta(in) : attention(in);
  x = banks ? mixed : add(x, mixed);
  x = add(x, feed_forward(norm(mix_banked(x, weight(Role::ffn_res_score)), Role::ffn_norm)));
}

}  // namespace willitrun::graph
