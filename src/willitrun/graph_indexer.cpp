// Sparse attention: an indexer scores every cached key and the mask lets through the best (src/models/deepseek32.cpp,
// glm-dsa.cpp; llama-graph.cpp, build_attn with top_k).
#include <algorithm>

#include "graph_model.hpp"

namespace willitrun::graph {

/// The numbers of the keys that each query attends to. The keys of the indexer have a cache of their own.
Id ModelGraph::choose_keys(Id x, Id low_rank_query) {
  const std::uint32_t dim = spec_.indexer_head_dim, n = spec_.n_indexer_head, streams = n_stream();
  const std::uint32_t cells = context_.n_ctx_seq, per_stream = n_tokens_ / streams;
  AttentionInputs& in = indexer_;
  if (in.mask == none) {
    in.k_idxs = g_.input({n_tokens_, 1, 1, 1}, 8);
    in.mask = g_.input({cells, per_stream, 1, streams}, 2);
    if (!family_.hyper_connections) in.k_rot = g_.input({dim, dim, 1, 1}, 4);  // hy-v4.cpp leaves it out
  }
  const auto turned = [&](Id t, std::uint32_t heads) {
    const Id roped = g_.rope(g_.view(t, {dim, heads, n_tokens_, 1}), positions());
    return in.k_rot == none ? roped : g_.mul_mat(in.k_rot, roped);
  };
  const Id q = turned(g_.mul_mat(weight(Role::indexer_q_b), low_rank_query), n);
  const Id k = turned(norm(g_.mul_mat(weight(Role::indexer_k), x), Role::indexer_k_norm), 1);
  const Bytes bytes = tensor_bytes(params_.type_k, {dim, std::uint64_t{cells} * streams, 1, 1});
  const Id cache = g_.state(bytes, cache_backend());
  g_.expand(g_.store(cache, {g_.view(k, {dim, n_tokens_, 1, 1}), in.k_idxs, cache}));
  const Id weights = g_.inplace(g_.view(g_.mul_mat(weight(Role::indexer_proj), x), {n, per_stream, 1, streams}));
  const Id score = g_.compute({cells, per_stream, 1, streams},
                              {g_.view(q, {dim, n, per_stream, streams}),
                               g_.cache_view(cache, {dim, 1, cells, streams}, bytes), weights, in.mask});
  const Extent best{std::min(cells, spec_.indexer_top_k), per_stream, 1, streams};
  return g_.compute(best, {g_.compute(best, {score})});
}

/// `mask` with all keys shut out but those chosen.
Id ModelGraph::sparse_mask(Id mask, Id x, Id low_rank_query) {
  if (layer_->has(Role::indexer_k)) chosen_keys_ = choose_keys(x, low_rank_query);
  return mask_of(mask, chosen_keys_);
}

Id ModelGraph::mask_of(Id mask, Id chosen_keys, std::uint8_t element_bytes) {
  const Extent ne = g_.ne(mask), best = g_.ne(chosen_keys);
  const Id shut = g_.view(g_.inplace(mask), {1, ne[0], ne[1], ne[3]});
  const Id chosen = g_.view(chosen_keys, {best[0], best[1], best[3], 1});
  // Leaves get memory before all else, so those of the layers left out count: they share one.
  const Id others = n_skipped_ > 0 ? g_.blank({n_skipped_, best[0], best[1], best[3]}) : none;
  const Id open = g_.inplace(g_.blank({1, best[0], best[1], best[3]}, element_bytes), others);
  return g_.inplace(g_.view(g_.store(shut, {open, chosen, shut}), ne), mask);
}

}  // namespace willitrun::graph
