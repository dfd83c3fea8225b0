// Families without routed experts.
#pragma once

#include "willitrun/family_prototypes.hpp"

namespace willitrun::rows {

inline constexpr std::array families_dense{
    Family{.name = "apertus", .output = always, .qk_norm = QkNorm::head, .ffn = FeedForward::plain},
    Family{.name = "arcee", .ffn = FeedForward::plain},
    Family{.name = "baichuan", .output = always},
    Family{.name = "bitnet", .output = never, .extra_block = bitnet_block_extra},
    variant("bloom", classic, [](Family& f) { f.token_norm = true; }),
    Family{.name = "chatglm", .fused_qkv = true, .ffn = FeedForward::stacked},
    variant("codeshell", classic,
            [](Family& f) {
              f.fused_qkv = false;
              f.output = always;
            }),
    Family{.name = "cohere2", .output = never, .norms = one_norm, .sliding = every(4)},
    Family{.name = "command-r",
           .output = never,
           .norms = one_norm,
           .qk_norm = QkNorm::each_head,
           .qk_norm_from_n_layer = 64},
    Family{.name = "deci", .whole_block = deci_block},
    Family{.name = "ernie4_5"},
    Family{.name = "exaone"},
    Family{.name = "exaone4",
           .norms = after_each,
           .qk_norm = QkNorm::head,
           .sliding = {.kind = Kind::periodic, .period = 4, .default_window = 4096, .only_n_layer = 64}},
    Family{.name = "falcon",
           .norms = one_norm,
           .norm = NormTensors::weight_and_bias,
           .fused_qkv = true,
           .ffn = FeedForward::plain},
    Family{.name = "gemma", .output = never},
    Family{.name = "gemma2", .output = never, .norms = sandwich, .sliding = every(2, 4096)},
    Family{.name = "gemma3", .norms = sandwich, .qk_norm = QkNorm::head, .sliding = every(6)},
    Family{.name = "gemma3n",
           .extra_tensors = gemma3n_extra,
           .norms = sandwich,
           .qk_norm = QkNorm::head,
           .extra_block = gemma3n_block_extra,
           .sliding = every(5),
           .kv_layers_from_start = 20},
    Family{.name = "glm4", .norms = sandwich, .ffn = FeedForward::stacked, .nextn_tables = true},
    variant("gpt2", classic, [](Family& f) { f.position_table = true; }),
    variant("gptneox", classic, [](Family& f) { f.output = always; }),
    alias("granite", llama),
    alias("hunyuan-dense", qwen3),
    alias("hunyuan_vl", qwen3),
    Family{.name = "internlm2", .output = always},
    variant("jais", classic,
            [](Family& f) {
              f.ffn = FeedForward::gated;
              f.output = always;
            }),
    variant("jais2", classic, [](Family& f) { f.fused_qkv = false; }),
    llama,
    alias("maincoder", qwen3),
    alias("minicpm", llama),
    Family{.name = "minicpm3", .mixer = latent_attention},
    alias("mistral3", llama),
    Family{.name = "mpt", .fused_qkv = true, .ffn = FeedForward::plain},
    Family{.name = "muse-glimmer",
           .output = always,
           .norms = sandwich,
           .qk_norm = QkNorm::head,
           .gate = AttentionGate::per_channel,
           .sliding = every(4)},
    Family{.name = "nemotron", .output = always, .norm = NormTensors::weight_and_bias, .ffn = FeedForward::plain},
    Family{.name = "olmo", .output_norm = "", .norms = {}},
    Family{.name = "olmo2", .output = always, .norms = after_each, .qk_norm = QkNorm::all_heads, .sliding = every(4)},
    Family{.name = "openelm", .output = never, .fused_qkv = true, .qk_norm = QkNorm::head},
    Family{.name = "orion", .output = always, .norm = NormTensors::weight_and_bias},
    Family{.name = "pangu-embedded", .output_proj_bias = always},
    variant("phi2", classic,
            [](Family& f) {
              f.fused_qkv = false;
              f.norms = one_norm;
              f.output = always;
              f.output_bias = true;
            }),
    Family{.name = "phi3", .fused_qkv = true, .ffn = FeedForward::stacked},
    Family{.name = "plamo", .output = always, .norms = one_norm},
    Family{.name = "qwen", .output = always, .fused_qkv = true, .qkv_bias = always, .ffn_divisor = 2},
    qwen2,
    alias("qwen2vl", qwen2),
    qwen3,
    alias("qwen3vl", qwen3),
    alias("refact", llama),
    Family{.name = "seed_oss", .norms = post_attention, .qkv_bias = always},
    Family{.name = "smollm3"},
    Family{.name = "spark2_5", .gate = AttentionGate::per_head, .sliding = {.kind = Kind::listed}},
    Family{.name = "stablelm",
           .output = always,
           .norm = NormTensors::weight_and_bias,
           .qk_norm = QkNorm::each_head,
           .qk_norm_presence = stated},
    variant("starcoder", classic, [](Family& f) { f.position_table = true; }),
    variant("starcoder2", classic, [](Family& f) { f.fused_qkv = false; }),
    Family{.name = "xverse", .output = always},
};

}  // namespace willitrun::rows
