#include "graph_family.hpp"

#include <algorithm>
#include <array>

namespace willitrun::graph {

namespace {

Family make(std::string_view name) {
  Family f;
  f.architecture = name;
  return f;
}

template <class Change>
Family make(std::string_view name, Change change) {
  Family f = make(name);
  change(f);
  return f;
}

// Sources: src/models/<architecture>.cpp of llama.cpp 0.7.0. Only what differs from the default is listed.
const std::array families{
    make("baichuan", [](Family& f) { f.alibi_n_layer = 40; }),
    make("bailingmoe3", [](Family& f) { f.every_row = f.rows_after_norm = true; }),
    make("bert",
         [](Family& f) {
           f.rope = false;
           f.layer_norm = true;
         }),
    make("bloom",
         [](Family& f) {
           f.rope = false;
           f.layer_norm = true;
         }),
    make("cogvlm", [](Family& f) { f.unmixed_input = f.every_row = true; }),
    make("cohere2",
         [](Family& f) {
           f.layer_norm = true;
           f.rope_sliding_only = true;
         }),
    make("cohere2moe", [](Family& f) { f.rope_sliding_only = true; }),
    make("command-r", [](Family& f) { f.layer_norm = true; }),
    make("dbrx", [](Family& f) { f.layer_norm = true; }),
    make("dream", [](Family& f) { f.denoises = true; }),
    make("deepseek4", [](Family& f) { f.hyper_connections = f.mixed_streams = f.unmixed_input = true; }),
    make("exaone4", [](Family& f) { f.rope_sliding_only = true; }),
    make("falcon", [](Family& f) { f.parallel_sum = ParallelSum::ffn_mixer_residual; }),
    make("gemma3", [](Family& f) { f.scaled_input = true; }),
    make("gemma3n", [](Family& f) { f.scaled_input = f.value_norm = true; }),
    make("gemma4", [](Family& f) { f.scaled_input = f.value_norm = f.rope_factors_full_only = true; }),
    make("gpt-oss",
         [](Family& f) {
           f.softmax_chosen = true;
           f.normalize_weights = false;
         }),
    make("gpt2",
         [](Family& f) {
           f.rope = false;
           f.layer_norm = true;
         }),
    make("gptneox", [](Family& f) { f.parallel_norms = true; }),
    make("grok", [](Family& f) { f.flash_attention = false; }),
    make("grovemoe", [](Family& f) { f.sigmoid_selection = true; }),
    make("hunyuan-dense", [](Family& f) { f.norm_after_rope = true; }),
    make("hunyuan-moe", [](Family& f) { f.norm_after_rope = true; }),
    make("hunyuan_vl",
         [](Family& f) {
           f.norm_after_rope = true;
           f.position_axes = 4;
         }),
    make("hy_v4", [](Family& f) { f.hyper_connections = true; }),
    make("jina-bert-v2",
         [](Family& f) {
           f.rope = false;
           f.layer_norm = true;
         }),
    make("jais",
         [](Family& f) {
           f.rope = false;
           f.layer_norm = true;
         }),
    make("lfm2", [](Family& f) { f.residual_first = f.ffn_residual_first = true; }),
    make("lfm2moe", [](Family& f) { f.residual_first = f.ffn_residual_first = true; }),
    make("jamba",
         [](Family& f) {
           f.rope = false;
           f.residual_first = f.ffn_residual_first = true;
         }),
    make("kimi-k3",
         [](Family& f) {
           f.rope = false;
           f.residual_period = 12;  // attn_res_block_size of the published config.json
           f.tanh_gate = true;
         }),
    make("kimi-linear", [](Family& f) { f.rope = false; }),
    make("llama4",
         [](Family& f) {
           f.weigh_inputs = true;
           f.normalize_weights = false;
           f.nope_step = 4;
           f.norm_after_rope = true;
         }),
    make("llada", [](Family& f) { f.denoises = true; }),
    make("llada-moe", [](Family& f) { f.denoises = true; }),
    make("maple", [](Family& f) { f.rope_sliding_only = true; }),
    make("maincoder", [](Family& f) { f.norm_after_rope = true; }),
    make("minimax-01", [](Family& f) { f.scaled_norm_residual = true; }),
    make("minimax-m3", [](Family& f) { f.views_inputs = true; }),
    make("modern-bert", [](Family& f) { f.layer_norm = true; }),
    make("mpt",
         [](Family& f) {
           f.rope = false;
           f.layer_norm = true;
         }),
    make("nemotron_h", [](Family& f) { f.rope = false; }),
    make("nemotron_h_moe", [](Family& f) { f.rope = false; }),
    make("olmo",
         [](Family& f) {
           f.bare_norms = true;
           f.layer_norm = true;
         }),
    make("olmoe", [](Family& f) { f.normalize_weights = false; }),
    make("phi2", [](Family& f) { f.parallel_sum = ParallelSum::mixer_ffn_residual; }),
    make("phi3", [](Family& f) { f.ffn_residual_first = true; }),
    make("phimoe", [](Family& f) { f.ffn_residual_first = true; }),
    make("paddleocr", [](Family& f) { f.position_axes = 4; }),
    make("openelm", [](Family& f) { f.residual_first = true; }),
    make("qwen2moe", [](Family& f) { f.normalize_weights = false; }),
    make("qwen2vl", [](Family& f) { f.position_axes = 4; }),
    make("qwen35", [](Family& f) { f.position_axes = 4; }),
    make("qwen35moe", [](Family& f) { f.position_axes = 4; }),
    make("qwen3vl", [](Family& f) { f.position_axes = 4; }),
    make("qwen3vlmoe", [](Family& f) { f.position_axes = 4; }),
    make("refact", [](Family& f) { f.rope = false; }),
    make("rnd1", [](Family& f) { f.denoises = true; }),
    make("smallthinker", [](Family& f) { f.early_router = f.rope_sliding_only = true; }),
    make("smollm3", [](Family& f) { f.nope_step = 4; }),
    make("starcoder",
         [](Family& f) {
           f.rope = false;
           f.layer_norm = true;
         }),
};

}  // namespace

const Family& family_of(std::string_view architecture) {
  static const Family common = make("");
  const auto at =
      std::find_if(families.begin(), families.end(), [&](const Family& f) { return f.architecture == architecture; });
  return at == families.end() ? common : *at;
}

}  // namespace willitrun::graph
