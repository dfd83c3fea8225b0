#include "willitrun/quant.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "willitrun/quant_rules.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun {
namespace {

using enum TensorType;
using F = QuantFamily;

// llama.cpp's presets (llama_ftype_get_default_type), then what other engines load.
constexpr std::array presets{
    QuantPreset{"f32", "F32", F::ggml, f32},
    QuantPreset{"f16", "F16", F::ggml, f16},
    QuantPreset{"bf16", "BF16", F::ggml, bf16},
    QuantPreset{"q8_0", "Q8_0", F::ggml, q8_0},
    QuantPreset{"q6_k", "Q6_K", F::ggml, q6_k},
    QuantPreset{"q5_k_m", "Q5_K_M", F::ggml, q5_k},
    QuantPreset{"q5_k_s", "Q5_K_S", F::ggml, q5_k},
    QuantPreset{"q5_1", "Q5_1", F::ggml, q5_1},
    QuantPreset{"q5_0", "Q5_0", F::ggml, q5_0},
    QuantPreset{"q4_k_m", "Q4_K_M", F::ggml, q4_k},
    QuantPreset{"q4_k_s", "Q4_K_S", F::ggml, q4_k},
    QuantPreset{"q4_1", "Q4_1", F::ggml, q4_1},
    QuantPreset{"q4_0", "Q4_0", F::ggml, q4_0},
    QuantPreset{"iq4_nl", "IQ4_NL", F::ggml, iq4_nl},
    QuantPreset{"iq4_xs", "IQ4_XS", F::ggml, iq4_xs},
    QuantPreset{"mxfp4_moe", "MXFP4_MOE", F::ggml, mxfp4},
    QuantPreset{"q3_k_l", "Q3_K_L", F::ggml, q3_k},
    QuantPreset{"q3_k_m", "Q3_K_M", F::ggml, q3_k},
    QuantPreset{"q3_k_s", "Q3_K_S", F::ggml, q3_k},
    QuantPreset{"iq3_m", "IQ3_M", F::ggml, iq3_s},
    QuantPreset{"iq3_s", "IQ3_S", F::ggml, iq3_s},
    QuantPreset{"iq3_xs", "IQ3_XS", F::ggml, iq3_s},
    QuantPreset{"iq3_xxs", "IQ3_XXS", F::ggml, iq3_xxs},
    QuantPreset{"q2_k", "Q2_K", F::ggml, q2_k},
    QuantPreset{"q2_k_s", "Q2_K_S", F::ggml, q2_k},
    QuantPreset{"iq2_m", "IQ2_M", F::ggml, iq2_s},
    QuantPreset{"iq2_s", "IQ2_S", F::ggml, iq2_xs},
    QuantPreset{"iq2_xs", "IQ2_XS", F::ggml, iq2_xs},
    QuantPreset{"iq2_xxs", "IQ2_XXS", F::ggml, iq2_xxs},
    QuantPreset{"iq1_m", "IQ1_M", F::ggml, iq1_m},
    QuantPreset{"iq1_s", "IQ1_S", F::ggml, iq1_s},
    QuantPreset{"tq2_0", "TQ2_0", F::ggml, tq2_0},
    QuantPreset{"tq1_0", "TQ1_0", F::ggml, tq1_0},
    QuantPreset{"q2_0", "Q2_0", F::ggml, q2_0},
    QuantPreset{"q1_0", "Q1_0", F::ggml, q1_0},
    QuantPreset{"fp8", "FP8", F::fp8, TensorType::fp8},
    QuantPreset{"fp8-block", "FP8 (128x128 blocks)", F::fp8, fp8_block128},
    QuantPreset{"nvfp4", "NVFP4", F::fp8, TensorType::nvfp4},
    QuantPreset{"int8", "INT8", F::int8, TensorType::int8},
    QuantPreset{"nf4", "NF4", F::bitsandbytes, nf4},
    QuantPreset{"nf4-dq", "NF4 (double quantised)", F::bitsandbytes, nf4_double},
    QuantPreset{"gptq-4bit-32g", "GPTQ 4-bit, groups of 32", F::gptq, gptq4_g32},
    QuantPreset{"gptq-4bit-64g", "GPTQ 4-bit, groups of 64", F::gptq, gptq4_g64},
    QuantPreset{"gptq-4bit-128g", "GPTQ 4-bit, groups of 128", F::gptq, gptq4_g128},
    QuantPreset{"awq-4bit-32g", "AWQ 4-bit, groups of 32", F::awq, gptq4_g32},
    QuantPreset{"awq-4bit-64g", "AWQ 4-bit, groups of 64", F::awq, gptq4_g64},
    QuantPreset{"awq-4bit-128g", "AWQ 4-bit, groups of 128", F::awq, gptq4_g128},
    QuantPreset{"mlx-4bit", "MLX 4-bit", F::mlx, mlx4_g64},
    QuantPreset{"mlx-8bit", "MLX 8-bit", F::mlx, mlx8_g64},
    QuantPreset{"exl-2.0bpw", "EXL 2.0 bpw", F::exl, exl_type(8)},
    QuantPreset{"exl-2.25bpw", "EXL 2.25 bpw", F::exl, exl_type(9)},
    QuantPreset{"exl-2.5bpw", "EXL 2.5 bpw", F::exl, exl_type(10)},
    QuantPreset{"exl-3.0bpw", "EXL 3.0 bpw", F::exl, exl_type(12)},
    QuantPreset{"exl-3.25bpw", "EXL 3.25 bpw", F::exl, exl_type(13)},
    QuantPreset{"exl-3.5bpw", "EXL 3.5 bpw", F::exl, exl_type(14)},
    QuantPreset{"exl-3.75bpw", "EXL 3.75 bpw", F::exl, exl_type(15)},
    QuantPreset{"exl-4.0bpw", "EXL 4.0 bpw", F::exl, exl_type(16)},
    QuantPreset{"exl-4.25bpw", "EXL 4.25 bpw", F::exl, exl_type(17)},
    QuantPreset{"exl-4.5bpw", "EXL 4.5 bpw", F::exl, exl_type(18)},
    QuantPreset{"exl-5.0bpw", "EXL 5.0 bpw", F::exl, exl_type(20)},
    QuantPreset{"exl-6.0bpw", "EXL 6.0 bpw", F::exl, exl_type(24)},
    QuantPreset{"exl-6.5bpw", "EXL 6.5 bpw", F::exl, exl_type(26)},
    QuantPreset{"exl-8.0bpw", "EXL 8.0 bpw", F::exl, exl_type(32)},
};

struct Spelling {
  std::string_view text, id;
};

// Other names for exactly one preset, after normalisation. Q3_K, Q4_K and Q5_K: as llama-quantize takes them.
constexpr std::array spellings{
    Spelling{"fp32", "f32"},
    Spelling{"float32", "f32"},
    Spelling{"fp16", "f16"},
    Spelling{"float16", "f16"},
    Spelling{"bfloat16", "bf16"},
    Spelling{"q4km", "q4_k_m"},
    Spelling{"mxfp4", "mxfp4_moe"},
    Spelling{"q3kl", "q3_k_l"},
    Spelling{"fp8e4m3", "fp8"},
    Spelling{"q80", "q8_0"},
    Spelling{"bnb4bit", "nf4"},
    Spelling{"gptq", "gptq-4bit-128g"},
    Spelling{"awq", "awq-4bit-128g"},
    Spelling{"llmint8", "int8"},
    Spelling{"q3k", "q3_k_m"},
    Spelling{"q4k", "q4_k_m"},
    Spelling{"q5k", "q5_k_m"},
    // What publishers' repository names end in: Qwen's GPTQ and Red Hat's W4A16 have groups of 128.
    Spelling{"gptqint4", "gptq-4bit-128g"},
    Spelling{"gptq4bit", "gptq-4bit-128g"},
    Spelling{"w4a16", "gptq-4bit-128g"},
    Spelling{"quantizedw4a16", "gptq-4bit-128g"},
    Spelling{"awqint4", "awq-4bit-128g"},
    Spelling{"awq4bit", "awq-4bit-128g"},
    Spelling{"w8a8", "int8"},
    Spelling{"quantizedw8a8", "int8"},
    Spelling{"bnb8bit", "int8"},
    Spelling{"fp8dynamic", "fp8"},
    Spelling{"fp4", "nvfp4"},
};

/// Mixes whose tensor types differ from file to file (Unsloth's dynamic and bartowski's larger ones), and
/// ik_llama.cpp's types: the preset nearest in size stands in, and the answer says so.
struct Likeness {
  std::string_view text, id, shown;
};
constexpr std::array likenesses{
    Likeness{"q2kxl", "q2_k", "UD-Q2_K_XL"},
    Likeness{"q2kl", "q2_k", "Q2_K_L"},
    Likeness{"q3kxl", "q3_k_l", "UD-Q3_K_XL"},
    Likeness{"q4kxl", "q4_k_m", "UD-Q4_K_XL"},
    Likeness{"q4kl", "q4_k_m", "Q4_K_L"},
    Likeness{"q5kxl", "q5_k_m", "UD-Q5_K_XL"},
    Likeness{"q5kl", "q5_k_m", "Q5_K_L"},
    Likeness{"q6kxl", "q6_k", "UD-Q6_K_XL"},
    Likeness{"q6kl", "q6_k", "Q6_K_L"},
    Likeness{"q8kxl", "q8_0", "UD-Q8_K_XL"},
    Likeness{"iq2k", "iq2_s", "IQ2_K"},
    Likeness{"iq3k", "iq3_s", "IQ3_K"},
    Likeness{"iq4k", "iq4_nl", "IQ4_K"},
    Likeness{"iq4kr4", "iq4_nl", "IQ4_K_R4"},
    Likeness{"iq5k", "q5_k_s", "IQ5_K"},
    Likeness{"iq6k", "q6_k", "IQ6_K"},
    Likeness{"iq4ksr4", "iq4_xs", "IQ4_KS_R4"},
    Likeness{"iq4ks", "iq4_xs", "IQ4_KS"},
    Likeness{"iq4xsr8", "iq4_xs", "IQ4_XS_R8"},
    // mlx-community's: experts in MXFP4, the rest at 8.5 bits as Q8_0 has.
    Likeness{"mxfp4q8", "mxfp4_moe", "MXFP4-Q8"},
    Likeness{"mxfp4q4", "mxfp4_moe", "MXFP4-Q4"},
    // Unsloth's dynamic mix keeps some matrices at 16 bits.
    Likeness{"unslothbnb4bit", "nf4", "Unsloth's dynamic 4-bit"},
};

std::string normalized(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// "4bit", "q4" and "4" say how many bits but not which preset: offer those with that many.
std::vector<std::string> presets_of_bits(const std::string& text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), [](char c) { return c >= '0' && c <= '9'; });
  const bool only_bits = text == digits || text == "q" + digits || text == "k" + digits || text == digits + "bit" ||
                         text == "int" + digits || text == "iq" + digits;
  std::vector<std::string> out;
  if (!only_bits || digits.size() != 1) return out;
  for (const auto& p : presets) {
    const auto id = normalized(p.id);
    const bool same_bits = id.starts_with("q" + digits) || id.starts_with("iq" + digits) || id == "nf" + digits ||
                           id == "mlx" + digits + "bit";
    if (same_bits && out.size() < 5) out.emplace_back(p.id);
  }
  return out;
}

/// llm_type 70B, by the layer count the loaders switch on (src/models/{llama,qwen2,deci,olmo,jais2}.cpp).
bool is_seventy_b(const ModelSpec& spec) {
  struct Row {
    std::string_view architecture;
    std::uint32_t n_layer;
  };
  static constexpr std::array rows{Row{"llama", 80}, Row{"qwen2", 80}, Row{"deci", 80}, Row{"olmo", 80},
                                   Row{"jais2", 68}};
  if (spec.architecture == "llama" && spec.n_head.at(0) == spec.n_head_kv.at(0)) return false;
  return std::any_of(rows.begin(), rows.end(), [&](const Row& r) {
    return r.architecture == spec.architecture && r.n_layer == spec.n_layer_trunk();
  });
}

/// A name without its block's number: what the quantizer's rules look at, and the same in every block.
std::string_view without_block(std::string_view name) {
  return name.starts_with("blk.") ? name.substr(std::min(name.find('.', 4), name.size())) : name;
}

}  // namespace

std::span<const QuantPreset> quant_presets() { return presets; }

Result<QuantPreset> find_quant(std::string_view text) {
  const auto wanted = normalized(text);
  for (const auto& p : presets)
    if (normalized(p.id) == wanted || normalized(p.name) == wanted) return p;
  for (const auto& s : spellings)
    if (s.text == wanted) return find_quant(s.id);
  const auto bare = wanted.starts_with("ud") ? wanted.substr(2) : wanted;
  for (const auto& like : likenesses) {
    if (like.text != bare) continue;
    auto preset = find_quant(like.id);
    if (preset) preset->instead_of = like.shown;
    return preset;
  }
  if (bare != wanted) return find_quant(bare);
  auto suggestions = presets_of_bits(wanted);
  if (suggestions.empty()) {
    std::vector<std::string_view> ids;
    for (const auto& p : presets) ids.push_back(p.id);
    suggestions = nearest(text, ids);
  }
  const auto hint = suggestions.empty() ? "; `willitrun list quants` shows all" : did_you_mean(suggestions);
  return Error{"unknown_quant", fmt::format("unknown quant '{}'{}", text, hint), suggestions};
}

double least_bits(const QuantPreset& preset) {
  const auto& type = info(preset.type);
  return preset.family == F::ggml && is_block_quantized(preset.type) ? least_rule_bits(preset.id, preset.type)
                                                                     : 8.0 * type.block_bytes / type.block_elements;
}

Quantizer::Quantizer(const ModelSpec& spec, const std::vector<TensorInfo>& tensors) : spec_(spec) {
  struct Kind {
    std::string_view suffix;
    TensorCategory category;
    bool kept;
    std::uint64_t rank = 0;  // among the names of one layer
  };
  struct Found {
    std::uint64_t order;  // of the quantizer's walk
    Step step;
  };
  constexpr Shape any_matrix{2, 2, 1, 1};
  std::vector<Kind> kinds;
  std::vector<Found> found;
  // whisper.cpp's quantize has one type for all matrices.
  tied_ = !spec.hears() &&
          std::none_of(tensors.begin(), tensors.end(), [](const auto& t) { return t.name == "output.weight"; });
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto suffix = without_block(tensors[i].name);
    auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& k) { return k.suffix == suffix; });
    if (kind == kinds.end())
      kind = kinds.insert(kind, {suffix, tensor_category(suffix), !is_quantizable(suffix, any_matrix)});
    if (kind->category == TensorCategory::attention_v) ++n_value_;
    const auto& shape = tensors[i].shape;
    const bool vector = shape[1] == 1 && shape[2] == 1 && shape[3] == 1;
    if (!kind->kept && !vector)
      found.push_back({static_cast<std::uint64_t>(kind - kinds.begin()), {i, kind->category, tensors[i].type}});
  }
  // Names of blocks begin with "blk", which sorts among those of the tensors outside them.
  const auto before = [](const Kind& a, const Kind& b) {
    const auto block_a = a.suffix.starts_with('.'), block_b = b.suffix.starts_with('.');
    return block_a == block_b ? a.suffix < b.suffix : block_a ? "blk" < b.suffix : a.suffix < "blk";
  };
  for (auto& kind : kinds)
    kind.rank = static_cast<std::uint64_t>(
        std::count_if(kinds.begin(), kinds.end(), [&](const Kind& other) { return before(other, kind); }));
  // The quantizer walks by layer, then by name; positions among a kind count in that order.
  for (auto& f : found)
    f.order = static_cast<std::uint64_t>(tensors[f.step.tensor].layer + 1) << 32U | kinds[f.order].rank;
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.order < b.order; });
  walk_.reserve(found.size());
  for (const auto& f : found) walk_.push_back(f.step);
}

void Quantizer::apply_ggml(const QuantPreset& preset, std::vector<TensorInfo>& tensors) const {
  RuleContext context;
  context.falcon = spec_.architecture == "falcon";
  context.tied = tied_;
  context.seventy_b = is_seventy_b(spec_);
  context.n_expert = spec_.n_expert;
  context.n_gqa = spec_.n_head_kv.at(0) == 0 ? 0 : spec_.n_head.at(0) / spec_.n_head_kv.at(0);

  const PresetRules rules(preset.id, preset.type);
  const bool fewest_bits = preset.id.starts_with("iq2") || preset.id.starts_with("iq1");
  std::array<std::uint32_t, static_cast<std::size_t>(TensorCategory::other) + 1> seen{};
  for (const auto& step : walk_) {
    auto& tensor = tensors[step.tensor];
    const bool value = step.category == TensorCategory::attention_v;
    const bool low_bit_down = step.category == TensorCategory::ffn_down && fewest_bits;
    context.index = seen[static_cast<std::size_t>(step.category)]++;
    context.count = value ? n_value_ : spec_.n_layer;
    // Experts of one layer may come as several tensors, so there the layer's number counts.
    if (!value && !low_bit_down && spec_.n_expert > 1 && tensor.layer >= 0)
      context.index = static_cast<std::uint32_t>(tensor.layer);
    tensor.type = shape_fallback(rules.type(step.category, tensor.shape, context), tensor.shape[0]);
  }
}

/// Other engines quantise the matrices inside the layers and leave the rest at 16 bits; MLX quantises the token
/// embedding and output as well (mlx-lm convert), EXL the output at 6 bits (exllamav2's default head bits).
void Quantizer::apply_other(const QuantPreset& preset, std::vector<TensorInfo>& tensors) const {
  for (const auto& step : walk_) {
    auto& tensor = tensors[step.tensor];
    const bool head = step.category == TensorCategory::output && preset.family == F::exl;
    tensor.type = tensor.layer >= 0 || preset.family == F::mlx ? preset.type : head ? exl_type(24) : step.source;
  }
}

void Quantizer::apply(const QuantPreset& preset, std::vector<TensorInfo>& tensors) const {
  if (preset.family != F::ggml) return apply_other(preset, tensors);
  if (is_block_quantized(preset.type)) return apply_ggml(preset, tensors);
  // A conversion: what the quantizer may touch takes the preset's type, the rest stays as converted.
  for (const auto& step : walk_) tensors[step.tensor].type = step.source == f16 ? preset.type : step.source;
}

void apply_quant(const QuantPreset& preset, const ModelSpec& spec, std::vector<TensorInfo>& tensors) {
  Quantizer(spec, tensors).apply(preset, tensors);
}

}  // namespace willitrun
