// DeepSeek V4: attention to recent keys and to compressed older ones, between mixed residual streams
// (src/models/deepseek4.cpp; llama-kv-cache-dsv4.cpp, dsv4_build_reserve_comp_plan).
#include <algorithm>

#include "graph_model.hpp"

namespace willitrun::graph {

namespace {

constexpr std::uint32_t fine_ratio = 4, coarse_ratio = 128;  // DSV4_CSA_RATIO, DSV4_HCA_RATIO

std::uint32_t padded_cells(std::uint32_t cells, std::uint32_t ratio) {
  return static_cast<std::uint32_t>(round_up((cells + ratio - 1) / ratio, 256));
}

}  // namespace

ModelGraph::CompressedInputs ModelGraph::compressed_inputs(std::uint32_t ratio, std::uint32_t dim, bool rotated,
                                                           std::uint8_t mask_bytes) {
  CompressedInputs in;
  in.ratio = ratio;
  in.dim = dim;
  in.overlaps = ratio == fine_ratio;
  in.cells = padded_cells(context_.n_ctx_seq, ratio);
  in.n_block = n_tokens_ / ratio + n_seqs_;
  const std::uint32_t span = in.overlaps ? 2 * ratio : ratio, n_kept = std::min(n_tokens_, span * n_stream());
  const auto numbers = [&](std::uint32_t n, std::uint8_t bytes = 4) { return g_.input({n, 1, 1, 1}, bytes); };
  in.position = numbers(n_tokens_);
  in.kept = numbers(n_kept);
  in.kept_to = numbers(n_kept);
  in.read = numbers(span * in.n_block);
  in.write = numbers(in.n_block, 8);
  in.write_position = numbers(in.n_block);
  in.mask = g_.input({in.cells, n_tokens_ / n_stream(), 1, n_stream()}, mask_bytes);
  if (rotated) {
    std::uint32_t n = 64;
    while (dim % (2 * n) == 0) n *= 2;
    in.rotation = g_.input({n, n, 1, 1}, 4);
  }
  return in;
}

void ModelGraph::prepare_compressed_attention() {
  const bool quantized = is_block_quantized(params_.type_k);
  const std::uint32_t streams = n_stream();
  const std::uint8_t mask_bytes = flash_attn_ ? 2 : 4;
  sliding_.cells = context_.n_swa_cells;
  sliding_.k_idxs = g_.input({n_tokens_, 1, 1, 1}, 8);
  sliding_.mask = g_.input({sliding_.cells, n_tokens_ / streams, 1, streams}, mask_bytes);
  fine_ = compressed_inputs(fine_ratio, spec_.head_dim_k, quantized, mask_bytes);
  coarse_ = compressed_inputs(coarse_ratio, spec_.head_dim_k, quantized, mask_bytes);
  ranked_ = compressed_inputs(fine_ratio, spec_.indexer_head_dim, true, 2);  // its kernel is fused in any case
  sliding_.k_rot = quantized ? g_.input({spec_.head_dim_k, spec_.head_dim_k, 1, 1}, 4) : none;
  g_.expand(sliding_.mask);
}

/// One key out of the tokens of each block, each channel weighed by itself.
Id ModelGraph::weigh_tokens(const CompressedInputs& in, Id kv, Id score) {
  const std::uint32_t n = in.n_block, span = in.overlaps ? 2 * in.ratio : in.ratio;
  const auto by_block = [&](Id source) {
    if (!in.overlaps) return g_.view(g_.get_rows(source, in.read), {in.dim, span, n, 1});
    const std::uint32_t width = 2 * in.dim, n_rows = g_.ne(source)[1], n_read = in.ratio * n;
    const Id blank = g_.view(g_.inplace(g_.view(source, {width, 1, 1, 1})), {width, 1, 1, 1});
    const Id rows = g_.get_rows(g_.compute({width, n_rows + 1, 1, 1}, {source, blank}), in.read);
    const auto half = [&] {
      return g_.view(g_.compute({in.dim, n_read, 1, 1}, {g_.view(rows, {in.dim, n_read, 1, 1}, false)}),
                     {in.dim, in.ratio, n, 1});
    };
    const Id before = half(), own = half();
    return g_.compute({in.dim, span, n, 1}, {before, own});
  };
  const auto by_channel = [&](Id source) {
    const Extent ne{span, in.dim, n, 1};
    return g_.compute(ne, {g_.view(by_block(source), ne, false)});
  };
  const Id values = by_channel(kv), scores = by_channel(score);
  const Id sums = g_.compute({1, in.dim, n, 1}, {g_.inplace(values, g_.inplace(scores))});
  return g_.compute({in.dim, 1, n, 1}, {g_.view(sums, {in.dim, 1, n, 1}, false)});
}

/// Adds this batch's keys to the compressed cache, which is returned, and keeps what its last block still lacks.
Id ModelGraph::compress_keys(const CompressedInputs& in, const CompressorRoles& roles, Id x) {
  const std::uint32_t width = (*layer_)[roles.kv].ne[1], streams = n_stream();
  const std::uint32_t n_row = (in.overlaps ? 2 * in.ratio : in.ratio) * streams;
  const Id kv = g_.mul_mat(weight(roles.kv), x);
  const Id score = add(g_.mul_mat(weight(roles.gate), x), g_.get_rows(weight(roles.ape), in.position));
  const auto state = [&] { return g_.state(Bytes{4} * width * n_row, cache_backend()); };
  const Id kv_state = state(), score_state = state();
  const auto joined = [&](Id kept, Id rows) {
    return g_.compute({width, n_row + n_tokens_, 1, 1}, {g_.view(kept, {width, n_row, 1, 1}), rows});
  };
  const Id weighed = weigh_tokens(in, joined(kv_state, kv), joined(score_state, score));
  const Id keys = hadamard(g_.rope(norm(weighed, roles.norm), in.write_position), in.rotation);
  const Id cache =
      g_.state(tensor_bytes(params_.type_k, {in.dim, std::uint64_t{in.cells} * streams, 1, 1}), cache_backend());
  g_.expand(g_.store(cache, {g_.view(keys, {in.dim, in.n_block, 1, 1}), in.write, cache}));
  const auto keep = [&](Id to, Id rows) { return g_.store(to, {g_.get_rows(rows, in.kept), in.kept_to, to}); };
  const Id kept_kv = keep(kv_state, kv), kept_score = keep(score_state, score);
  g_.expand(kept_kv);
  g_.expand(kept_score);
  return cache;
}

/// The numbers of the compressed keys that each query attends to.
Id ModelGraph::rank_compressed_keys(Id x, Id low_rank_query, Id cache) {
  const std::uint32_t n = spec_.n_indexer_head, streams = n_stream(), per_stream = n_tokens_ / streams;
  const Id projected = g_.mul_mat(weight(Role::indexer_q_b), low_rank_query);
  const Id q = hadamard(g_.rope(g_.view(projected, {ranked_.dim, n, n_tokens_, 1}), positions()), ranked_.rotation);
  const Id weights = g_.inplace(g_.mul_mat(weight(Role::indexer_proj), x));
  const Extent ne{ranked_.cells, per_stream, 1, streams};
  const Id keys = g_.cache_view(cache, {ranked_.dim, 1, ranked_.cells, streams}, g_.at(cache).bytes);
  const Id score = g_.compute(ne, {g_.view(q, {ranked_.dim, n, per_stream, streams}), keys,
                                   g_.view(weights, {n, per_stream, 1, streams}), ranked_.mask});
  const Extent best{std::min(ranked_.cells, spec_.indexer_top_k), per_stream, 1, streams};
  return g_.compute(best, {g_.compute(best, {score})});
}

/// Rotates back what was attended to and projects it, head group by head group, through a low rank.
Id ModelGraph::output_in_groups(Id out) {
  const std::uint32_t dim = spec_.head_dim_k, n_head = spec_.n_head.at(il_), groups = spec_.n_output_group;
  const std::uint32_t width = n_head * dim / groups, rank = spec_.output_lora_rank;
  out = g_.rope(g_.view(out, {dim, n_head, n_tokens_, 1}), positions());
  const Id by_group = g_.view(g_.view(out, {width, groups, n_tokens_, 1}), {width, n_tokens_, groups, 1}, false);
  const Id low = g_.mul_mat(g_.view(weight(Role::attn_output_a), {width, rank, groups, 1}), by_group);
  const Id packed = g_.compute({rank * groups, n_tokens_, 1, 1}, {g_.view(low, {rank, groups, n_tokens_, 1}, false)});
  return g_.mul_mat(weight(Role::attn_output_b), packed);
}

Id ModelGraph::compressed_attention(Id x) {
  const std::uint32_t dim = spec_.head_dim_k, n_head = spec_.n_head.at(il_), streams = n_stream();
  const std::uint32_t ratio = spec_.compress_ratios.at(il_);
  const Id low_rank = norm(g_.mul_mat(weight(Role::attn_q_a), x), Role::attn_q_a_norm);
  Id q = g_.rope(g_.inplace(g_.view(g_.mul_mat(weight(Role::attn_q_b), low_rank), {dim, n_head, n_tokens_, 1})),
                 positions());
  Id kv = norm(g_.mul_mat(weight(Role::attn_kv), x), Role::attn_kv_a_norm);
  kv = g_.rope(g_.view(kv, {dim, 1, n_tokens_, 1}), positions());

  constexpr CompressorRoles of_attention{Role::attn_compressor_kv, Role::attn_compressor_gate,
                                         Role::attn_compressor_ape, Role::attn_compressor_norm};
  constexpr CompressorRoles of_indexer{Role::indexer_compressor_kv, Role::indexer_compressor_gate,
                                       Role::indexer_compressor_ape, Role::indexer_compressor_norm};
  const CompressedInputs& older = ratio == fine_ratio ? fine_ : coarse_;
  Id cache = none, chosen = none;
  if (ratio != 0) cache = compress_keys(older, of_attention, x);
  if (ratio == fine_ratio) chosen = rank_compressed_keys(x, low_rank, compress_keys(ranked_, of_indexer, x));

  q = hadamard(q, sliding_.k_rot);
  kv = hadamard(kv, sliding_.k_rot);
  g_.expand(q);
  g_.expand(kv);
  const Heads h{n_head, 1, dim, dim};
  KeysAndValues all = keep(sliding_, kv, none, h, true);
  AttentionInputs in = sliding_;
  if (ratio != 0) {
    in.cells += older.cells;
    const Bytes bytes = tensor_bytes(params_.type_k, {dim, std::uint64_t{in.cells} * streams, 1, 1});
    const Id keys = g_.compute({dim, 1, in.cells, streams},
                               {all.k, g_.cache_view(cache, {dim, 1, older.cells, streams}, g_.at(cache).bytes)});
    g_.at(keys).bytes = g_.at(keys).device_bytes = bytes;
    all.k = all.v = g_.view(keys, {dim, in.cells, 1, streams}, false, bytes);
    const Id mask = chosen == none ? older.mask : mask_of(older.mask, chosen, flash_attn_ ? 2 : 4);
    in.mask = g_.compute({in.cells, n_tokens_ / streams, 1, streams}, {sliding_.mask, mask}, flash_attn_ ? 2 : 4);
  }
  const Id heads = g_.view(q, {dim, n_tokens_ / streams, n_head, streams}, false);
  const Id out = flash_attn_ ? attend_fused(in, heads, all.k, all.v, h, true, none)
                             : attend_plain(in, heads, all.k, all.v, h, none);
  g_.expand(out);
  return output_in_groups(hadamard(out, in.k_rot));
}

Id ModelGraph::reduce_mixed_streams(Id streams, Id shares) {
  const std::uint32_t n_rows = g_.ne(streams)[2];
  Id sum = none;
  for (std::uint32_t i = 0; i < spec_.n_hyper_connection; ++i) {
    const Id part = g_.inplace(one_stream(streams), g_.slice(shares, {1, n_rows, 1, 1}, 1));
    sum = sum == none ? part : add(sum, part);
  }
  return sum;
}

/// As enter_streams(), with one operation that reduces and one that makes the streams' shares of each other.
Id ModelGraph::enter_mixed_streams(Id streams, const StreamWeights& weights, Id& after, Id& among) {
  const std::uint32_t n = spec_.n_hyper_connection;
  const Id flat_rows = g_.view(streams, {n * spec_.n_embd, n_tokens_, 1, 1});
  const Id mixes = g_.mul_mat(weights.fn, normalize(flat_rows, true));
  const Id before = stream_shares(mixes, weights, false);
  after = stream_shares(mixes, weights, false);
  among = g_.compute({n, n, n_tokens_, 1}, {mixes, weights.scale, weights.base});
  return g_.compute({spec_.n_embd, n_tokens_, 1, 1}, {streams, before});
}

void ModelGraph::build_mixed_layer(Id& streams) {
  if (fine_.mask == none) prepare_compressed_attention();
  const auto weights = [&](Role fn, Role base, Role scale) {
    return StreamWeights{weight(fn), weight(base), weight(scale)};
  };
  const auto leave = [&](Id x, Id after, Id among) { return g_.compute(g_.ne(streams), {x, streams, after, among}); };
  Id after = none, among = none;
  Id in =
      enter_mixed_streams(streams, weights(Role::hc_attn_fn, Role::hc_attn_base, Role::hc_attn_scale), after, among);
  streams = leave(compressed_attention(norm(in, Role::attn_norm)), after, among);
  in = enter_mixed_streams(streams, weights(Role::hc_ffn_fn, Role::hc_ffn_base, Role::hc_ffn_scale), after, among);
  for (const Id t : {streams, after, among}) g_.expand(t);
  streams = leave(feed_forward(norm(in, Role::ffn_norm)), after, among);
}

}  // namespace willitrun::graph
