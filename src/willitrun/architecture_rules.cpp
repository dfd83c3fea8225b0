// Which layers slide, recur, share a cache or have an indexer, by the rules of load_arch_hparams
// (src/models/*.cpp of llama.cpp 0.7.0).
#include <fmt/format.h>

#include <array>

#include "willitrun/architecture.hpp"
#include "willitrun/architecture_family.hpp"

namespace willitrun {
namespace {

Error bad_model(std::string message) { return Error{"bad_model", std::move(message)}; }

// A list of flags, one per layer; nextn layers have none set.
Result<std::vector<bool>> layer_flags(const ModelSpec& spec, const std::vector<std::int64_t>& values,
                                      const std::string& key) {
  const auto n_layer = spec.n_layer_trunk();
  if (values.size() < n_layer)
    return bad_model(fmt::format("{} has {} values for {} layers", key, values.size(), n_layer));
  std::vector<bool> flags(spec.n_layer, false);
  for (std::uint32_t i = 0; i < n_layer; ++i) flags[i] = values[i] != 0;
  return flags;
}

template <class Rule>
std::vector<bool> trunk_layers_where(const ModelSpec& spec, Rule rule) {
  std::vector<bool> flags(spec.n_layer, false);
  for (std::uint32_t i = 0; i < spec.n_layer_trunk(); ++i) flags[i] = rule(i);
  return flags;
}

// A period of 0 means that all layers slide (llama_hparams::set_swa_pattern of llama.cpp 0.7.0).
std::vector<bool> periodic(const ModelSpec& spec, std::uint32_t period, bool full_first) {
  return trunk_layers_where(spec, [&](std::uint32_t layer) {
    return period == 0 || (full_first ? layer % period != 0 : layer % period < period - 1);
  });
}

std::uint32_t window(const SlidingRule& rule, const ModelSpec& spec, bool stated) {
  if (stated && spec.n_swa == 0) return 0;
  if (rule.fixed_window > 0) return rule.fixed_window;
  return stated ? spec.n_swa : rule.default_window;
}

std::optional<Error> apply_sliding(ModelSpec& spec, const SlidingRule& rule, const Metadata& metadata,
                                   std::string_view prefix) {
  using Kind = SlidingRule::Kind;
  const bool stated = metadata.find(fmt::format("{}attention.sliding_window", prefix)) != nullptr;
  const bool slides = rule.kind != Kind::none && (rule.only_n_layer == 0 || rule.only_n_layer == spec.n_layer_trunk());
  spec.n_swa = slides ? window(rule, spec, stated) : 0;
  if (spec.n_swa == 0) return std::nullopt;
  if (rule.kind == Kind::all_attention) {
    spec.swa_layers = trunk_layers_where(spec, [&](std::uint32_t layer) { return !spec.recurrent(layer); });
    return std::nullopt;
  }
  const auto key = fmt::format("{}attention.sliding_window_pattern", prefix);
  const auto pattern = metadata.counts(key);
  if (metadata.find(key) != nullptr && !pattern) return bad_model(fmt::format("{} holds no numbers", key));
  if (pattern && pattern->size() > 1) {
    auto flags = layer_flags(spec, *pattern, key);
    if (!flags) return flags.error();
    spec.swa_layers = *std::move(flags);
    return std::nullopt;
  }
  if (rule.kind == Kind::listed)
    return bad_model(fmt::format("{} must list every layer of a {} model", key, spec.architecture));
  const auto period = pattern && !pattern->empty() ? pattern->front() : std::int64_t{rule.period};
  if (period < 0 || period > UINT32_MAX) return bad_model(fmt::format("{} is {}", key, period));
  spec.swa_layers = periodic(spec, static_cast<std::uint32_t>(period), rule.full_first);
  return std::nullopt;
}

std::optional<Error> apply_recurrence(ModelSpec& spec, const Family& family, const Metadata& metadata,
                                      std::string_view prefix) {
  spec.parallel_recurrent = family.parallel_recurrent;
  if (family.state_per_head) {
    spec.ssm_d_state = spec.head_dim_k;
    spec.ssm_d_inner = spec.head_dim_k * spec.n_head.at(0);
  }
  switch (family.recurrent_rule) {
    case RecurrentRule::none: break;
    case RecurrentRule::all:
      spec.recurrent_layers = trunk_layers_where(spec, [](std::uint32_t) { return true; });
      break;
    case RecurrentRule::no_kv_heads:
      spec.recurrent_layers =
          trunk_layers_where(spec, [&](std::uint32_t layer) { return spec.n_head_kv.at(layer) == 0; });
      break;
    case RecurrentRule::no_kv_heads_no_ffn:
      spec.recurrent_layers = trunk_layers_where(
          spec, [&](std::uint32_t layer) { return spec.n_head_kv.at(layer) == 0 && spec.n_ff.at(layer) == 0; });
      break;
    case RecurrentRule::interval: {
      const auto key = fmt::format("{}attention.recurrent_layers", prefix);
      if (const auto listed = metadata.counts(key); listed && listed->size() > 1) {
        auto flags = layer_flags(spec, *listed, key);
        if (!flags) return flags.error();
        spec.recurrent_layers = *std::move(flags);
        break;
      }
      if (spec.full_attention_interval == 0) spec.full_attention_interval = family.full_attention_interval;
      spec.recurrent_layers = trunk_layers_where(
          spec, [&](std::uint32_t layer) { return (layer + 1) % spec.full_attention_interval != 0; });
      break;
    }
  }
  return std::nullopt;
}

// GLM 5.2, told from its predecessors by a million tokens of context, has an indexer on its first two layers and then
// on every fourth, unless its key says otherwise (glm-dsa.cpp of llama.cpp 0.7.0).
std::optional<Error> apply_indexer(ModelSpec& spec, const Family& family, const Metadata& metadata,
                                   std::string_view prefix) {
  const bool depends = family.indexer == Indexer::listed_if_stated;
  if (family.indexer == Indexer::none || (depends && spec.indexer_top_k == 0)) return std::nullopt;
  const bool sparse = family.indexer == Indexer::listed && spec.n_ctx_train >= 1'048'576;
  const auto first = family.indexer == Indexer::after_dense ? spec.n_layer_dense_lead : 0;
  spec.indexer_layers = trunk_layers_where(
      spec, [&](std::uint32_t layer) { return layer >= first && (!sparse || layer < 2 || (layer - 2) % 4 == 0); });
  if (family.indexer != Indexer::listed && !depends) return std::nullopt;
  const auto key = fmt::format("{}attention.indexer.types", prefix);
  const auto types = metadata.counts(key);
  if (!types || types->size() < 2) return std::nullopt;
  auto flags = layer_flags(spec, *types, key);
  if (!flags) return flags.error();
  spec.indexer_layers = *std::move(flags);
  return std::nullopt;
}

void apply_projection_rules(ModelSpec& spec, const Metadata& metadata, std::string_view prefix) {
  const auto clamp = fmt::format("{}attention.clamp_kqv", prefix);
  spec.clamps_qkv = metadata.find(clamp) != nullptr && metadata.count(clamp) != 0;
  spec.serial_residual = metadata.flag(fmt::format("{}use_parallel_residual", prefix)) == false;
}

void apply_cache_sharing(ModelSpec& spec, const Family& family) {
  if (family.kv_layers_from_start > 0)
    spec.n_layer_kv_shared =
        spec.n_layer > family.kv_layers_from_start ? spec.n_layer - family.kv_layers_from_start : 0;
  else if (!family.shared_kv_by_key)
    spec.n_layer_kv_shared = 0;
}

/// Counts that the graphs of some architectures divide by.
struct NeededKey {
  std::string_view key;
  std::uint32_t ModelSpec::*value;
  std::string_view architectures;  ///< in spaces; empty: all that have experts
};
constexpr std::array needed_keys{
    NeededKey{"expert_used_count", &ModelSpec::n_expert_used, ""},
    NeededKey{"wkv.head_size", &ModelSpec::wkv_head_size, " arwkv7 rwkv6 rwkv6qwen2 rwkv7 "},
    NeededKey{"ssm.time_step_rank", &ModelSpec::ssm_dt_rank,
              " falcon-h1 granitehybrid mamba2 nemotron_h nemotron_h_moe plamo2 "},
    NeededKey{"ssm.group_count", &ModelSpec::ssm_n_group, " granitehybrid mamba2 nemotron_h nemotron_h_moe qwen3next "},
    NeededKey{"attention.output_group_count", &ModelSpec::n_output_group, " deepseek4 "},
    NeededKey{"attention.indexer.key_length", &ModelSpec::indexer_head_dim, " deepseek4 "},
};

// A row made of what the keys alone say, for an architecture that has none.
Family generic_family(const ModelSpec& spec, const Metadata& metadata, std::string_view prefix) {
  const auto has = [&](std::string_view key) { return metadata.find(fmt::format("{}{}", prefix, key)) != nullptr; };
  Family family{.name = spec.architecture, .shared_kv_by_key = true};
  if (has("attention.sliding_window_pattern")) family.sliding.kind = SlidingRule::Kind::periodic;
  // llama_model::create_memory (llama-model.cpp): an encoder without a row of its own.
  if (spec.architecture == "wavtokenizer-dec") {
    family.keeps_cache = family.causal = false;
    family.output = Presence::never;
  }
  const bool keeps_state = spec.ssm_d_inner > 0 || spec.shortconv_l_cache > 0 || spec.head_dim_kda > 0;
  if (!keeps_state) return family;
  if (has("full_attention_interval") || has("attention.recurrent_layers"))
    family.recurrent_rule = RecurrentRule::interval;
  else
    family.recurrent_rule = spec.n_head_kv.max() == 0 ? RecurrentRule::all : RecurrentRule::no_kv_heads;
  return family;
}

}  // namespace

std::optional<Error> apply_architecture_rules(ModelSpec& spec, const Metadata& metadata, std::string_view prefix) {
  const auto* row = find_family(spec.architecture);
  const auto family = row != nullptr ? *row : generic_family(spec, metadata, prefix);
  if (!family.causal) spec.causal = false;
  spec.keeps_cache = family.keeps_cache;
  spec.headless = !family.causal && family.output == Presence::never;
  spec.head_in_input_table = family.head_in_input_table;
  spec.tied_twice_on_host = family.output_before_input;
  if (auto error = apply_recurrence(spec, family, metadata, prefix)) return error;
  if (auto error = apply_sliding(spec, family.sliding, metadata, prefix)) return error;
  if (auto error = apply_indexer(spec, family, metadata, prefix)) return error;
  apply_cache_sharing(spec, family);
  apply_projection_rules(spec, metadata, prefix);
  return std::nullopt;
}

std::optional<Error> check_needed_keys(const ModelSpec& spec) {
  const auto missing = [&](std::string_view key) {
    return bad_model(fmt::format("{0}.{1} is missing or 0, and no {0} model is without", spec.architecture, key));
  };
  for (const auto& needed : needed_keys) {
    const bool applies =
        needed.architectures.empty()
            ? spec.n_expert > 0
            : needed.architectures.find(fmt::format(" {} ", spec.architecture)) != std::string_view::npos;
    if (applies && spec.*needed.value == 0) return missing(needed.key);
  }
  const auto* family = find_family(spec.architecture);
  const bool attends = family != nullptr && family->mixer != nullptr && family->whole_block == nullptr &&
                       family->recurrent_rule != RecurrentRule::all;
  return attends && spec.n_head.max() == 0 ? std::optional(missing("attention.head_count")) : std::nullopt;
}

}  // namespace willitrun
