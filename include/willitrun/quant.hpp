// Presets: how a whole model is quantised, tensor by tensor.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/model.hpp"

namespace willitrun {

enum class QuantFamily : std::uint8_t { ggml, fp8, int8, bitsandbytes, gptq, awq, mlx, exl };

/// A named way to store a model. `id` is how people type it ("q4_k_m"), `name` how files spell it ("Q4_K_M").
struct QuantPreset {
  std::string_view id;
  std::string_view name;
  QuantFamily family;
  TensorType type;                   ///< of the bulk of the weights, before per-tensor rules
  std::string_view instead_of = {};  ///< a mix made by hand that this preset stands in for ("UD-Q4_K_XL")
};

[[nodiscard]] std::span<const QuantPreset> quant_presets();

/// Any usual spelling ("Q4_K_M", "q4km", "Q4-K-M", "fp16"); an unknown one is an error with near misses.
[[nodiscard]] Result<QuantPreset> find_quant(std::string_view text);

/// Bits per weight that the layers of no model fall below at this preset.
[[nodiscard]] double least_bits(const QuantPreset& preset);

/// The part of the network a tensor belongs to, as far as quantizers care.
enum class TensorCategory : std::uint8_t;

/// A model's tensors sorted for quantizers once, for many presets.
class Quantizer {
 public:
  /// `tensors` must be the unquantised inventory of `spec`, which must outlive this.
  Quantizer(const ModelSpec& spec, const std::vector<TensorInfo>& tensors);
  /// As apply_quant() on the same tensors, at whatever types an earlier preset left them.
  void apply(const QuantPreset& preset, std::vector<TensorInfo>& tensors) const;

 private:
  struct Step {
    std::size_t tensor;
    TensorCategory category;
    TensorType source;
  };
  void apply_ggml(const QuantPreset& preset, std::vector<TensorInfo>& tensors) const;
  void apply_other(const QuantPreset& preset, std::vector<TensorInfo>& tensors) const;

  const ModelSpec& spec_;
  std::vector<Step> walk_;  // those a quantizer touches, in its order
  std::uint32_t n_value_ = 0;
  bool tied_ = false;
};

/// Gives every tensor the type llama.cpp's quantizer (or the other engine's) would give it, without importance matrix.
/// `tensors` must be the unquantised inventory of `spec`.
void apply_quant(const QuantPreset& preset, const ModelSpec& spec, std::vector<TensorInfo>& tensors);

}  // namespace willitrun
