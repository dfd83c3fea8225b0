// How one tensor's elements are stored: elements per block and bytes per block.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "willitrun/units.hpp"

namespace willitrun {

enum class TensorType : std::uint8_t {
  f32,
  f16,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q8_1,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  q8_k,
  iq2_xxs,
  iq2_xs,
  iq3_xxs,
  iq1_s,
  iq4_nl,
  iq3_s,
  iq2_s,
  iq4_xs,
  i8,
  i16,
  i32,
  i64,
  f64,
  iq1_m,
  bf16,
  tq1_0,
  tq2_0,
  mxfp4,
  nvfp4,
  q1_0,
  q2_0,
  // Formats of other engines, as blocks of whole bytes.
  fp8,
  fp8_block128,
  int8,
  nf4,
  nf4_double,
  gptq4_g32,
  gptq4_g64,
  gptq4_g128,
  mlx4_g64,
  mlx8_g64,
  exl,  ///< first of the EXL2/EXL3 types, 2.00 to 8.00 bits in steps of a quarter: see exl_type()
};

/// Geometry of a storage type; `ggml_id` is -1 for the formats a GGUF file cannot hold.
struct TensorTypeInfo {
  TensorType type;
  std::string_view name;  ///< ggml's spelling where ggml has the type
  int ggml_id;
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
};

/// EXL2/EXL3 weights of `quarter_bits` / 4 bits each, 8 (2.00 bits) to 32 (8.00 bits).
[[nodiscard]] constexpr TensorType exl_type(std::uint32_t quarter_bits) {
  return static_cast<TensorType>(static_cast<std::uint32_t>(TensorType::exl) + quarter_bits - 8);
}

[[nodiscard]] std::span<const TensorTypeInfo> tensor_types();
[[nodiscard]] const TensorTypeInfo& info(TensorType type);
[[nodiscard]] std::optional<TensorType> tensor_type_from_ggml(std::uint32_t ggml_id);
[[nodiscard]] std::optional<TensorType> tensor_type_from_name(std::string_view name);
[[nodiscard]] bool is_block_quantized(TensorType type);

using Shape = std::array<std::uint64_t, 4>;  ///< ne[0] is the contiguous dimension; unused dimensions are 1

[[nodiscard]] std::optional<std::uint64_t> element_count(const Shape& shape);

/// Bytes of one row of `elements` (a multiple of the block) in `type`.
[[nodiscard]] constexpr Bytes row_bytes(const TensorTypeInfo& t, std::uint64_t elements) {
  return (elements + t.block_elements - 1) / t.block_elements * t.block_bytes;
}
[[nodiscard]] Bytes row_bytes(TensorType type, std::uint64_t elements);

/// Bytes of a whole tensor, as stored in a file.
[[nodiscard]] Bytes tensor_bytes(TensorType type, const Shape& shape);

}  // namespace willitrun
