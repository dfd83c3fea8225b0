#include "willitrun/architecture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "willitrun/architecture_family.hpp"
#include "willitrun/blocks.hpp"
#include "willitrun/suggest.hpp"
#include "willitrun/units.hpp"

namespace willitrun {
namespace {

// More parameters than any model has; below it no size in bytes leaves 64 bits.
constexpr std::uint64_t max_parameters = std::uint64_t{1} << 56;

bool lacks_norm(const BlockBuilder& block, std::string_view norm) {
  const auto& family = block.family;
  if (norm == "attn_norm" && block.layer == 0) return !family.first_attention_norm;
  // StableLM 2 12B, the one with query and key norms, attends and feeds forward in parallel behind one norm.
  return norm == "ffn_norm" && family.qk_norm == QkNorm::each_head && family.qk_norm_presence == Presence::stated &&
         block.spec.optional.qk_norm;
}

void norms(BlockBuilder& block) {
  for (const auto norm : block.family.norms) {
    if (norm.empty() || lacks_norm(block, norm)) continue;
    block.weight(norm, {block.n_embd});
    if (block.family.norm == NormTensors::weight_and_bias) block.bias(norm, block.n_embd);
  }
  if (!block.spec.optional.second_attention_norm) return;
  block.weight("attn_norm_2", {block.n_embd});
  block.bias("attn_norm_2", block.n_embd);
}

void next_token_prediction(BlockBuilder& block) {
  block.linear("nextn.eh_proj", 2 * block.n_embd, block.n_embd);
  for (const auto norm : {std::string_view("nextn.enorm"), std::string_view("nextn.hnorm"), block.family.nextn_norm})
    block.weight(norm, {block.n_embd});
  if (!block.family.nextn_tables || block.spec.optional.nextn_without_tables) return;
  block.linear("nextn.embed_tokens", block.n_embd, block.spec.n_vocab);
  block.linear("nextn.shared_head_head", block.n_embd, block.spec.n_vocab);
}

// nemotron_h: a block is one part behind one norm; its next-token-prediction block has attention and experts.
void single_part(BlockBuilder& block) {
  if (block.is_nextn()) {
    block.weight("post_attention_norm", {block.n_embd});
    blocks::attention(block);
    blocks::feed_forward(block);
  } else if (block.spec.recurrent(block.layer)) {
    block.family.recurrent(block);
  } else if (block.spec.n_ff.at(block.layer) == 0) {
    blocks::attention(block);
  } else {
    blocks::feed_forward(block);
  }
}

void mixer_and_feed_forward(BlockBuilder& block) {
  const auto& family = block.family;
  const bool recurrent = block.spec.recurrent(block.layer);
  if (recurrent) family.recurrent(block);
  if (family.mixer != nullptr && (!recurrent || family.parallel_recurrent)) family.mixer(block);
  blocks::feed_forward(block);
}

void build_block(TensorBuilder& tensors, std::uint32_t layer) {
  BlockBuilder block(tensors, layer);
  const auto& family = tensors.family;
  if (family.whole_block != nullptr) {
    family.whole_block(block);
  } else {
    norms(block);
    family.one_part_per_block ? single_part(block) : mixer_and_feed_forward(block);
  }
  if (family.extra_block != nullptr) family.extra_block(block);
  if (block.is_nextn()) next_token_prediction(block);
}

void build_input(TensorBuilder& tensors) {
  const auto& spec = tensors.spec;
  const auto& family = tensors.family;
  tensors.add("token_embd.weight", {spec.n_embd, spec.n_vocab});
  if (family.position_table) tensors.add("position_embd.weight", {spec.n_embd, spec.n_ctx_train});
  if (family.token_types && spec.n_token_types > 0)
    tensors.add("token_types.weight", {spec.n_embd, spec.n_token_types});
  if (family.token_norm) {
    tensors.add("token_embd_norm.weight", {spec.n_embd});
    if (family.norm == NormTensors::weight_and_bias) tensors.add("token_embd_norm.bias", {spec.n_embd});
  }
  if (family.extra_tensors != nullptr) family.extra_tensors(tensors);
}

void build_rope_tables(TensorBuilder& tensors) {
  const auto& spec = tensors.spec;
  const std::uint64_t half = spec.n_rot / 2;
  if (tensors.family.rope_freqs)
    tensors.add("rope_freqs.weight", {spec.head_dim_k / 2});
  else if (spec.optional.rope_freqs)
    tensors.add("rope_freqs.weight", {half});
  if (!spec.optional.rope_long_short) return;
  tensors.add("rope_factors_long.weight", {half});
  tensors.add("rope_factors_short.weight", {half});
}

void build_output(TensorBuilder& tensors) {
  const auto& spec = tensors.spec;
  const auto& family = tensors.family;
  if (!family.output_norm.empty()) {
    tensors.add(fmt::format("{}.weight", family.output_norm), {spec.n_embd});
    if (family.norm == NormTensors::weight_and_bias)
      tensors.add(fmt::format("{}.bias", family.output_norm), {spec.n_embd});
  }
  if (present(family.output, !spec.optional.tied_embeddings)) tensors.add("output.weight", {spec.n_embd, spec.n_vocab});
  if (family.output_bias) tensors.add("output.bias", {spec.n_vocab});
}

std::optional<Error> check(const ModelSpec& spec, const std::vector<TensorInfo>& tensors) {
  std::uint64_t total = 0;
  for (const auto& tensor : tensors) {
    const auto elements = element_count(tensor.shape).value_or(max_parameters + 1);
    if (elements == 0)
      return Error{"bad_model", fmt::format("a {} model needs a key that is missing or 0: {} would have no elements",
                                            spec.architecture, tensor.name)};
    total = checked_add(total, elements).value_or(max_parameters + 1);
    if (elements > max_parameters || total > max_parameters)
      return Error{"bad_model", fmt::format("{} of this size takes the model beyond 2^56 parameters", tensor.name)};
  }
  return std::nullopt;
}

bool starts_with_any(std::string_view name, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](auto prefix) { return name.starts_with(prefix); });
}

bool contains_any(std::string_view name, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](auto part) { return name.find(part) != std::string_view::npos; });
}

std::optional<std::int32_t> block_number(std::string_view name) {
  if (!name.starts_with("blk.")) return std::nullopt;
  name.remove_prefix(4);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end == name.data() + name.size() || *end != '.') return std::nullopt;
  return number;
}

}  // namespace

std::vector<std::string_view> architecture_names() {
  std::vector<std::string_view> names;
  for (const auto& family : families()) names.push_back(family.name);
  return names;
}

bool is_known_architecture(std::string_view name) { return find_family(name) != nullptr; }

Result<std::vector<TensorInfo>> tensor_inventory(const ModelSpec& spec, TensorType base) {
  const auto* family = find_family(spec.architecture);
  if (family == nullptr) {
    auto near = nearest(spec.architecture, architecture_names());
    return Error{"unknown_architecture",
                 fmt::format("architecture '{}' is not known{}", spec.architecture, did_you_mean(near)), near};
  }
  if (auto error = check_needed_keys(spec)) return *error;
  TensorBuilder tensors(spec, *family, base);
  build_input(tensors);
  for (std::uint32_t layer = 0; layer < spec.n_layer; ++layer) build_block(tensors, layer);
  build_rope_tables(tensors);
  build_output(tensors);
  auto list = tensors.take();
  if (auto error = check(spec, list)) return *error;
  return list;
}

// LLM_TENSOR_INFOS (llama-arch.cpp of llama.cpp 0.7.0).
TensorPlace tensor_place(std::string_view name, std::string_view architecture) {
  if (name.starts_with("token_embd_norm.")) {
    const auto* family = find_family(architecture);
    return family != nullptr && family->output_norm == "token_embd_norm" ? TensorPlace::output : TensorPlace::layer;
  }
  if (starts_with_any(name, {"token_embd.", "position_embd.", "token_types.", "per_layer_token_embd."}))
    return TensorPlace::input;
  if (starts_with_any(name, {"output", "cls.", "dense_2.", "dense_3.", "altup_proj.", "altup_unembd_proj.",
                             "enc.output_norm.", "dec.output_norm.", "nextn.post_projection."}))
    return TensorPlace::output;
  return TensorPlace::layer;
}

std::int32_t tensor_layer(std::string_view name, std::string_view architecture) {
  if (const auto number = block_number(name)) return *number;
  return tensor_place(name, architecture) == TensorPlace::layer ? 0 : -1;
}

bool is_shared_by_layers(std::string_view name) {
  return name.starts_with("rope_") &&
         starts_with_any(name, {"rope_freqs.", "rope_factors_long.", "rope_factors_short."});
}

// The pattern of --cpu-moe, ".ffn_(up|down|gate|gate_up)_(ch|)exps" (common/common.h of llama.cpp 0.7.0).
bool is_routed_expert(std::string_view name) {
  return contains_any(name, {".ffn_up_exps", ".ffn_down_exps", ".ffn_gate_exps", ".ffn_gate_up_exps", ".ffn_up_chexps",
                             ".ffn_down_chexps", ".ffn_gate_chexps", ".ffn_gate_up_chexps"});
}

// prepare_tensors (conversion/base.py of llama.cpp 0.7.0).
TensorType source_type(std::string_view name, std::size_t dimensions, TensorType base) {
  const bool always_f32 = dimensions <= 1 || !name.ends_with(".weight") || name.ends_with("_norm.weight") ||
                          starts_with_any(name, {"position_embd.", "enc.position_embd.", "token_types."}) ||
                          contains_any(name, {".ffn_gate_inp.",      ".ffn_gate_inp_shexp.", ".ssm_conv1d",
                                              ".shortconv.conv.",    ".altup_correct_coef.", ".altup_predict_coef.",
                                              ".altup_router.",      ".indexer.proj.",       ".hc_",
                                              "output_hc_",          "_compressor_ape.",     ".ffn_gate_tid2eid.",
                                              ".indexer.q_proj.",    ".indexer.k_proj.",     ".time_mix_first.",
                                              ".time_mix_w1.",       ".time_mix_w2.",        ".time_mix_decay_w1.",
                                              ".time_mix_decay_w2.", ".time_mix_lerp_fused."});
  return always_f32 ? TensorType::f32 : base;
}

}  // namespace willitrun
