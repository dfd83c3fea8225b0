// What rows of the family tables are made from: names of norms, sliding rules, and families that others resemble.
#pragma once

#include "willitrun/architecture_family.hpp"
#include "willitrun/blocks.hpp"

namespace willitrun::rows {

using namespace blocks;
using enum Presence;
using Kind = SlidingRule::Kind;
using Norms = std::array<std::string_view, 4>;

inline constexpr Norms one_norm{"attn_norm"};
inline constexpr Norms post_attention{"attn_norm", "post_attention_norm"};
inline constexpr Norms sandwich{"attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"};
inline constexpr Norms after_each{"post_attention_norm", "post_ffw_norm"};
inline constexpr Norms bert_norms{"attn_output_norm", "layer_output_norm"};

constexpr SlidingRule every(std::uint32_t period, std::uint32_t default_window = 0) {
  return {.kind = Kind::periodic, .period = period, .default_window = default_window};
}

// A family that shares all tensors with another and differs in name alone.
constexpr Family alias(std::string_view name, Family family) {
  family.name = name;
  return family;
}

// A family that another resembles but for a few traits.
template <class Change>
constexpr Family variant(std::string_view name, Family family, Change change) {
  change(family);
  return alias(name, family);
}

// GPT-2 and the families built like it.
inline constexpr Family classic{.name = "",
                                .norm = NormTensors::weight_and_bias,
                                .fused_qkv = true,
                                .qkv_bias = always,
                                .output_proj_bias = always,
                                .ffn = FeedForward::plain,
                                .ffn_bias = always};
inline constexpr Family bert{.name = "bert",
                             .position_table = true,
                             .token_types = true,
                             .token_norm = true,
                             .output_norm = "",
                             .output = never,
                             .norms = bert_norms,
                             .norm = NormTensors::weight_and_bias,
                             .qkv_bias = always,
                             .output_proj_bias = always,
                             .ffn = FeedForward::plain,
                             .ffn_bias = always,
                             .keeps_cache = false,
                             .causal = false};
inline constexpr Family llama{
    .name = "llama", .experts = true, .expert_width = ExpertWidth::dense, .shared = SharedExpert::sized};
inline constexpr Family qwen2{.name = "qwen2", .qkv_bias = always};
inline constexpr Family qwen3{.name = "qwen3", .qk_norm = QkNorm::head};
inline constexpr Family qwen3moe{.name = "qwen3moe", .qk_norm = QkNorm::head, .experts = true};
inline constexpr Family deepseek2{.name = "deepseek2",
                                  .mixer = latent_attention,
                                  .experts = true,
                                  .shared = SharedExpert::counted,
                                  .nextn_tables = true};
inline constexpr Family deepseek32{.name = "deepseek32",
                                   .mixer = latent_attention,
                                   .indexer = Indexer::every_layer,
                                   .experts = true,
                                   .shared = SharedExpert::counted,
                                   .router_bias = always,
                                   .nextn_tables = true};
inline constexpr Family nemotron_h{.name = "nemotron_h",
                                   .norms = one_norm,
                                   .ffn = FeedForward::plain,
                                   .experts = true,
                                   .shared = SharedExpert::sized,
                                   .router_bias = always,
                                   .recurrent = mamba2,
                                   .one_part_per_block = true,
                                   .recurrent_rule = RecurrentRule::no_kv_heads_no_ffn};

}  // namespace willitrun::rows
