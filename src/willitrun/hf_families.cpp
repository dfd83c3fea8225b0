// model_type -> architecture, and what each class derives from its keys. The classes are transformers' (4.57) and the
// mapping is llama.cpp 0.7.0's (conversion/*.py, set_gguf_parameters).
#include <algorithm>
#include <array>

#include "willitrun/hf_config.hpp"
#include "willitrun/units.hpp"

namespace willitrun {
namespace {

std::uint64_t layers(HfKeys& k) {
  return std::min<std::uint64_t>(k.count({"num_hidden_layers", "num_layers", "n_layer"}, 0), 4096);
}
std::uint64_t hidden(HfKeys& k) { return k.count({"hidden_size", "n_embd", "d_model"}, 0); }
std::uint64_t product(std::uint64_t a, std::uint64_t b) { return checked_mul(a, b).value_or(UINT64_MAX); }

void default_count(HfKeys& k, std::string_view gguf, std::uint64_t value) {
  if (k.out().find(gguf) == nullptr) k.set(gguf, value);
}

/// One number per layer where `types` says so, else 0.
void by_layer(HfKeys& k, std::string_view gguf, std::uint64_t value, const std::vector<bool>& where) {
  std::vector<std::int64_t> out;
  for (const bool here : where)
    out.push_back(here ? static_cast<std::int64_t>(std::min(value, std::uint64_t{1} << 40)) : 0);
  if (!out.empty()) k.set(gguf, std::move(out));
}

std::vector<bool> layers_of_type(const HfKeys& k, std::initializer_list<std::string_view> wanted) {
  std::vector<bool> out;
  for (const auto& type : k.texts({"layer_types", "layers_block_type"}))
    out.push_back(std::find(wanted.begin(), wanted.end(), type) != wanted.end());
  return out;
}

void kv_heads_where(HfKeys& k, const std::vector<bool>& attends) {
  by_layer(k, "attention.head_count_kv", k.count({"num_key_value_heads"}, 0), attends);
}

/// Width of a feed-forward network left unsaid: a multiple of the model's.
void wide_feed_forward(HfKeys& k) { default_count(k, "feed_forward_length", product(4, hidden(k))); }

void one_kv_head_if_asked(HfKeys& k) {
  wide_feed_forward(k);
  if (k.flag({"multi_query"}, true)) k.set("attention.head_count_kv", std::uint64_t{1});
}

void falcon(HfKeys& k) {
  wide_feed_forward(k);
  if (!k.flag({"new_decoder_architecture"}, false) && k.flag({"multi_query"}, true))
    k.set("attention.head_count_kv", std::uint64_t{1});
}

void mpt(HfKeys& k) { k.set("feed_forward_length", product(k.count({"expansion_ratio"}, 4), hidden(k))); }

void gemma3(HfKeys& k) {
  // Gemma3TextConfig's defaults: the config.json of the 4B model leaves them out.
  default_count(k, "attention.head_count", 8);
  default_count(k, "attention.head_count_kv", 4);
  default_count(k, "attention.key_length", 256);
  default_count(k, "attention.value_length", 256);
  default_count(k, "attention.sliding_window", 4096);
  default_count(k, "context_length", 131072);
}

void gemma4(HfKeys& k) {
  const auto full = layers_of_type(k, {"full_attention"});
  const auto head_dim = k.count({"head_dim"}, 256), global = k.count({"global_head_dim"}, head_dim);
  k.set("attention.key_length", global);
  k.set("attention.value_length", global);
  k.set("attention.key_length_swa", head_dim);
  k.set("attention.value_length_swa", head_dim);
  const auto kv = k.count({"num_key_value_heads"}, 1), global_kv = k.count({"num_global_key_value_heads"}, kv);
  std::vector<std::int64_t> heads;
  for (const bool is_full : full)
    heads.push_back(static_cast<std::int64_t>(std::min<std::uint64_t>(is_full ? global_kv : kv, 1U << 20)));
  if (!heads.empty()) k.set("attention.head_count_kv", std::move(heads));
}

/// Multi-head latent attention as llama.cpp stores it: one head of the latent and the rotary part.
void latent(HfKeys& k) {
  const auto rank = k.count({"kv_lora_rank"}, 0), rope = k.count({"qk_rope_head_dim"}, 0);
  const auto nope = k.count({"qk_nope_head_dim"}, 0), value = k.count({"v_head_dim"}, 0);
  k.set("attention.head_count_kv", std::uint64_t{1});
  k.set("attention.key_length", checked_add(rank, rope).value_or(UINT64_MAX));
  k.set("attention.value_length", rank);
  k.set("attention.key_length_mla", checked_add(nope, rope).value_or(UINT64_MAX));
  k.set("attention.value_length_mla", value);
  k.set("rope.dimension_count", rope);
}

void latent_expanded(HfKeys& k) {
  const auto rope = k.count({"qk_rope_head_dim"}, 0);
  k.set("attention.key_length", checked_add(k.count({"qk_nope_head_dim"}, 0), rope).value_or(UINT64_MAX));
  k.set("attention.value_length", k.count({"v_head_dim"}, k.count({"qk_nope_head_dim"}, 0)));
  k.set("rope.dimension_count", rope);
}

void sparse_latent(HfKeys& k) {
  latent(k);
  k.set("attention.indexer.head_count", k.count({"index_n_heads"}, 0));
  k.set("attention.indexer.key_length", k.count({"index_head_dim"}, 0));
}

void next_token_blocks(HfKeys& k) {
  const auto extra = k.count({"num_nextn_predict_layers"}, 0);
  if (extra == 0) return;
  k.set("block_count", layers(k) + std::min<std::uint64_t>(extra, 64));
  k.set("nextn_predict_layers", extra);
}

/// Where intermediate_size is the width of an expert and the class has no other key for it.
void experts_of_this_width(HfKeys& k) {
  default_count(k, "expert_feed_forward_length", k.count({"intermediate_size"}, 0));
}

void llama4(HfKeys& k) {
  k.set("expert_feed_forward_length", k.count({"intermediate_size"}, 0));
  k.set("feed_forward_length", k.count({"intermediate_size_mlp"}, 0));
  default_count(k, "interleave_moe_layer_step", 1);
}

void ernie_moe(HfKeys& k) {
  const auto width = k.count({"moe_intermediate_size"}, 0);
  k.set("expert_shared_feed_forward_length", product(width, k.count({"moe_num_shared_experts"}, 0)));
}

void granite_hybrid(HfKeys& k) {
  kv_heads_where(k, layers_of_type(k, {"attention"}));
  default_count(k, "ssm.inner_size", product(k.count({"mamba_expand"}, 2), hidden(k)));
  if (k.count({"num_local_experts"}, 0) == 0) k.set("feed_forward_length", k.count({"shared_intermediate_size"}, 0));
}

void mamba(HfKeys& k) {
  default_count(k, "context_length", 1U << 20);  // the state has no limit; llama.cpp's conversion writes 2^20
  k.set("attention.head_count", std::uint64_t{0});
  k.set("attention.head_count_kv", std::uint64_t{0});
  k.set("feed_forward_length", std::uint64_t{0});
  const auto width = hidden(k);
  k.set("ssm.inner_size", k.count({"intermediate_size", "d_inner"}, product(k.count({"expand"}, 2), width)));
  default_count(k, "ssm.conv_kernel", 4);
  if (k.out().find("ssm.time_step_rank") == nullptr)
    k.set("ssm.time_step_rank", (width + 15) / 16);  // "auto", MambaConfig
}

void mamba2(HfKeys& k) {
  const auto rank = k.count({"num_heads"}, 0);
  mamba(k);
  k.set("ssm.inner_size", product(k.count({"expand"}, 2), hidden(k)));
  k.set("ssm.time_step_rank", rank);
}

void jamba(HfKeys& k) {
  const auto period = k.count({"attn_layer_period"}, 8), offset = k.count({"attn_layer_offset"}, 4);
  std::vector<bool> attends;
  for (std::uint64_t i = 0; i < layers(k) && period > 0; ++i) attends.push_back(i % period == offset);
  kv_heads_where(k, attends);
  k.set("ssm.inner_size", product(k.count({"mamba_expand"}, 2), hidden(k)));
}

void delta_net(HfKeys& k) {
  k.set("ssm.conv_kernel", k.count({"linear_conv_kernel_dim"}, 4));
  k.set("ssm.state_size", k.count({"linear_key_head_dim"}, 128));
  k.set("ssm.group_count", k.count({"linear_num_key_heads"}, 16));
  const auto heads = k.count({"linear_num_value_heads"}, 32);
  k.set("ssm.time_step_rank", heads);
  k.set("ssm.inner_size", product(k.count({"linear_value_head_dim"}, 128), heads));
  default_count(k, "full_attention_interval", 4);
}

/// Lfm2MLP: two thirds of the width, in steps.
void lfm2(HfKeys& k) {
  kv_heads_where(k, layers_of_type(k, {"full_attention"}));
  auto width = k.count({"intermediate_size", "block_ff_dim"}, 0);
  if (k.flag({"block_auto_adjust_ff_dim"}, false)) {
    width = std::min<std::uint64_t>(width, 1U << 24) * 2 / 3;
    if (const auto factor = k.number({"block_ffn_dim_multiplier"}); factor && *factor > 0 && *factor < 1024)
      width = static_cast<std::uint64_t>(*factor * static_cast<double>(width));
    const auto step = std::clamp<std::uint64_t>(k.count({"block_multiple_of"}, 256), 1, 1U << 20);
    width = round_up(width, step);
  }
  k.set("feed_forward_length", width);
}

/// One letter a layer: M state space, * attention, - feed-forward, E experts.
void nemotron_hybrid(HfKeys& k) {
  const auto pattern = k.text({"hybrid_override_pattern"}).value_or("").substr(0, 4096);
  std::vector<bool> attends, feeds;
  for (const char c : pattern) {
    attends.push_back(c == '*');
    feeds.push_back(c == '-' || c == 'E');
  }
  kv_heads_where(k, attends);
  by_layer(k, "feed_forward_length", k.count({"intermediate_size"}, 0), feeds);
  const auto heads = k.count({"mamba_num_heads"}, 0);
  k.set("ssm.inner_size", product(heads, k.count({"mamba_head_dim"}, 0)));
  k.set("ssm.time_step_rank", heads);
}

void encoder(HfKeys& k) { k.set("attention.causal", false); }

/// RoBERTa counts positions from the padding token's number; the first two rows of the table serve nobody.
void roberta(HfKeys& k) {
  encoder(k);
  if (const auto n = k.count({"max_position_embeddings"}); n && *n > 2) k.set("context_length", *n - 2);
}

constexpr std::array families{
    HfFamily{"afmoe", "afmoe"},
    HfFamily{"apertus", "apertus"},
    HfFamily{"arcee", "arcee"},
    HfFamily{"baichuan", "baichuan"},
    HfFamily{"bailing_moe", "bailingmoe"},
    HfFamily{"bailing_moe_v2", "bailingmoe2"},
    HfFamily{"bert", "bert", encoder},
    HfFamily{"bloom", "bloom", wide_feed_forward},
    HfFamily{"chatglm", "chatglm"},
    HfFamily{"cohere", "command-r"},
    HfFamily{"cohere2", "cohere2"},
    HfFamily{"deepseek", "deepseek"},
    HfFamily{"deepseek_v2", "deepseek2", latent},
    HfFamily{"deepseek_v3", "deepseek2", latent},
    HfFamily{"deepseek_v32", "deepseek32", sparse_latent},
    HfFamily{"dots1", "dots1"},
    HfFamily{"ernie4_5", "ernie4_5"},
    HfFamily{"ernie4_5_moe", "ernie4_5-moe", ernie_moe},
    HfFamily{"exaone", "exaone"},
    HfFamily{"exaone4", "exaone4"},
    HfFamily{"falcon", "falcon", falcon},
    HfFamily{"falcon_h1", "falcon-h1"},
    HfFamily{"falcon_mamba", "mamba", mamba},
    HfFamily{"gemma", "gemma"},
    HfFamily{"gemma2", "gemma2"},
    HfFamily{"gemma3", "gemma3", gemma3},
    HfFamily{"gemma3_text", "gemma3", gemma3},
    HfFamily{"gemma4", "gemma4", gemma4},
    HfFamily{"gemma4_text", "gemma4", gemma4},
    HfFamily{"glm", "chatglm"},
    HfFamily{"glm4", "glm4"},
    HfFamily{"glm4_moe", "glm4moe", next_token_blocks},
    HfFamily{"gpt2", "gpt2", wide_feed_forward},
    HfFamily{"gpt_bigcode", "starcoder", one_kv_head_if_asked},
    HfFamily{"gpt_neox", "gptneox"},
    HfFamily{"gpt_oss", "gpt-oss", experts_of_this_width},
    HfFamily{"granite", "granite"},
    HfFamily{"granitemoe", "granitemoe"},
    HfFamily{"granitemoehybrid", "granitehybrid", granite_hybrid},
    HfFamily{"hunyuan_v1_dense", "hunyuan-dense"},
    HfFamily{"hunyuan_v1_moe", "hunyuan-moe"},
    HfFamily{"internlm2", "internlm2"},
    HfFamily{"jamba", "jamba", jamba},
    HfFamily{"kimi_k2", "deepseek2", latent},
    HfFamily{"lfm2", "lfm2", lfm2},
    HfFamily{"lfm2_moe", "lfm2moe", lfm2},
    HfFamily{"llama", "llama"},
    HfFamily{"llama4", "llama4", llama4},
    HfFamily{"llama4_text", "llama4", llama4},
    HfFamily{"mamba", "mamba", mamba},
    HfFamily{"mamba2", "mamba2", mamba2},
    HfFamily{"minicpm", "minicpm"},
    HfFamily{"minicpm3", "minicpm3", latent_expanded},
    HfFamily{"minimax_m2", "minimax-m2"},
    HfFamily{"ministral3", "mistral3"},
    HfFamily{"mistral", "llama"},
    HfFamily{"mistral3", "llama"},
    HfFamily{"mixtral", "llama"},
    HfFamily{"modernbert", "modern-bert", encoder},
    HfFamily{"mpt", "mpt", mpt},
    HfFamily{"nemotron", "nemotron"},
    HfFamily{"nemotron_h", "nemotron_h", nemotron_hybrid},
    HfFamily{"nomic_bert", "nomic-bert", encoder},
    HfFamily{"olmo", "olmo"},
    HfFamily{"olmo2", "olmo2"},
    HfFamily{"olmo3", "olmo2"},
    HfFamily{"olmoe", "olmoe"},
    HfFamily{"orion", "orion"},
    HfFamily{"phi", "phi2"},
    HfFamily{"phi3", "phi3"},
    HfFamily{"phimoe", "phimoe"},
    HfFamily{"qwen", "qwen"},
    HfFamily{"qwen2", "qwen2"},
    HfFamily{"qwen2_5_vl", "qwen2vl"},
    HfFamily{"qwen2_moe", "qwen2moe"},
    HfFamily{"qwen2_vl", "qwen2vl"},
    HfFamily{"qwen3", "qwen3"},
    HfFamily{"qwen3_5", "qwen35", delta_net},
    HfFamily{"qwen3_5_moe", "qwen35moe", delta_net},
    HfFamily{"qwen3_moe", "qwen3moe"},
    HfFamily{"qwen3_next", "qwen3next", delta_net},
    HfFamily{"qwen3_vl", "qwen3vl"},
    HfFamily{"qwen3_vl_moe", "qwen3vlmoe"},
    HfFamily{"roberta", "bert", roberta},
    HfFamily{"seed_oss", "seed_oss"},
    HfFamily{"smollm3", "smollm3"},
    HfFamily{"stablelm", "stablelm"},
    HfFamily{"starcoder2", "starcoder2"},
    HfFamily{"xlm-roberta", "bert", roberta},
};

}  // namespace

const HfFamily* find_hf_family(std::string_view model_type) {
  const auto* it = std::find_if(families.begin(), families.end(),
                                [&](const HfFamily& family) { return family.model_type == model_type; });
  return it == families.end() ? nullptr : it;
}

}  // namespace willitrun
