#include <algorithm>

#include "willitrun/blocks.hpp"

namespace willitrun::blocks {
namespace {

void mamba1(BlockBuilder& block, bool norms) {
  const auto& spec = block.spec;
  const std::uint64_t inner = spec.ssm_d_inner, state = spec.ssm_d_state, rank = spec.ssm_dt_rank;
  block.linear("ssm_in", block.n_embd, 2 * inner);
  block.linear("ssm_conv1d", spec.ssm_d_conv, inner, true);
  block.linear("ssm_x", inner, rank + 2 * state);
  block.linear("ssm_dt", rank, inner, true);
  block.add("ssm_a", {state, inner});
  block.add("ssm_d", {inner});
  block.linear("ssm_out", inner, block.n_embd);
  if (!norms) return;
  block.weight("ssm_dt_norm", {rank});
  block.weight("ssm_b_norm", {state});
  block.weight("ssm_c_norm", {state});
}

void mamba2(BlockBuilder& block, bool norm) {
  const auto& spec = block.spec;
  const std::uint64_t inner = spec.ssm_d_inner, heads = spec.ssm_dt_rank, groups = spec.ssm_n_group;
  const std::uint64_t convolved = inner + 2 * groups * spec.ssm_d_state;
  block.linear("ssm_in", block.n_embd, inner + convolved + heads);
  block.linear("ssm_conv1d", spec.ssm_d_conv, convolved, true);
  block.bias("ssm_dt", heads);
  block.add("ssm_a", {1, heads});
  block.add("ssm_d", {1, heads});
  if (norm) block.weight("ssm_norm", {groups > 0 ? inner / groups : 0, groups});
  block.linear("ssm_out", inner, block.n_embd);
}

// ssm.group_count key heads and ssm.time_step_rank value heads, all of ssm.state_size elements.
void gated_delta(BlockBuilder& block, bool split_beta) {
  const auto& spec = block.spec;
  const std::uint64_t head = spec.ssm_d_state, v_heads = spec.ssm_dt_rank;
  const std::uint64_t key = head * spec.ssm_n_group, value = head * v_heads;
  block.linear("attn_qkv", block.n_embd, 2 * key + value);
  block.linear("attn_gate", block.n_embd, value);
  block.linear("ssm_conv1d", spec.ssm_d_conv, 2 * key + value);
  block.bias("ssm_dt", v_heads);
  block.add("ssm_a", {v_heads});
  if (split_beta) {
    block.linear("ssm_beta", block.n_embd, v_heads);
    block.linear("ssm_alpha", block.n_embd, v_heads);
  } else {
    block.linear("ssm_ba", block.n_embd, 2 * v_heads);
  }
  block.weight("ssm_norm", {head});
  block.linear("ssm_out", value, block.n_embd);
}

}  // namespace

// One decay per head, and steps projected from a width that no key holds (plamo2.cpp).
void plamo2_mamba(BlockBuilder& block) {
  const auto& spec = block.spec;
  const std::uint64_t inner = spec.ssm_d_inner, state = spec.ssm_d_state, heads = spec.ssm_dt_rank;
  const std::uint64_t step_width = std::max<std::uint64_t>(64, block.n_embd / 16);
  block.linear("ssm_in", block.n_embd, 2 * inner);
  block.linear("ssm_conv1d", spec.ssm_d_conv, inner);
  block.linear("ssm_x", inner, step_width + 2 * state);
  block.linear("ssm_dt", step_width, heads, true);
  block.add("ssm_a", {heads});
  block.add("ssm_d", {heads});
  block.linear("ssm_out", inner, block.n_embd);
  block.add("ssm_dt_norm", {step_width});
  block.add("ssm_b_norm", {state});
  block.add("ssm_c_norm", {state});
}

void mamba(BlockBuilder& block) { mamba1(block, false); }
void mamba_with_norms(BlockBuilder& block) { mamba1(block, true); }
void mamba2(BlockBuilder& block) { mamba2(block, true); }
void mamba2_norm_stated(BlockBuilder& block) { mamba2(block, block.spec.optional.ssm_norm); }
void gated_delta(BlockBuilder& block) { gated_delta(block, false); }
void gated_delta_split(BlockBuilder& block) { gated_delta(block, true); }

namespace {

// What a gated delta layer's decay and output gate are made of: two matrices of low rank each, or one.
struct DeltaGates {
  bool full_decay, full_output;
  std::string_view output;  ///< the output gate's only matrix
};

void kimi_delta(BlockBuilder& block, const DeltaGates& gates, bool flat_a) {
  const auto& spec = block.spec;
  const std::uint64_t head = spec.head_dim_kda, n_head = spec.n_head.at(block.layer), width = head * n_head;
  for (const auto name : {"ssm_conv1d_q", "ssm_conv1d_k", "ssm_conv1d_v"})
    block.weight(name, {spec.ssm_d_conv, 1, width, 1});
  for (const auto name : {"attn_q", "attn_k", "attn_v"}) block.linear(name, block.n_embd, width);
  block.linear("ssm_f_a", block.n_embd, gates.full_decay ? width : head);
  if (!gates.full_decay) block.linear("ssm_f_b", head, width);
  block.linear("ssm_beta", block.n_embd, n_head);
  if (flat_a)
    block.add("ssm_a", {n_head});
  else
    block.add("ssm_a", {1, n_head});
  block.bias("ssm_dt", width);
  if (gates.full_output) {
    block.linear(gates.output, block.n_embd, width);
  } else {
    block.linear("ssm_g_a", block.n_embd, head);
    block.linear("ssm_g_b", head, width);
  }
  block.weight("ssm_norm", {head});
  block.linear("attn_output", width, block.n_embd);
}

}  // namespace

void kimi_delta(BlockBuilder& block) { kimi_delta(block, {false, false, ""}, false); }
void kimi_delta_full_gate(BlockBuilder& block) { kimi_delta(block, {false, true, "ssm_g"}, true); }
void ling_delta(BlockBuilder& block) { kimi_delta(block, {true, true, "ssm_g_a"}, false); }

// MiniMax-Text-01's linear attention: as many key and value heads as query heads.
void lightning_attention(BlockBuilder& block) {
  const std::uint64_t width = std::uint64_t{block.spec.n_head.at(block.layer)} * block.spec.head_dim_k;
  block.weight("attn_norm_2", {width});
  block.linear("attn_qkv", block.n_embd, 3 * width);
  block.linear("attn_gate", block.n_embd, width);
  block.linear("attn_output", width, block.n_embd);
}

void short_convolution(BlockBuilder& block) {
  block.linear("shortconv.conv", block.spec.shortconv_l_cache, block.n_embd);
  block.linear("shortconv.in_proj", block.n_embd, 3 * block.n_embd);
  block.linear("shortconv.out_proj", block.n_embd, block.n_embd);
}

}  // namespace willitrun::blocks
