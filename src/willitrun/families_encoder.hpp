// Families that keep no cache: encoders, embedding models and diffusion models.
#pragma once

#include "willitrun/family_prototypes.hpp"

namespace willitrun::rows {

inline constexpr std::array families_encoder{
    bert,
    variant("dream", qwen2,
            [](Family& f) {
              f.keeps_cache = false;
              f.causal = false;
            }),
    Family{.name = "eurobert", .output = never, .keeps_cache = false, .causal = false},
    Family{.name = "gemma-embedding",
           .norms = sandwich,
           .qk_norm = QkNorm::head,
           .sliding = every(6),
           .keeps_cache = false,
           .causal = false},
    variant("jina-bert-v2", bert,
            [](Family& f) {
              f.position_table = false;
              f.ffn = FeedForward::gated;
              f.ffn_bias = never;
              f.extra_block = jina_bert_v2_block_extra;
            }),
    variant("jina-bert-v3", bert,
            [](Family& f) {
              f.position_table = false;
              f.fused_qkv = true;
            }),
    Family{.name = "llada", .keeps_cache = false, .causal = false},
    variant("llama-embed", llama, [](Family& f) { f.causal = false; }),
    variant("llada-moe", qwen3moe,
            [](Family& f) {
              f.keeps_cache = false;
              f.causal = false;
            }),
    Family{.name = "modern-bert",
           .token_norm = true,
           .output = never,
           .first_attention_norm = false,
           .fused_qkv = true,
           .ffn = FeedForward::stacked,
           .sliding = {.kind = Kind::periodic, .period = 3, .full_first = true},
           .keeps_cache = false,
           .causal = false},
    Family{.name = "neo-bert",
           .output_norm = "enc.output_norm",
           .output = never,
           .fused_qkv = true,
           .ffn = FeedForward::stacked,
           .keeps_cache = false,
           .causal = false},
    Family{.name = "nomic-bert",
           .token_types = true,
           .token_norm = true,
           .output_norm = "",
           .output = never,
           .norms = bert_norms,
           .norm = NormTensors::weight_and_bias,
           .fused_qkv = true,
           .keeps_cache = false,
           .causal = false},
    variant("nomic-bert-moe", bert,
            [](Family& f) {
              f.position_table = false;
              f.fused_qkv = true;
              f.experts = true;
              f.expert_width = ExpertWidth::dense;
              f.stepped_experts = true;
              f.default_step = 2;
            }),
    variant("rnd1", qwen3moe,
            [](Family& f) {
              f.keeps_cache = false;
              f.causal = false;
            }),
    Family{.name = "whisper",
           .position_table = true,
           .output = never,
           .extra_tensors = whisper_extra,
           .norm = NormTensors::weight_and_bias,
           .whole_block = whisper_block,
           .keeps_cache = false,
           .causal = false},
};

}  // namespace willitrun::rows
