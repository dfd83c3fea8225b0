#include "willitrun/model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <variant>

#include "willitrun/architecture.hpp"
#include "willitrun/spec_keys.hpp"

namespace willitrun {

std::uint32_t LayerValues::max() const {
  return values_.empty() ? 0 : *std::max_element(values_.begin(), values_.end());
}

namespace {

using Target =
    std::variant<std::uint32_t ModelSpec::*, std::uint64_t ModelSpec::*, LayerValues ModelSpec::*, bool ModelSpec::*>;

// One GGUF key (llama-arch.cpp, LLM_KV_NAMES, of llama.cpp 0.7.0), where it goes, and the largest value believed.
// The limits are far above any model and keep every later product within 64 bits.
struct SpecKey {
  std::string_view name;
  Target target;
  std::uint64_t max;
  enum class Form : std::uint8_t { plain, unprefixed, listed } form = Form::plain;

  // May hold one number per layer. Where a single one serves (expert widths that differ by layer), the largest counts.
  [[nodiscard]] constexpr bool may_be_list() const {
    return form == Form::listed || std::holds_alternative<LayerValues ModelSpec::*>(target);
  }
};

constexpr std::uint64_t max_width = 1U << 20;
constexpr std::uint64_t max_heads = 1U << 12;
constexpr std::uint64_t max_head_dim = 1U << 16;

constexpr std::array spec_keys{
    SpecKey{"block_count", &ModelSpec::n_layer, 512},
    SpecKey{"nextn_predict_layers", &ModelSpec::n_layer_nextn, 64},
    SpecKey{"context_length", &ModelSpec::n_ctx_train, 1U << 30},
    SpecKey{"vocab_size", &ModelSpec::n_vocab, 1U << 28},
    SpecKey{"embedding_length", &ModelSpec::n_embd, max_width},
    SpecKey{"embedding_length_out", &ModelSpec::n_embd_out, max_width},
    SpecKey{"tokenizer.ggml.token_type_count", &ModelSpec::n_token_types, 1U << 16, SpecKey::Form::unprefixed},
    SpecKey{"feed_forward_length", &ModelSpec::n_ff, max_width},
    SpecKey{"attention.head_count", &ModelSpec::n_head, max_heads},
    SpecKey{"attention.head_count_kv", &ModelSpec::n_head_kv, max_heads},
    SpecKey{"attention.key_length", &ModelSpec::head_dim_k, max_head_dim},
    SpecKey{"attention.value_length", &ModelSpec::head_dim_v, max_head_dim},
    SpecKey{"attention.key_length_swa", &ModelSpec::head_dim_k_swa, max_head_dim},
    SpecKey{"attention.value_length_swa", &ModelSpec::head_dim_v_swa, max_head_dim},
    SpecKey{"attention.key_length_mla", &ModelSpec::head_dim_k_mla, max_head_dim},
    SpecKey{"attention.value_length_mla", &ModelSpec::head_dim_v_mla, max_head_dim},
    SpecKey{"attention.q_lora_rank", &ModelSpec::q_lora_rank, max_head_dim},
    SpecKey{"attention.kv_lora_rank", &ModelSpec::kv_lora_rank, max_head_dim},
    SpecKey{"attention.indexer.head_count", &ModelSpec::n_indexer_head, max_heads},
    SpecKey{"attention.indexer.key_length", &ModelSpec::indexer_head_dim, max_head_dim},
    SpecKey{"attention.indexer.block_size", &ModelSpec::indexer_block_size, 1U << 16},
    SpecKey{"attention.indexer.top_k", &ModelSpec::indexer_top_k, 1U << 24},
    SpecKey{"attention.compress_ratios", &ModelSpec::compress_ratios, 1U << 16},
    SpecKey{"attention.output_group_count", &ModelSpec::n_output_group, max_heads},
    SpecKey{"attention.output_lora_rank", &ModelSpec::output_lora_rank, max_head_dim},
    SpecKey{"hyper_connection.count", &ModelSpec::n_hyper_connection, 64},
    SpecKey{"encoder.block_count", &ModelSpec::n_layer_encoder, 512},
    SpecKey{"encoder.context_length", &ModelSpec::n_ctx_encoder, 1U << 20},
    SpecKey{"encoder.mel_count", &ModelSpec::n_mel, 1024},
    SpecKey{"hash_layer_count", &ModelSpec::n_layer_hash, 512},
    SpecKey{"attention.causal", &ModelSpec::causal, 1},
    SpecKey{"attention.sliding_window", &ModelSpec::n_swa, 1U << 30},
    SpecKey{"attention.shared_kv_layers", &ModelSpec::n_layer_kv_shared, 512},
    SpecKey{"rope.dimension_count", &ModelSpec::n_rot, max_head_dim},
    SpecKey{"expert_count", &ModelSpec::n_expert, 4096},
    SpecKey{"expert_used_count", &ModelSpec::n_expert_used, 4096, SpecKey::Form::listed},
    SpecKey{"expert_group_count", &ModelSpec::n_expert_group, 4096},
    SpecKey{"expert_group_used_count", &ModelSpec::n_expert_group_used, 4096},
    SpecKey{"expert_shared_count", &ModelSpec::n_expert_shared, 64},
    SpecKey{"expert_feed_forward_length", &ModelSpec::n_ff_expert, max_width, SpecKey::Form::listed},
    SpecKey{"expert_shared_feed_forward_length", &ModelSpec::n_ff_shared_expert, max_width},
    SpecKey{"experts_per_group", &ModelSpec::n_experts_per_group, 4096},
    SpecKey{"expert_chunk_feed_forward_length", &ModelSpec::n_ff_chunk_expert, max_width},
    SpecKey{"expert_latent_length", &ModelSpec::n_embd_expert, max_width},
    SpecKey{"moe_latent_size", &ModelSpec::n_embd_expert, max_width},
    SpecKey{"leading_dense_block_count", &ModelSpec::n_layer_dense_lead, 512},
    SpecKey{"interleave_moe_layer_step", &ModelSpec::moe_layer_step, 512},
    SpecKey{"moe_every_n_layers", &ModelSpec::moe_layer_step, 512},
    SpecKey{"ssm.conv_kernel", &ModelSpec::ssm_d_conv, 64},
    SpecKey{"ssm.inner_size", &ModelSpec::ssm_d_inner, max_width},
    SpecKey{"ssm.state_size", &ModelSpec::ssm_d_state, max_head_dim},
    SpecKey{"ssm.time_step_rank", &ModelSpec::ssm_dt_rank, max_head_dim},
    SpecKey{"ssm.group_count", &ModelSpec::ssm_n_group, max_heads},
    SpecKey{"kda.head_dim", &ModelSpec::head_dim_kda, max_head_dim},
    SpecKey{"full_attention_interval", &ModelSpec::full_attention_interval, 512},
    SpecKey{"shortconv.l_cache", &ModelSpec::shortconv_l_cache, 1024},
    SpecKey{"wkv.head_size", &ModelSpec::wkv_head_size, max_head_dim},
    SpecKey{"token_shift_count", &ModelSpec::token_shift_count, 2},
    SpecKey{"attention.decay_lora_rank", &ModelSpec::decay_lora_rank, max_head_dim},
    SpecKey{"attention.iclr_lora_rank", &ModelSpec::iclr_lora_rank, max_head_dim},
    SpecKey{"attention.value_residual_mix_lora_rank", &ModelSpec::value_lora_rank, max_head_dim},
    SpecKey{"attention.gate_lora_rank", &ModelSpec::gate_lora_rank, max_head_dim},
    SpecKey{"time_mix_extra_dim", &ModelSpec::time_mix_rank, max_head_dim},
    SpecKey{"time_decay_extra_dim", &ModelSpec::time_decay_rank, max_head_dim},
    SpecKey{"embedding_length_per_layer_input", &ModelSpec::n_embd_per_layer, 1U << 14},
    SpecKey{"altup.num_inputs", &ModelSpec::n_altup, 16},
};

Error bad_model(std::string message) { return Error{"bad_model", std::move(message)}; }

std::string full_name(const SpecKey& key, std::string_view prefix) {
  return key.form == SpecKey::Form::unprefixed ? std::string(key.name) : fmt::format("{}{}", prefix, key.name);
}

// The key's numbers, each within its limit. Empty: the key is absent.
Result<std::vector<std::uint32_t>> read_counts(const Metadata& metadata, const std::string& name, std::uint64_t max) {
  std::vector<std::uint32_t> numbers;
  if (metadata.find(name) == nullptr) return numbers;
  const auto values = metadata.counts(name);
  if (!values || values->empty()) return bad_model(fmt::format("{} is not a whole number", name));
  for (const auto value : *values) {
    if (value < 0 || static_cast<std::uint64_t>(value) > max)
      return bad_model(fmt::format("{} is {}, outside 0 to {}", name, value, max));
    numbers.push_back(static_cast<std::uint32_t>(value));
  }
  return numbers;
}

void store(ModelSpec& spec, const Target& target, std::vector<std::uint32_t> numbers) {
  const auto largest = *std::max_element(numbers.begin(), numbers.end());
  if (const auto* u32 = std::get_if<std::uint32_t ModelSpec::*>(&target)) spec.*(*u32) = largest;
  if (const auto* u64 = std::get_if<std::uint64_t ModelSpec::*>(&target)) spec.*(*u64) = largest;
  if (const auto* flag = std::get_if<bool ModelSpec::*>(&target)) spec.*(*flag) = largest != 0;
  if (const auto* layers = std::get_if<LayerValues ModelSpec::*>(&target))
    spec.*(*layers) = LayerValues(std::move(numbers));
}

std::optional<Error> read_keys(ModelSpec& spec, const Metadata& metadata, std::string_view prefix) {
  for (const auto& key : spec_keys) {
    const auto name = full_name(key, prefix);
    auto numbers = read_counts(metadata, name, key.max);
    if (!numbers) return numbers.error();
    if (numbers->empty()) continue;
    const auto n_layer = spec.n_layer - std::min(spec.n_layer_nextn, spec.n_layer);
    if (numbers->size() > 1 && !key.may_be_list()) return bad_model(fmt::format("{} is a list, not one number", name));
    if (numbers->size() > 1 && numbers->size() < n_layer)
      return bad_model(fmt::format("{} has {} values for {} layers", name, numbers->size(), n_layer));
    store(spec, key.target, std::move(*numbers));
  }
  return std::nullopt;
}

// Defaults of llama_model_base::load_hparams (llama-model.cpp of llama.cpp 0.7.0).
void apply_defaults(ModelSpec& spec) {
  if (spec.n_head_kv.empty()) spec.n_head_kv = spec.n_head;
  const auto n_head = spec.n_head.max();
  if (n_head == 0) {
    spec.head_dim_k = spec.head_dim_v = spec.head_dim_k_swa = spec.head_dim_v_swa = spec.n_rot = 0;
    return;
  }
  const auto head_dim = spec.n_embd / n_head;
  if (spec.head_dim_k == 0) spec.head_dim_k = head_dim;
  if (spec.head_dim_v == 0) spec.head_dim_v = head_dim;
  if (spec.n_rot == 0) spec.n_rot = spec.head_dim_k;
  if (spec.head_dim_k_swa == 0) spec.head_dim_k_swa = spec.head_dim_k;
  if (spec.head_dim_v_swa == 0) spec.head_dim_v_swa = spec.head_dim_v;
}

std::optional<Error> check(const ModelSpec& spec, std::string_view prefix) {
  if (spec.n_layer == 0) return bad_model(fmt::format("{}block_count is missing or 0", prefix));
  if (spec.n_embd == 0) return bad_model(fmt::format("{}embedding_length is missing or 0", prefix));
  if (spec.n_layer_nextn >= spec.n_layer)
    return bad_model(
        fmt::format("{}nextn_predict_layers is {}, of {} layers", prefix, spec.n_layer_nextn, spec.n_layer));
  if (spec.n_expert_used > spec.n_expert)
    return bad_model(
        fmt::format("{}expert_used_count is {}, more than the {} experts", prefix, spec.n_expert_used, spec.n_expert));
  if (spec.n_layer_kv_shared >= spec.n_layer)
    return bad_model(
        fmt::format("{}attention.shared_kv_layers is {}, of {} layers", prefix, spec.n_layer_kv_shared, spec.n_layer));
  const std::uint64_t head_dim = std::max({spec.head_dim_k, spec.head_dim_v, spec.head_dim_k_swa, spec.head_dim_v_swa,
                                           spec.head_dim_k_mla, spec.head_dim_v_mla, spec.head_dim_kda});
  const std::uint64_t heads = std::max(spec.n_head.max(), spec.n_head_kv.max());
  if (heads * head_dim > max_width)
    return bad_model(
        fmt::format("{}attention.head_count is {}, too many heads of {} elements", prefix, heads, head_dim));
  return std::nullopt;
}

// Read by apply_architecture_rules.
constexpr std::array<std::string_view, 3> rule_keys{"attention.indexer.types", "attention.recurrent_layers",
                                                    "attention.sliding_window_pattern"};

}  // namespace

std::vector<std::string_view> spec_key_names() {
  std::vector<std::string_view> names(rule_keys.begin(), rule_keys.end());
  for (const auto& key : spec_keys) names.push_back(key.name);
  return names;
}

Result<ModelSpec> spec_from_metadata(const Metadata& metadata, const std::string& architecture,
                                     std::string_view prefix) {
  ModelSpec spec;
  spec.architecture = architecture;
  if (auto error = read_keys(spec, metadata, prefix)) return *error;
  apply_defaults(spec);
  if (auto error = check(spec, prefix)) return *error;
  if (auto error = apply_architecture_rules(spec, metadata, prefix)) return *error;
  return spec;
}

}  // namespace willitrun
