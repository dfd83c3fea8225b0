#include "willitrun/quant_rules.hpp"

#include <algorithm>
#include <array>

namespace willitrun {
namespace {

using enum TensorType;
using enum TensorCategory;

/// For which tensors of its category a rule holds.
enum class Where : std::uint8_t {
  always,
  more_bits,  ///< first and last eighth of the layers, and every third between
  first_two,
  first_four,
  first_eighth,
  first_sixteenth,
  inner,  ///< all but the first and last eighth
};

/// For which models.
enum class When : std::uint8_t { any, gqa4, gqa4_or_moe4, moe8, not_moe8, falcon, not_falcon };

using enum Where;
using enum When;

struct Rule {
  std::string_view presets;  ///< one id, or several between spaces
  TensorCategory category;
  Where where;
  When when;
  TensorType type;
};

constexpr std::string_view low_bit = "iq1_s iq1_m iq2_xxs iq2_xs iq2_s iq2_m";
constexpr std::string_view all = "*";

// llama_tensor_get_type_impl in src/llama-quant.cpp (llama.cpp 0.7.0), for files made without an importance matrix.
// The first row that holds counts; no row = the preset's own type.
constexpr std::array rules{
    Rule{"iq2_xxs iq2_xs iq1_s iq1_m", token_embedding, always, any, q2_k},
    Rule{"iq2_s iq2_m iq3_xxs", token_embedding, always, any, iq3_s},
    Rule{"tq1_0 tq2_0 q2_0", token_embedding, always, any, q4_k},

    Rule{low_bit, attention_v, always, gqa4_or_moe4, q4_k},
    Rule{"iq2_s iq2_m", attention_v, always, any, iq3_s},
    Rule{low_bit, attention_v, always, any, q2_k},
    Rule{all, attention_v, always, moe8, q8_0},
    Rule{"q2_k q2_k_s iq3_xxs iq3_xs iq3_s", attention_v, always, gqa4, q4_k},
    Rule{"q2_k", attention_v, always, any, q3_k},
    Rule{"iq3_xxs", attention_v, always, any, iq3_s},
    Rule{"iq3_m", attention_v, always, any, q4_k},
    Rule{"q3_k_m", attention_v, first_two, any, q5_k},
    Rule{"q3_k_m", attention_v, always, any, q4_k},
    Rule{"q3_k_l", attention_v, always, any, q5_k},
    Rule{"iq4_nl iq4_xs", attention_v, always, gqa4, q5_k},
    Rule{"q4_k_m q5_k_m", attention_v, more_bits, any, q6_k},
    Rule{"q4_k_s", attention_v, first_four, any, q5_k},

    Rule{low_bit, attention_k, always, moe8, q4_k},
    Rule{low_bit, attention_k, always, any, f32},  // f32 here: the preset's own type
    Rule{all, attention_k, always, moe8, q8_0},
    Rule{"iq3_xs", attention_k, always, any, iq3_xxs},
    Rule{"iq3_xxs", attention_k, always, any, iq2_s},
    Rule{"iq3_xs", attention_q, always, any, iq3_xxs},
    Rule{"iq3_xxs", attention_q, always, any, iq2_s},

    Rule{low_bit, attention_output, always, moe8, q5_k},
    Rule{"iq1_s iq1_m", attention_output, always, any, iq2_xxs},
    Rule{"iq2_s iq2_m", attention_output, always, any, iq3_s},
    Rule{"q3_k_l", attention_output, always, falcon, q4_k},
    Rule{all, attention_output, always, falcon, f32},
    Rule{"q2_k iq3_xs iq3_xxs q3_k_s q3_k_m iq4_nl q4_k_s q4_k_m iq3_s iq3_m iq4_xs", attention_output, always, moe8,
         q5_k},
    Rule{"q2_k", attention_output, always, not_moe8, q3_k},
    Rule{"iq3_xxs", attention_output, always, not_moe8, iq3_s},
    Rule{"q3_k_m iq3_m", attention_output, always, not_moe8, q4_k},
    Rule{"q3_k_l", attention_output, always, not_moe8, q5_k},

    Rule{"iq2_s iq2_m", ffn_down, first_eighth, any, iq3_s},
    Rule{low_bit, ffn_down, first_eighth, any, q2_k},
    Rule{"q2_k", ffn_down, always, any, q3_k},
    Rule{"q2_k_s", ffn_down, first_eighth, any, q4_k},
    Rule{"iq3_xxs", ffn_down, first_eighth, any, q4_k},
    Rule{"iq3_xxs", ffn_down, always, any, q3_k},
    Rule{"q3_k_m", ffn_down, first_sixteenth, any, q5_k},
    Rule{"q3_k_m", ffn_down, always, not_falcon, q4_k},
    Rule{"q3_k_m", ffn_down, more_bits, falcon, q4_k},
    Rule{"iq3_m", ffn_down, first_eighth, any, q4_k},
    Rule{"iq3_m", ffn_down, more_bits, moe8, q4_k},
    Rule{"q3_k_l", ffn_down, always, falcon, q4_k},
    Rule{"q3_k_l", ffn_down, always, any, q5_k},
    Rule{"q4_k_m", ffn_down, first_sixteenth, falcon, q6_k},
    Rule{"q4_k_m", ffn_down, more_bits, falcon, q5_k},
    Rule{"q4_k_m q5_k_m", ffn_down, more_bits, not_falcon, q6_k},
    Rule{"q5_k_m", ffn_down, more_bits, falcon, q6_k},
    Rule{"iq4_nl iq4_xs", ffn_down, first_eighth, any, q5_k},
    Rule{"q4_k_s", ffn_down, first_eighth, not_falcon, q5_k},

    Rule{"iq3_xs", ffn_gate, inner, any, iq3_xxs},
    Rule{"iq3_xs", ffn_up, inner, any, iq3_xxs},
};

bool lists(std::string_view presets, std::string_view id) {
  if (presets == all) return true;
  while (!presets.empty()) {
    const auto space = std::min(presets.find(' '), presets.size());
    if (presets.substr(0, space) == id) return true;
    presets.remove_prefix(std::min(space + 1, presets.size()));
  }
  return false;
}

bool holds(Where where, std::uint32_t i, std::uint32_t n) {
  const auto eighth = n / 8;
  switch (where) {
    case always: return true;
    case more_bits: return i < eighth || i >= 7 * n / 8 || (i - eighth) % 3 == 2;
    case first_two: return i < 2;
    case first_four: return i < 4;
    case first_eighth: return i < eighth;
    case first_sixteenth: return i < n / 16;
    case inner: return i >= eighth && i < 7 * n / 8;
  }
  return false;
}

bool holds(When when, const RuleContext& c) {
  switch (when) {
    case any: return true;
    case gqa4: return c.n_gqa >= 4;
    case gqa4_or_moe4: return c.n_gqa >= 4 || c.n_expert >= 4;
    case moe8: return c.n_expert == 8;
    case not_moe8: return c.n_expert != 8;
    case falcon: return c.falcon;
    case not_falcon: return !c.falcon;
  }
  return false;
}

/// The output matrix, or the token embedding that doubles as one.
TensorType output_type(std::string_view preset, TensorType preset_type, const Shape& shape, bool falcon) {
  if (falcon || shape[0] % info(preset_type).block_elements != 0) return q8_0;
  if (lists(low_bit, preset) || preset == "iq3_xxs") return q5_k;
  return preset_type == q8_0 ? q8_0 : q6_k;
}

struct Mark {
  std::string_view text;
  TensorCategory category;
};

// tensor_get_category: the first that occurs in the name counts.
constexpr std::array category_marks{
    Mark{"attn_qkv.weight", attention_v},
    Mark{"attn_kv_b.weight", attention_v},
    Mark{"attn_v.weight", attention_v},
    Mark{"attn_k.weight", attention_k},
    Mark{"attn_q.weight", attention_q},
    Mark{"attn_output.weight", attention_output},
    Mark{"ffn_up", ffn_up},
    Mark{"ffn_gate", ffn_gate},
    Mark{"ffn_down", ffn_down},
};

// tensor_allows_quantization: what stays at its source type although it is a matrix.
constexpr std::array<std::string_view, 33> kept_marks{"_norm.weight",
                                                      "ffn_gate_inp.weight",
                                                      "ffn_gate_tid2eid.weight",
                                                      "altup",
                                                      "laurel",
                                                      "per_layer_model_proj",
                                                      "ssm_conv1d",
                                                      "shortconv.conv.weight",
                                                      "indexer.k_proj.weight",
                                                      "indexer.q_proj.weight",
                                                      "time_mix_first.weight",
                                                      "time_mix_w0.weight",
                                                      "time_mix_w1.weight",
                                                      "time_mix_w2.weight",
                                                      "time_mix_v0.weight",
                                                      "time_mix_v1.weight",
                                                      "time_mix_v2.weight",
                                                      "time_mix_a0.weight",
                                                      "time_mix_a1.weight",
                                                      "time_mix_a2.weight",
                                                      "time_mix_g1.weight",
                                                      "time_mix_g2.weight",
                                                      "time_mix_decay_w1.weight",
                                                      "time_mix_decay_w2.weight",
                                                      "time_mix_lerp_fused.weight",
                                                      "attn_rel_b.weight",
                                                      ".position_embd",
                                                      "sam.pos_embd",
                                                      "sam.neck.",
                                                      "sam.net_",
                                                      ".rel_pos",
                                                      ".patch_embd",
                                                      ".patch_merger"};

}  // namespace

TensorCategory tensor_category(std::string_view name) {
  if (name == "output.weight") return output;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") return token_embedding;
  for (const auto& mark : category_marks)
    if (name.find(mark.text) != std::string_view::npos) return mark.category;
  return other;
}

bool is_quantizable(std::string_view name, const Shape& shape) {
  if (shape[1] == 1 && shape[2] == 1 && shape[3] == 1) return false;
  if (!name.ends_with("weight") || name == "position_embd.weight" || name == "token_types.weight") return false;
  return std::none_of(kept_marks.begin(), kept_marks.end(),
                      [&](std::string_view mark) { return name.find(mark) != std::string_view::npos; });
}

PresetRules::PresetRules(std::string_view preset, TensorType preset_type)
    : preset_(preset), preset_type_(preset_type), low_bit_(lists(low_bit, preset)) {
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (lists(rules[i].presets, preset)) rules_.push_back(i);
}

TensorType PresetRules::type(TensorCategory category, const Shape& shape, const RuleContext& context) const {
  // MXFP4 is for experts; everything else stays at 8 bits, the output too.
  if (preset_type_ == mxfp4) return category != output && category != token_embedding && shape[2] > 1 ? mxfp4 : q8_0;
  if (category == output || (category == token_embedding && context.tied))
    return output_type(preset_, preset_type_, shape, context.falcon);

  auto type = preset_type_;
  for (const auto i : rules_) {
    const auto& rule = rules[i];
    if (rule.category != category || !holds(rule.when, context) || !holds(rule.where, context.index, context.count))
      continue;
    if (rule.type != f32) type = rule.type;
    break;
  }
  const bool value_matrix_is_small = category == attention_v && context.seventy_b && !low_bit_;
  return value_matrix_is_small && (type == q3_k || type == q4_k) ? q5_k : type;
}

double least_rule_bits(std::string_view preset, TensorType preset_type) {
  const auto bits = [](TensorType type) { return 8.0 * info(type).block_bytes / info(type).block_elements; };
  double least = bits(preset_type);
  for (const auto& rule : rules)
    if (lists(rule.presets, preset)) least = std::min(least, bits(rule.type));
  return least;
}

TensorType shape_fallback(TensorType wanted, std::uint64_t row_elements) {
  struct Step {
    TensorType from, to;
  };
  // tensor_type_fallback: types of 256-element blocks and the 32-element type each gives way to.
  static constexpr std::array steps{
      Step{iq1_s, iq4_nl}, Step{iq1_m, iq4_nl},   Step{iq2_xxs, iq4_nl}, Step{iq2_xs, iq4_nl},
      Step{iq2_s, iq4_nl}, Step{iq3_xxs, iq4_nl}, Step{iq3_s, iq4_nl},   Step{iq4_xs, iq4_nl},
      Step{q2_0, q4_0},    Step{q2_k, q4_0},      Step{q3_k, q4_0},      Step{tq1_0, q4_0},
      Step{tq2_0, q4_0},   Step{q4_k, q5_0},      Step{q5_k, q5_1},      Step{q6_k, q8_0},
  };
  const auto divides = [&](TensorType t) { return row_elements % info(t).block_elements == 0; };
  if (divides(wanted)) return wanted;
  const auto it = std::find_if(steps.begin(), steps.end(), [&](const Step& s) { return s.from == wanted; });
  return it != steps.end() && divides(it->to) ? it->to : f16;
}

}  // namespace willitrun
