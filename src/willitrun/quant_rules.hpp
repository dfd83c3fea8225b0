// How llama.cpp's quantizer chooses a type for one tensor of a preset. Private to quant.cpp.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "willitrun/model.hpp"
#include "willitrun/quant.hpp"

namespace willitrun {

enum class TensorCategory : std::uint8_t {
  token_embedding,
  output,
  attention_q,
  attention_k,
  attention_v,
  attention_output,
  ffn_up,
  ffn_gate,
  ffn_down,
  other,
};
[[nodiscard]] TensorCategory tensor_category(std::string_view name);

/// Whether the quantizer touches this tensor at all, or leaves it at its source type.
[[nodiscard]] bool is_quantizable(std::string_view name, const Shape& shape);

/// What a rule may ask of the model and of the tensor's position among its kind.
struct RuleContext {
  bool falcon = false;
  bool tied = false;
  bool seventy_b = false;  ///< 80-layer grouped-query models whose value matrix is an eighth of the query's
  std::uint32_t n_expert = 0;
  std::uint32_t n_gqa = 0;  ///< query heads per key head of the first layer; 0 without attention there
  std::uint32_t index = 0;  ///< position among the tensors of the category, or the layer for expert models
  std::uint32_t count = 0;  ///< how many there are
};

/// The rules of one ggml preset, picked out once for many tensors.
class PresetRules {
 public:
  PresetRules(std::string_view preset, TensorType preset_type);
  /// The result may still not divide the row: see shape_fallback.
  [[nodiscard]] TensorType type(TensorCategory category, const Shape& shape, const RuleContext& context) const;

 private:
  std::string_view preset_;
  TensorType preset_type_;
  bool low_bit_;
  std::vector<std::size_t> rules_;  // positions in the table
};

/// The type used instead when a row of `row_elements` does not divide into `wanted`'s blocks.
[[nodiscard]] TensorType shape_fallback(TensorType wanted, std::uint64_t row_elements);

/// The fewest bits per element any rule of a ggml preset gives; shape_fallback only ever gives more.
[[nodiscard]] double least_rule_bits(std::string_view preset, TensorType preset_type);

}  // namespace willitrun
