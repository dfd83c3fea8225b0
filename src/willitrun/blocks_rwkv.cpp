// RWKV 6 and 7, and the Qwen2 models whose attention was replaced by theirs (rwkv6.cpp, rwkv7.cpp, rwkv6qwen2.cpp,
// arwkv7.cpp of llama.cpp 0.7.0).
#include "willitrun/blocks.hpp"

namespace willitrun::blocks {
namespace {

void layer_norm(BlockBuilder& block, std::string_view name) {
  block.weight(name, {block.n_embd});
  block.bias(name, block.n_embd);
}

void vectors(BlockBuilder& block, std::initializer_list<std::string_view> names) {
  for (const auto name : names) block.weight(name, {block.n_embd});
}

void matrices(BlockBuilder& block, std::initializer_list<std::string_view> names) {
  for (const auto name : names) block.linear(name, block.n_embd, block.n_embd);
}

// Down to a low rank and up again.
void low_rank(BlockBuilder& block, std::string_view down, std::string_view up, std::uint64_t rank) {
  block.linear(down, block.n_embd, rank);
  block.linear(up, rank, block.n_embd);
}

void time_mix_6(BlockBuilder& block, std::uint64_t key_width) {
  constexpr std::uint64_t n_mixed = 5;  // decay, key, value, receptance and gate
  const std::uint64_t rank = block.spec.time_mix_rank;
  block.linear("time_mix_w1", block.n_embd, n_mixed * rank);
  block.weight("time_mix_w2", {rank, block.n_embd, n_mixed});
  block.weight("time_mix_lerp_fused", {block.n_embd, 1, 1, n_mixed});
  vectors(block, {"time_mix_lerp_x", "time_mix_decay"});
  low_rank(block, "time_mix_decay_w1", "time_mix_decay_w2", block.spec.time_decay_rank);
  block.linear("time_mix_key", block.n_embd, key_width);
  block.linear("time_mix_value", block.n_embd, key_width);
  matrices(block, {"time_mix_receptance", "time_mix_gate", "time_mix_output"});
}

void time_mix_7(BlockBuilder& block) {
  constexpr std::uint64_t n_mixed = 6;  // receptance, decay, key, value, learning rate and gate
  const auto& spec = block.spec;
  // The first layer has no value before it to mix in; conversion fills its place with copies of the learning rate's.
  const std::uint64_t value_rank = block.layer == 0 ? spec.iclr_lora_rank : spec.value_lora_rank;
  const bool gated = spec.gate_lora_rank > 0;
  vectors(block, {"time_mix_w0", "time_mix_a0", "time_mix_v0", "time_mix_k_k", "time_mix_k_a", "time_mix_r_k"});
  low_rank(block, "time_mix_w1", "time_mix_w2", spec.decay_lora_rank);
  low_rank(block, "time_mix_a1", "time_mix_a2", spec.iclr_lora_rank);
  low_rank(block, "time_mix_v1", "time_mix_v2", value_rank);
  if (gated) low_rank(block, "time_mix_g1", "time_mix_g2", spec.gate_lora_rank);
  block.weight("time_mix_lerp_fused", {block.n_embd, 1, 1, gated ? n_mixed : n_mixed - 1});
  matrices(block, {"time_mix_key", "time_mix_value", "time_mix_receptance", "time_mix_output"});
}

void channel_mix(BlockBuilder& block) {
  const std::uint64_t n_ff = block.spec.n_ff.at(block.layer);
  vectors(block, {"channel_mix_lerp_k"});
  block.linear("channel_mix_key", block.n_embd, n_ff);
  block.linear("channel_mix_value", n_ff, block.n_embd);
}

}  // namespace

void rwkv6_block(BlockBuilder& block) {
  layer_norm(block, "attn_norm");
  layer_norm(block, "attn_norm_2");
  time_mix_6(block, block.n_embd);
  const std::uint64_t head = block.spec.wkv_head_size;
  block.weight("time_mix_first", {head, head > 0 ? block.n_embd / head : 0});
  layer_norm(block, "time_mix_ln");
  channel_mix(block);
  vectors(block, {"channel_mix_lerp_r"});
  matrices(block, {"channel_mix_receptance"});
}

void rwkv6_qwen2_block(BlockBuilder& block) {
  const std::uint64_t n_head_kv = block.spec.n_head_kv.at(block.layer);
  const std::uint64_t key_width = n_head_kv > 0 ? n_head_kv * block.spec.wkv_head_size : block.n_embd;
  vectors(block, {"attn_norm", "ffn_norm"});
  time_mix_6(block, key_width);
  if (block.spec.optional.attention_bias) {
    block.bias("time_mix_key", key_width);
    block.bias("time_mix_value", key_width);
    block.bias("time_mix_receptance", block.n_embd);
  }
  feed_forward(block);
}

void rwkv7_block(BlockBuilder& block) {
  layer_norm(block, "attn_norm");
  layer_norm(block, "attn_norm_2");
  time_mix_7(block);
  layer_norm(block, "time_mix_ln");
  channel_mix(block);
}

void rwkv7_qwen2_block(BlockBuilder& block) {
  vectors(block, {"attn_norm", "ffn_norm"});
  time_mix_7(block);
  feed_forward(block);
}

}  // namespace willitrun::blocks
