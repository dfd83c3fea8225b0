// Attention of one layer: llama-graph.cpp, build_qkv, build_attn and build_attn_mha.
#include "graph_model.hpp"

#include <algorithm>

namespace willitrun::graph {

namespace {

Bytes cache_bytes(TensorType type, std::uint64_t width, std::uint64_t cells) {
  return tensor_bytes(type, {width, cells, 1, 1});
}

/// A copy of a quantised cache on a device is padded like a weight.
Bytes padded(TensorType type, std::uint32_t row, Bytes bytes) {
  return is_block_quantized(type) && row % 512 != 0 ? bytes + row_bytes(type, 512 - row % 512) : bytes;
}

/// A quantised cache is rotated by a Hadamard matrix (llama-kv-cache.cpp, attn_rot_k): the largest power of two that
/// divides the head for K, 64 for V.
std::uint32_t rotation_size(std::uint32_t head_dim) {
  std::uint32_t n = 64;
  while (head_dim % (n * 2) == 0) n *= 2;
  return n;
}

}  // namespace

ModelGraph::AttentionInputs& ModelGraph::attention_inputs(bool slides) {
  AttentionInputs& in = slides ? sliding_ : base_;
  if (in.mask != none) return in;
  in.cells = slides ? context_.n_swa_cells : context_.n_ctx_seq;
  const bool cached = spec_.causal;
  if (!cached) in.cells = n_tokens_;
  const std::uint32_t streams = cached ? n_stream() : 1;
  const std::uint32_t per_stream = n_tokens_ / streams;
  if (cached) {
    in.k_idxs = g_.input({n_tokens_, 1, 1, 1}, 8);
    // Without flash attention V is kept transposed and every element has its index.
    std::uint32_t widest = 0;
    for (std::uint32_t il = 0; il < spec_.n_layer_trunk(); ++il) {
      widest = std::max(widest, spec_.v_dim(il) * spec_.n_head_kv.at(il));
    }
    in.v_idxs = g_.input({values_by_cell_ ? n_tokens_ : n_tokens_ * widest, 1, 1, 1}, 8);
    const std::uint32_t dim_k = slides ? spec_.head_dim_k_swa : spec_.head_dim_k;
    if (is_block_quantized(params_.type_k) && spec_.head_dim_k % 64 == 0 && !spec_.is_mla()) {
      const std::uint32_t n = rotation_size(dim_k);
      in.k_rot = g_.input({n, n, 1, 1}, 4);
    }
    if (is_block_quantized(params_.type_v) && spec_.head_dim_v % 64 == 0 && !spec_.is_mla()) {
      in.v_rot = g_.input({64, 64, 1, 1}, 4);
    }
  }
  in.mask = g_.input({in.cells, per_stream, 1, streams}, flash_attn_ ? 2 : 4);
  return in;
}

Id ModelGraph::positions() {
  if (positions_ == none) {
    // Multi-axis rope keeps several positions per token (llama-hparams.cpp, n_pos_per_embd).
    positions_ = g_.input({family_.position_axes * n_tokens_, 1, 1, 1}, 4);
  }
  return positions_;
}

Id ModelGraph::rotate(Id x) {
  const bool skip = !family_.rope || family_.alibi_n_layer == spec_.n_layer ||
                    (family_.rope_sliding_only && !spec_.swa_layers.empty() && !spec_.slides(il_) &&
                     il_ >= spec_.n_layer_dense_lead) ||
                    (family_.nope_step != 0 && (il_ + 1) % family_.nope_step == 0);
  if (skip) return x;
  if (family_.rope_factors_full_only && spec_.slides(il_)) return g_.rope(x, positions());
  Id& factors = rope_factors_of_device_[static_cast<std::size_t>(device_ < 0 ? split_.n_device
                                                                             : static_cast<std::uint32_t>(device_))];
  if (factors == none) {
    factors = weight(tensors_.global[tensors_.global.has(Role::rope_freqs) ? Role::rope_freqs : Role::rope_long]);
  }
  return g_.rope(x, positions(), factors);
}

Id ModelGraph::hadamard(Id x, Id rotation) {
  if (rotation == none) return x;
  const Extent ne = g_.ne(x);
  const std::uint32_t n = g_.ne(rotation)[0];
  const auto rows = static_cast<std::uint32_t>(std::uint64_t{ne[0]} * ne[1] * ne[2] * ne[3] / n);
  const Id rows_of_n = g_.at(x).contiguous ? g_.view(x, {n, rows, 1, 1}) : g_.compute({n, rows, 1, 1}, {x});
  return g_.view(g_.mul_mat(rotation, rows_of_n), ne);
}

void ModelGraph::project(Id x, const Heads& h, Id& q, Id& k, Id& v, Id& gate) {
  const bool flat_norm = layer_->has(Role::attn_q_norm) && (*layer_)[Role::attn_q_norm].ne[0] != h.dim_k;
  const auto early = [&](Id t, Role role) { return flat_norm && layer_->has(role) ? norm(t, role) : t; };
  const auto late = [&](Id t, Role role) {
    if (flat_norm) return t;
    // llama4.cpp norms without a weight.
    if (family_.weigh_inputs) return role == Role::attn_q_norm || role == Role::attn_k_norm ? normalize(t, true) : t;
    return norm_if(t, role);
  };
  const auto finish = [&](Id t, Role role) {
    return family_.norm_after_rope ? late(rotate(t), role) : rotate(late(t, role));
  };
  const auto clamped = [&](Id t) { return spec_.clamps_qkv ? g_.inplace(t) : t; };
  const auto heads = [&](Id t, std::uint32_t dim, std::uint32_t n) {
    const Extent ne{dim, n, n_tokens_, 1};
    return g_.ne(t)[0] == dim * n ? g_.view(t, ne) : g_.slice(t, ne, dim * n);
  };
  if (layer_->has(Role::attn_qkv)) {
    const Id qkv = clamped(linear(Role::attn_qkv, x));
    q = finish(heads(qkv, h.dim_k, h.n), Role::attn_q_norm);
    k = finish(heads(qkv, h.dim_k, h.n_kv), Role::attn_k_norm);
    v = heads(qkv, h.dim_v, h.n_kv);
    return;
  }
  const Id q_full = early(clamped(linear(Role::attn_q, x)), Role::attn_q_norm);
  if (g_.ne(q_full)[0] == 2 * h.dim_k * h.n) {
    // qwen35.cpp, qwen3next.cpp: each query head is followed by its output gate.
    const Extent ne{h.dim_k, h.n, n_tokens_, 1};
    const Bytes bytes = g_.at(q_full).bytes - Bytes{4} * h.dim_k;
    gate = g_.view(q_full, ne, false, bytes);
    q = finish(g_.view(q_full, ne, false, bytes), Role::attn_q_norm);
  } else {
    q = finish(heads(q_full, h.dim_k, h.n), Role::attn_q_norm);
  }
  if (!layer_->has(Role::attn_k)) return;
  const Id k_full = clamped(linear(Role::attn_k, x));
  k = finish(heads(early(k_full, Role::attn_k_norm), h.dim_k, h.n_kv), Role::attn_k_norm);
  v = heads(layer_->has(Role::attn_v) ? clamped(linear(Role::attn_v, x)) : k_full, h.dim_v, h.n_kv);
  if (family_.value_norm) v = normalize(v, true);
}

Id ModelGraph::attention(Id x) {
  if (layer_->has(Role::attn_k_b)) return latent_attention(x);
  if (layer_->has(Role::attn_kv_a_mqa)) return expanded_latent_attention(x);
  const Heads h{spec_.n_head.at(il_), spec_.n_head_kv.at(il_), spec_.k_dim(il_), spec_.v_dim(il_)};
  const bool slides = spec_.slides(il_);
  AttentionInputs& in = attention_inputs(slides);
  if (!spec_.swa_layers.empty()) attention_inputs(!slides);
  Id q = none, k = none, v = none, gate = none;
  project(x, h, q, k, v, gate);
  const bool shares = il_ >= spec_.n_layer_trunk() - spec_.n_layer_kv_shared;
  if (shares) k = v = none;
  const bool by_blocks = chooses_blocks();
  Id out = by_blocks ? attend_blocks(x, q, k, v, h) : attend(in, q, k, v, h, false, none);
  if (gate != none) {
    const Id packed = g_.compute({h.dim_k * h.n, n_tokens_, 1, 1}, {gate});
    out = g_.inplace(out, g_.inplace(packed));
  } else if (layer_->has(Role::attn_gate)) {
    out = g_.inplace(out, g_.inplace(linear(Role::attn_gate, x)));
  }
  if (layer_->has(Role::attn_sub_norm)) out = norm(out, Role::attn_sub_norm);
  return linear(Role::attn_output, out);
}

/// Multi-head latent attention with absorbed projections (deepseek2.cpp): one shared key head, its first part the
/// value.
Id ModelGraph::latent_attention(Id x) {
  const std::uint32_t n_head = spec_.n_head.at(il_);
  const std::uint32_t rank = spec_.kv_lora_rank, rope_dim = spec_.n_rot;
  const std::uint32_t key = spec_.head_dim_k_mla, plain = key - rope_dim;
  const Id low_rank = layer_->has(Role::attn_q_a) ? norm(linear(Role::attn_q_a, x), Role::attn_q_a_norm) : x;
  AttentionInputs in = attention_inputs(false);
  if (spec_.n_indexer_head > 0) in.mask = sparse_mask(in.mask, x, low_rank);
  Id q = linear(layer_->has(Role::attn_q_a) ? Role::attn_q_b : Role::attn_q, low_rank);
  const Bytes q_bytes = g_.at(q).bytes;
  q = g_.view(q, {key, n_head, n_tokens_, 1});
  const Id q_plain = g_.view(q, {plain, n_head, n_tokens_, 1}, false, q_bytes - Bytes{4} * rope_dim);
  const Id q_rope = rotate(g_.view(q, {rope_dim, n_head, n_tokens_, 1}, false, q_bytes - Bytes{4} * plain));
  const Id kv = g_.mul_mat(weight(Role::attn_kv_a_mqa), x);
  const Id latent = norm(g_.slice(kv, {rank, n_tokens_, 1, 1}, rank), Role::attn_kv_a_norm);
  const Id k_rope = rotate(g_.slice(kv, {rope_dim, 1, n_tokens_, 1}, rope_dim));
  const Id absorbed = g_.mul_mat(weight(Role::attn_k_b), g_.view(q_plain, {plain, n_tokens_, n_head, 1}, false));
  const Id q_all = g_.compute({rank + rope_dim, n_head, n_tokens_, 1},
                              {g_.view(absorbed, {rank, n_head, n_tokens_, 1}, false), q_rope});
  const Id v = g_.view(latent, {rank, 1, n_tokens_, 1});
  const Id k = g_.compute({rank + rope_dim, 1, n_tokens_, 1}, {v, k_rope});
  const Heads h{n_head, 1, rank + rope_dim, rank};
  Id out = attend(in, q_all, k, v, h, true, weight(Role::attn_v_b));
  if (layer_->has(Role::attn_gate)) {
    const Id gate = linear(Role::attn_gate, x);
    const std::uint32_t width = g_.ne(out)[0];
    if (g_.ne(gate)[0] == width) {
      out = g_.inplace(out, g_.inplace(gate));
    } else {
      // One gate a head (bailingmoe3.cpp).
      const Id by_head = g_.inplace(g_.view(gate, {1, n_head, n_tokens_, 1}));
      out = g_.inplace(g_.view(out, {width / n_head, n_head, n_tokens_, 1}), by_head);
      out = g_.compute({width, n_tokens_, 1, 1}, {out});
    }
  }
  return linear(Role::attn_output, out);
}

/// Latent attention with its keys and values expanded to full heads (minicpm3.cpp).
Id ModelGraph::expanded_latent_attention(Id x) {
  const Heads h{spec_.n_head.at(il_), spec_.n_head.at(il_), spec_.head_dim_k, spec_.head_dim_v};
  const std::uint32_t rank = spec_.kv_lora_rank, rope_dim = spec_.n_rot, plain = h.dim_k - rope_dim;
  Id q = layer_->has(Role::attn_q_a) ? norm(linear(Role::attn_q_a, x), Role::attn_q_a_norm) : x;
  q = linear(layer_->has(Role::attn_q_a) ? Role::attn_q_b : Role::attn_q, q);
  q = rotate(g_.view(q, {h.dim_k, h.n, n_tokens_, 1}));
  const Id kv = g_.mul_mat(weight(Role::attn_kv_a_mqa), x);
  const Id latent = norm(g_.slice(kv, {rank, n_tokens_, 1, 1}, rank), Role::attn_kv_a_norm);
  const Id full = g_.mul_mat(weight(Role::attn_kv_b), latent);
  const Id v = g_.compute({h.dim_v, h.n, n_tokens_, 1}, {g_.view(full, {h.dim_v, h.n, n_tokens_, 1}, false)});
  const Id k_rope = rotate(g_.slice(kv, {rope_dim, 1, n_tokens_, 1}, rope_dim));
  const Id repeated = g_.compute({rope_dim, h.n, n_tokens_, 1}, {k_rope});
  const Id k = g_.compute({h.dim_k, h.n, n_tokens_, 1}, {g_.view(full, {plain, h.n, n_tokens_, 1}, false), repeated});
  return linear(Role::attn_output, attend(attention_inputs(false), q, k, v, h, false, none));
}

/// Writes this batch's keys and values to the cache, or to an earlier layer's that is shared, and views all of it.
ModelGraph::KeysAndValues ModelGraph::keep(AttentionInputs& in, Id k, Id v, const Heads& h, bool key_is_value) {
  const std::int32_t where = cache_backend();
  const std::uint32_t streams = n_stream();
  const std::uint64_t cells = std::uint64_t{in.cells} * streams;
  const bool own = k != none || in.k_cache == none;
  const Id k_cache =
      !own ? in.k_cache : g_.state(cache_bytes(params_.type_k, std::uint64_t{h.dim_k} * h.n_kv, cells), where);
  const Id v_cache = key_is_value ? k_cache
                     : !own       ? in.v_cache
                            : g_.state(cache_bytes(params_.type_v, std::uint64_t{h.dim_v} * h.n_kv, cells), where);
  in.k_cache = k_cache;
  in.v_cache = v_cache;
  const auto rows = [&](Id t, std::uint32_t width) {
    return g_.view(t, {width * h.n_kv, n_tokens_, 1, 1}, g_.at(t).contiguous, g_.at(t).bytes);
  };
  if (k != none) {
    g_.expand(g_.store(k_cache, {rows(k, h.dim_k), in.k_idxs, k_cache}));
    if (!key_is_value) g_.expand(g_.store(v_cache, {rows(v, h.dim_v), in.v_idxs, v_cache}));
  }
  const Extent by_cell{h.dim_v, in.cells, h.n_kv, streams}, transposed{in.cells, h.dim_v, h.n_kv, streams};
  return {g_.cache_view(k_cache, {h.dim_k, in.cells, h.n_kv, streams},
                        padded(params_.type_k, h.dim_k, g_.at(k_cache).bytes)),
          g_.cache_view(v_cache, key_is_value || values_by_cell_ ? by_cell : transposed,
                        padded(params_.type_v, h.dim_v, g_.at(v_cache).bytes))};
}

Id ModelGraph::attend(AttentionInputs& in, Id q, Id k, Id v, const Heads& h, bool key_is_value, Id decompress) {
  q = hadamard(q, in.k_rot);
  if (k != none) k = hadamard(k, in.k_rot);
  if (v != none) v = hadamard(v, in.v_rot);
  const bool iswa = !spec_.swa_layers.empty() || !spec_.causal;
  g_.expand(q);
  g_.expand(iswa ? k : v);
  g_.expand(iswa ? v : k);
  KeysAndValues all;
  const std::uint32_t streams = spec_.causal ? n_stream() : 1;
  if (spec_.causal) {
    all = keep(in, k, v, h, key_is_value);
  } else {
    // No cache: K and V are padded.
    all.k = g_.view(g_.compute({h.dim_k, h.n_kv, n_tokens_, 1}, {k}), {h.dim_k, n_tokens_, h.n_kv, 1}, false);
    all.v = g_.view(g_.compute({h.dim_v, h.n_kv, n_tokens_, 1}, {v}), {h.dim_v, n_tokens_, h.n_kv, 1}, false);
  }
  const Id heads = g_.view(q, {h.dim_k, n_tokens_ / streams, h.n, streams}, false);
  const Id out = flash_attn_ ? attend_fused(in, heads, all.k, all.v, h, key_is_value, decompress)
                             : attend_plain(in, heads, all.k, all.v, h, decompress);
  g_.expand(out);
  return hadamard(out, in.v_rot);
}

/// fattn.cu, ggml_cuda_flash_attn_ext_get_alloc_size: keys and values that are not f16 are converted beside the result.
Bytes ModelGraph::conversion_scratch(Bytes rows, const Heads& h, bool key_is_value) const {
  Bytes scratch = 0;
  if (params_.type_k != TensorType::f16) scratch += round_up(2 * rows * h.dim_k, 128);
  if (params_.type_v != TensorType::f16 && !key_is_value) scratch += round_up(2 * rows * h.dim_v, 128);
  return scratch;
}

Id ModelGraph::attend_fused(const AttentionInputs& in, Id q, Id k, Id v, const Heads& h, bool key_is_value,
                            Id decompress) {
  const Bytes scratch = spec_.causal ? conversion_scratch(Bytes{in.cells} * n_stream() * h.n_kv, h, key_is_value) : 0;
  if (!spec_.causal) {
    k = g_.compute(g_.ne(k), {k}, 2);
    v = g_.compute(g_.ne(v), {v}, 2);
  }
  const std::uint32_t streams = spec_.causal ? n_stream() : 1;
  const Id sinks = weight(Role::attn_sinks);
  Id out = g_.attention({h.dim_v, h.n, n_tokens_ / streams, streams}, {q, k, v, in.mask, sinks}, scratch);
  if (decompress != none) {
    const Id up = g_.mul_mat(decompress, g_.view(out, {h.dim_v, n_tokens_, h.n, 1}, false));
    const std::uint32_t dim = g_.ne(up)[0];
    out = g_.compute({dim, h.n, n_tokens_, 1}, {g_.view(up, {dim, h.n, n_tokens_, 1}, false)});
  }
  return g_.view(out, {g_.ne(out)[0] * h.n, n_tokens_, 1, 1});
}

Id ModelGraph::attend_plain(const AttentionInputs& in, Id q, Id k, Id v, const Heads& h, Id decompress) {
  const std::uint32_t streams = spec_.causal ? n_stream() : 1;
  const Id scores = g_.inplace(g_.mul_mat(k, q), in.mask, weight(Role::attn_sinks));
  if (!spec_.causal || g_.ne(v)[0] != in.cells) {
    const Extent ne = g_.ne(v);
    v = g_.compute({ne[1], ne[0], ne[2], ne[3]}, {g_.view(v, {ne[1], ne[0], ne[2], ne[3]}, false, g_.at(v).bytes)},
                   spec_.causal ? 2 : 4);
  }
  Id out = g_.mul_mat(v, scores);
  if (decompress != none) out = g_.mul_mat(decompress, out);
  const std::uint32_t dim = g_.ne(out)[0];
  const Id packed =
      g_.compute({dim * h.n, n_tokens_, 1, 1}, {g_.view(out, {dim, h.n, n_tokens_ / streams, streams}, false)});
  return packed;
}

}  // namespace willitrun::graph
