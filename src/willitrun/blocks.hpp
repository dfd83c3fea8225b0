// The parts blocks are made of. Shapes follow src/models/*.cpp of llama.cpp 0.7.0.
#pragma once

#include "willitrun/tensor_builder.hpp"

namespace willitrun::blocks {

void attention(BlockBuilder& block);
void latent_attention(BlockBuilder& block);

void feed_forward(BlockBuilder& block);
void experts(BlockBuilder& block);

void mamba(BlockBuilder& block);
void mamba_with_norms(BlockBuilder& block);
void mamba2(BlockBuilder& block);
void mamba2_norm_stated(BlockBuilder& block);
void plamo2_mamba(BlockBuilder& block);
void gated_delta(BlockBuilder& block);
void gated_delta_split(BlockBuilder& block);
void kimi_delta(BlockBuilder& block);
void kimi_delta_full_gate(BlockBuilder& block);
void ling_delta(BlockBuilder& block);
void lightning_attention(BlockBuilder& block);
void short_convolution(BlockBuilder& block);

void rwkv6_block(BlockBuilder& block);
void rwkv6_qwen2_block(BlockBuilder& block);
void rwkv7_block(BlockBuilder& block);
void rwkv7_qwen2_block(BlockBuilder& block);

void deci_block(BlockBuilder& block);
void bitnet_block_extra(BlockBuilder& block);
void arctic_block_extra(BlockBuilder& block);
void cogvlm_block_extra(BlockBuilder& block);
void falcon_h1_block_extra(BlockBuilder& block);
void gemma3n_block_extra(BlockBuilder& block);
void gemma4_block_extra(BlockBuilder& block);
void plamo_later_norms(BlockBuilder& block);
void minimax_m3_block_extra(BlockBuilder& block);
void deepseek4_block(BlockBuilder& block);
void grovemoe_block_extra(BlockBuilder& block);
void hy_v3_block_extra(BlockBuilder& block);
void hy_v4_block_extra(BlockBuilder& block);
void jina_bert_v2_block_extra(BlockBuilder& block);
void kimi_k3_block_extra(BlockBuilder& block);
void ling3_block_extra(BlockBuilder& block);
void whisper_block(BlockBuilder& block);

void gemma3n_extra(TensorBuilder& tensors);
void gemma4_extra(TensorBuilder& tensors);
void hyper_connection_head(TensorBuilder& tensors);
void kimi_k3_extra(TensorBuilder& tensors);
void whisper_extra(TensorBuilder& tensors);

/// Whether this layer has routed experts.
[[nodiscard]] bool has_experts(const BlockBuilder& block);

}  // namespace willitrun::blocks
