// DeepSeek V4: compressed sparse attention and hyper-connections (deepseek4.cpp of llama.cpp 0.5.0); Hy4, which has the
// latter (hy-v4.cpp).
#include "willitrun/blocks.hpp"

namespace willitrun::blocks {
namespace {

constexpr std::uint64_t fine_ratio = 4;  // keys compressed by four overlap, and an indexer chooses among them

/// Weighs `ratio` tokens into one key.
void compressor(BlockBuilder& block, const std::string& name, std::uint64_t width, std::uint64_t head_dim,
                std::uint64_t ratio) {
  block.linear(name + "_kv", block.n_embd, width);
  block.linear(name + "_gate", block.n_embd, width);
  block.weight(name + "_ape", {width, ratio});
  block.weight(name + "_norm", {head_dim});
}

void attention_part(BlockBuilder& block) {
  const auto& spec = block.spec;
  const std::uint64_t n_head = spec.n_head.at(block.layer), head_dim = spec.head_dim_k;
  const std::uint64_t groups = spec.n_output_group, rank = spec.output_lora_rank;
  block.weight("attn_norm", {block.n_embd});
  block.weight("attn_sinks", {n_head});
  block.linear("attn_q_a", block.n_embd, spec.q_lora_rank);
  block.weight("attn_q_a_norm", {spec.q_lora_rank});
  block.linear("attn_q_b", spec.q_lora_rank, n_head * head_dim);
  block.linear("attn_kv", block.n_embd, head_dim);
  block.weight("attn_kv_a_norm", {head_dim});
  block.linear("attn_output_a", groups > 0 ? n_head * head_dim / groups : 0, rank * groups);
  block.linear("attn_output_b", groups * rank, block.n_embd);

  const std::uint64_t ratio = spec.compress_ratios.at(block.layer);
  if (ratio == 0) return;
  compressor(block, "attn_compressor", ratio == fine_ratio ? 2 * head_dim : head_dim, head_dim, ratio);
  if (ratio != fine_ratio) return;
  const std::uint64_t index_dim = spec.indexer_head_dim;
  block.linear("indexer.proj", block.n_embd, spec.n_indexer_head);
  block.linear("indexer.attn_q_b", spec.q_lora_rank, spec.n_indexer_head * index_dim);
  compressor(block, "indexer_compressor", 2 * index_dim, index_dim, ratio);
}

/// Mixes the residual streams before and after a part, with `n_set` coefficients for each and, if need be, among them.
void hyper_connection(BlockBuilder& block, const std::string& name, std::uint64_t n_set) {
  const std::uint64_t n = block.spec.n_hyper_connection, n_coefficient = n_set > 2 ? (2 + n) * n : 2 * n;
  block.linear(name + "_fn", n * block.n_embd, n_coefficient);
  block.weight(name + "_base", {n_coefficient});
  block.weight(name + "_scale", {n_set});
}

}  // namespace

void deepseek4_block(BlockBuilder& block) {
  const auto& spec = block.spec;
  const std::uint64_t n = spec.n_expert, width = spec.n_ff_expert, shared = width * spec.n_expert_shared;
  attention_part(block);
  hyper_connection(block, "hc_attn", 3);
  hyper_connection(block, "hc_ffn", 3);
  block.linear("ffn_gate_inp", block.n_embd, n);
  if (block.layer < spec.n_layer_hash)
    block.weight("ffn_gate_tid2eid", {spec.n_expert_used, spec.n_vocab});
  else
    block.bias("exp_probs_b", n);
  block.weight("ffn_norm", {block.n_embd});
  block.weight("ffn_gate_exps", {block.n_embd, width, n});
  block.weight("ffn_down_exps", {width, block.n_embd, n});
  block.weight("ffn_up_exps", {block.n_embd, width, n});
  block.linear("ffn_gate_shexp", block.n_embd, shared);
  block.linear("ffn_down_shexp", shared, block.n_embd);
  block.linear("ffn_up_shexp", block.n_embd, shared);
}

void hy_v4_block_extra(BlockBuilder& block) {
  const std::uint64_t n_head = block.spec.n_head.at(block.layer);
  block.weight("attn_sinks", {n_head});
  block.linear("attn_gate", block.n_embd, n_head * block.spec.head_dim_v_mla);
  hyper_connection(block, "hc_attn", 2);
  hyper_connection(block, "hc_ffn", 2);
}

void hyper_connection_head(TensorBuilder& tensors) {
  const std::uint64_t n = tensors.spec.n_hyper_connection;
  tensors.add("output_hc_fn.weight", {n * tensors.spec.n_embd, n});
  tensors.add("output_hc_base.weight", {n});
  tensors.add("output_hc_scale.weight", {1});
}

}  // namespace willitrun::blocks
