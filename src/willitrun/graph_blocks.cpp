// Sparse attention by blocks of keys: an indexer ranks the blocks for each group of heads (src/models/minimax-m3.cpp).
#include <algorithm>

#include "graph_model.hpp"

namespace willitrun::graph {

namespace {

/// A graph is reserved for an empty cache, of which llama.cpp sees this many positions (llama-kv-cache-msa.cpp,
/// get_n_pos). What it allocates for scores grows later, as the context fills.
constexpr std::uint32_t n_position = 256;

}  // namespace

/// A cache that sequences share has no blocks by position, and the masks are those of flash attention.
bool ModelGraph::chooses_blocks() const {
  return layer_->has(Role::indexer_q_proj) && flash_attn_ && (n_seqs_ == 1 || !params_.kv_unified);
}

const ModelGraph::BlockInputs& ModelGraph::block_inputs() {
  if (blocks_.mask != none) return blocks_;
  const std::uint32_t cells = context_.n_ctx_seq,
                      n_block = std::max(1U, n_position / std::max(1U, spec_.indexer_block_size));
  const Id mask = attention_inputs(false).mask;
  blocks_.k_idxs = g_.input({n_tokens_, 1, 1, 1}, 8);
  blocks_.bias = g_.input({n_block, n_tokens_, 1, 1}, 4);
  blocks_.position_mask = g_.input({n_position, n_tokens_, 1, 1}, 4);
  blocks_.cell_of_position = g_.input({n_position, n_stream(), 1, 1}, 4);
  blocks_.block_of_cell = g_.input({cells, n_stream(), 1, 1}, 4);
  blocks_.mask = g_.compute(g_.ne(mask), {mask});
  return blocks_;
}

/// Which keys each query of each group of heads may read, as a mask of all cells.
Id ModelGraph::block_mask(Id index_q, Id index_k) {
  const BlockInputs& in = block_inputs();
  const std::uint32_t n = spec_.n_indexer_head, per_stream = n_tokens_ / n_stream(), cells = context_.n_ctx_seq;
  const std::uint32_t n_block = g_.ne(in.bias)[0], best = std::min(std::max(1U, spec_.indexer_top_k), n_block);
  const Id bias = g_.view(in.bias, {n_block, 1, per_stream, 1});
  const Id keys = g_.get_rows(index_k, g_.view(in.cell_of_position, {n_position, 1, 1, 1}));
  Id score = g_.view(g_.mul_mat(keys, index_q), {n_position, n, per_stream, 1});
  score = g_.store(score, {score, g_.view(in.position_mask, {n_position, 1, per_stream, 1})});
  const Id ranked = g_.inplace(g_.compute({n_block, n, per_stream, 1}, {score}), bias);
  const Id chosen = g_.compute({best, n, per_stream, 1}, {ranked});
  const Id shut =
      g_.compute({n_block, n, per_stream, 1}, {g_.compute({n_block, 1, per_stream, 1}, {g_.inplace(bias)}, 2)}, 2);
  const Id open = g_.inplace(g_.compute({best, n, per_stream, 1}, {chosen}));
  const Id by_block =
      g_.store(g_.view(shut, {1, n_block, n * per_stream, 1}),
               {g_.view(open, {1, best, n * per_stream, 1}), g_.view(chosen, {best, n * per_stream, 1, 1})});
  const Id by_group =
      g_.compute({n_block, per_stream, n, 1}, {g_.view(by_block, {n_block, per_stream, n, 1}, false)}, 2);
  const Id columns =
      g_.compute({per_stream * n, n_block, 1, 1}, {g_.view(by_group, {per_stream * n, n_block, 1, 1}, false)}, 2);
  const Id by_cell = g_.get_rows(columns, g_.view(in.block_of_cell, {cells, 1, 1, 1}));
  const Id rows = g_.compute({cells, per_stream * n, 1, 1}, {g_.view(by_cell, {cells, per_stream * n, 1, 1}, false)});
  const Id grouped = g_.view(rows, {cells, per_stream, n, 1});
  const Id masked = g_.store(grouped, {grouped, g_.view(in.mask, {cells, per_stream, 1, 1}, false)});
  return g_.compute({cells, per_stream, 1, n}, {g_.view(masked, {cells, per_stream, 1, n})}, 2);
}

/// One call attends for all groups of heads, each with a mask of its own.
Id ModelGraph::attend_blocks_of_stream(Id q, Id index_q, Id index_k, const KeysAndValues& all, const Heads& h) {
  const std::uint32_t per_stream = n_tokens_ / n_stream(), per_group = h.n / h.n_kv, cells = context_.n_ctx_seq;
  const Id mask = block_mask(index_q, index_k);
  const Id k = g_.view(all.k, {h.dim_k, cells, 1, h.n_kv}, false),
           v = g_.view(all.v, {h.dim_v, cells, 1, h.n_kv}, false);
  const Id groups = g_.view(q, {h.dim_k, per_stream, per_group, h.n_kv}, false);
  const Id out = g_.attention({h.dim_v, per_group, per_stream, h.n_kv}, {groups, k, v, mask},
                              conversion_scratch(Bytes{cells} * h.n_kv, h, false));
  const Extent heads_first{h.dim_v, per_group, h.n_kv, per_stream};
  return g_.view(g_.compute(heads_first, {g_.view(out, heads_first, false)}), {h.dim_v * h.n, per_stream, 1, 1});
}

Id ModelGraph::attend_blocks(Id x, Id q, Id k, Id v, const Heads& h) {
  const std::uint32_t dim = spec_.indexer_head_dim, n = spec_.n_indexer_head, streams = n_stream();
  const std::uint32_t per_stream = n_tokens_ / streams, cells = context_.n_ctx_seq;
  AttentionInputs& in = attention_inputs(false);
  const auto project_index = [&](Role projection, Role normed, std::uint32_t heads) {
    return rotate(norm(g_.view(g_.mul_mat(weight(projection), x), {dim, heads, n_tokens_, 1}), normed));
  };
  const Id index_q = project_index(Role::indexer_q_proj, Role::indexer_q_norm, n);
  const Id index_k = project_index(Role::indexer_k_proj, Role::indexer_k_norm, 1);
  const Id cache = g_.state(tensor_bytes(params_.type_k, {dim, std::uint64_t{cells} * streams, 1, 1}), cache_backend());
  g_.expand(g_.store(cache, {g_.view(index_k, {dim, n_tokens_, 1, 1}), block_inputs().k_idxs, cache}));
  q = hadamard(q, in.k_rot);
  k = hadamard(k, in.k_rot);
  v = hadamard(v, in.v_rot);
  for (const Id t : {q, k, v}) g_.expand(t);
  const KeysAndValues all = keep(in, k, v, h, false);
  Id out = none;
  for (std::uint32_t stream = 0; stream < streams; ++stream) {
    const Id rows = attend_blocks_of_stream(g_.view(q, {h.dim_k, h.n, per_stream, 1}),
                                            g_.view(index_q, {dim, n * per_stream, 1, 1}),
                                            g_.view(cache, {dim, cells, 1, 1}), all, h);
    out = out == none ? rows : g_.compute({h.dim_v * h.n, (stream + 1) * per_stream, 1, 1}, {out, rows});
  }
  return hadamard(out, in.v_rot);
}

}  // namespace willitrun::graph
