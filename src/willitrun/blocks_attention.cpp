#include "willitrun/blocks.hpp"

namespace willitrun::blocks {
namespace {

void qk_norms(BlockBuilder& block, std::uint64_t n_head, std::uint64_t n_head_kv, std::uint64_t head_dim, bool with_k) {
  const auto norm = [&](std::string_view name, std::uint64_t heads) {
    if (block.family.qk_norm == QkNorm::head) block.weight(name, {head_dim});
    if (block.family.qk_norm == QkNorm::each_head) block.weight(name, {head_dim, heads});
    if (block.family.qk_norm == QkNorm::all_heads) block.weight(name, {head_dim * heads});
  };
  norm("attn_q_norm", n_head);
  if (with_k) norm("attn_k_norm", n_head_kv);
}

void sparse_indexer(BlockBuilder& block) {
  const auto& spec = block.spec;
  const std::uint64_t head_dim = spec.indexer_head_dim;
  block.weight("indexer.k_norm", {head_dim});
  block.bias("indexer.k_norm", head_dim);
  block.linear("indexer.proj", block.n_embd, spec.n_indexer_head);
  block.linear("indexer.attn_k", block.n_embd, head_dim);
  block.linear("indexer.attn_q_b", spec.q_lora_rank, spec.n_indexer_head * head_dim);
}

}  // namespace

void attention(BlockBuilder& block) {
  const auto& spec = block.spec;
  const auto& family = block.family;
  const std::uint64_t n_head = spec.n_head.at(block.layer);
  const std::uint64_t n_head_kv = spec.n_head_kv.at(block.layer);
  const std::uint64_t head_dim = spec.k_dim(block.layer);
  const std::uint64_t q = n_head * head_dim;
  const std::uint64_t k = n_head_kv * head_dim;
  const std::uint64_t v = n_head_kv * spec.v_dim(block.layer);
  const bool bias = present(family.qkv_bias, spec.optional.attention_bias);
  const bool with_v = !spec.optional.keys_as_values || spec.slides(block.layer);

  if (family.fused_qkv) {
    block.linear("attn_qkv", block.n_embd, q + k + v, bias);
  } else {
    block.linear("attn_q", block.n_embd, family.gate == AttentionGate::in_query ? 2 * q : q, bias);
    block.linear("attn_k", block.n_embd, k, bias);
    if (with_v) block.linear("attn_v", block.n_embd, v, bias);
  }
  block.linear("attn_output", n_head * spec.v_dim(block.layer), block.n_embd,
               present(family.output_proj_bias, spec.optional.attention_output_bias));

  if (present(family.qk_norm_presence, spec.optional.qk_norm) && spec.n_layer >= family.qk_norm_from_n_layer)
    qk_norms(block, n_head, n_head_kv, head_dim, true);
  if (family.gate == AttentionGate::per_channel) block.linear("attn_gate", block.n_embd, q);
  if (family.gate == AttentionGate::per_head) block.linear("attn_gate", block.n_embd, n_head);
  if (family.sinks == Sinks::all_layers || (family.sinks == Sinks::sliding_layers && spec.slides(block.layer)))
    block.weight("attn_sinks", {n_head});
}

// Keys and values live in a space of kv_lora_rank elements. Files made before the split of attn_kv_b lack the
// key_length_mla key and keep it whole (deepseek2.cpp of llama.cpp 0.7.0).
void latent_attention(BlockBuilder& block) {
  const auto& spec = block.spec;
  const std::uint64_t n_head = spec.n_head.at(block.layer);
  const std::uint64_t rank = spec.kv_lora_rank;
  const std::uint64_t k = spec.is_mla() ? spec.head_dim_k_mla : spec.head_dim_k;
  const std::uint64_t v = spec.is_mla() ? spec.head_dim_v_mla : spec.head_dim_v;
  const std::uint64_t k_plain = k > spec.n_rot ? k - spec.n_rot : 0;

  if (spec.q_lora_rank > 0) {
    block.linear("attn_q_a", block.n_embd, spec.q_lora_rank);
    block.weight("attn_q_a_norm", {spec.q_lora_rank});
    block.linear("attn_q_b", spec.q_lora_rank, n_head * k);
  } else {
    block.linear("attn_q", block.n_embd, n_head * k);
  }
  block.linear("attn_kv_a_mqa", block.n_embd, rank + spec.n_rot);
  block.weight("attn_kv_a_norm", {rank});
  if (spec.is_mla()) {
    block.weight("attn_k_b", {k_plain, rank, n_head});
    block.weight("attn_v_b", {rank, v, n_head});
  } else {
    block.linear("attn_kv_b", rank, n_head * (k_plain + v));
  }
  block.linear("attn_output", n_head * v, block.n_embd);
  if (block.is_nextn() ? block.family.indexer != Indexer::none : spec.has_indexer(block.layer)) sparse_indexer(block);
}

}  // namespace willitrun::blocks
