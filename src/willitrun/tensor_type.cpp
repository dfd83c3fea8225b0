#include "willitrun/tensor_type.hpp"

#include <algorithm>
#include <cctype>

namespace willitrun {
namespace {

using enum TensorType;

// Block geometry of ggml types: ggml.c's type traits and ggml-common.h's block structs (ggml 0.27.0).
// Removed ids (Q4_2, Q4_3 and the repacked Q4_0 variants) have no row: a file that uses them is refused.
// Other engines' formats, with the scales they store beside the weights:
//   gptq4: 4-bit weights, one f16 scale and one 4-bit zero point a group, in blocks of two groups (whole bytes)
//   nf4: 4-bit weights, f32 absmax per 64; nf4_double: absmax as 8 bits plus one f32 per 256 groups (bitsandbytes,
//   QLoRA) mlx: f16 scale and bias per group of 64; fp8_block128: one f32 scale per 128x128 block (DeepSeek-V3)
constexpr std::array named_types{
    TensorTypeInfo{f32, "f32", 0, 1, 4},
    TensorTypeInfo{f16, "f16", 1, 1, 2},
    TensorTypeInfo{q4_0, "q4_0", 2, 32, 18},
    TensorTypeInfo{q4_1, "q4_1", 3, 32, 20},
    TensorTypeInfo{q5_0, "q5_0", 6, 32, 22},
    TensorTypeInfo{q5_1, "q5_1", 7, 32, 24},
    TensorTypeInfo{q8_0, "q8_0", 8, 32, 34},
    TensorTypeInfo{q8_1, "q8_1", 9, 32, 36},
    TensorTypeInfo{q2_k, "q2_K", 10, 256, 84},
    TensorTypeInfo{q3_k, "q3_K", 11, 256, 110},
    TensorTypeInfo{q4_k, "q4_K", 12, 256, 144},
    TensorTypeInfo{q5_k, "q5_K", 13, 256, 176},
    TensorTypeInfo{q6_k, "q6_K", 14, 256, 210},
    TensorTypeInfo{q8_k, "q8_K", 15, 256, 292},
    TensorTypeInfo{iq2_xxs, "iq2_xxs", 16, 256, 66},
    TensorTypeInfo{iq2_xs, "iq2_xs", 17, 256, 74},
    TensorTypeInfo{iq3_xxs, "iq3_xxs", 18, 256, 98},
    TensorTypeInfo{iq1_s, "iq1_s", 19, 256, 50},
    TensorTypeInfo{iq4_nl, "iq4_nl", 20, 32, 18},
    TensorTypeInfo{iq3_s, "iq3_s", 21, 256, 110},
    TensorTypeInfo{iq2_s, "iq2_s", 22, 256, 82},
    TensorTypeInfo{iq4_xs, "iq4_xs", 23, 256, 136},
    TensorTypeInfo{i8, "i8", 24, 1, 1},
    TensorTypeInfo{i16, "i16", 25, 1, 2},
    TensorTypeInfo{i32, "i32", 26, 1, 4},
    TensorTypeInfo{i64, "i64", 27, 1, 8},
    TensorTypeInfo{f64, "f64", 28, 1, 8},
    TensorTypeInfo{iq1_m, "iq1_m", 29, 256, 56},
    TensorTypeInfo{bf16, "bf16", 30, 1, 2},
    TensorTypeInfo{tq1_0, "tq1_0", 34, 256, 54},
    TensorTypeInfo{tq2_0, "tq2_0", 35, 256, 66},
    TensorTypeInfo{mxfp4, "mxfp4", 39, 32, 17},
    TensorTypeInfo{nvfp4, "nvfp4", 40, 64, 36},
    TensorTypeInfo{q1_0, "q1_0", 41, 128, 18},
    TensorTypeInfo{q2_0, "q2_0", 42, 64, 18},
    TensorTypeInfo{fp8, "fp8", -1, 1, 1},
    TensorTypeInfo{fp8_block128, "fp8_block128", -1, 16384, 16388},
    TensorTypeInfo{int8, "int8", -1, 1, 1},
    TensorTypeInfo{nf4, "nf4", -1, 64, 36},
    TensorTypeInfo{nf4_double, "nf4_double", -1, 16384, 8452},
    TensorTypeInfo{gptq4_g32, "gptq4_g32", -1, 64, 37},
    TensorTypeInfo{gptq4_g64, "gptq4_g64", -1, 128, 69},
    TensorTypeInfo{gptq4_g128, "gptq4_g128", -1, 256, 133},
    TensorTypeInfo{mlx4_g64, "mlx4_g64", -1, 64, 36},
    TensorTypeInfo{mlx8_g64, "mlx8_g64", -1, 64, 68},
};

constexpr std::array<std::string_view, 25> exl_names{
    "exl2.00", "exl2.25", "exl2.50", "exl2.75", "exl3.00", "exl3.25", "exl3.50", "exl3.75", "exl4.00",
    "exl4.25", "exl4.50", "exl4.75", "exl5.00", "exl5.25", "exl5.50", "exl5.75", "exl6.00", "exl6.25",
    "exl6.50", "exl6.75", "exl7.00", "exl7.25", "exl7.50", "exl7.75", "exl8.00"};

// 32 weights of q quarter bits are q bytes.
constexpr auto table = [] {
  std::array<TensorTypeInfo, named_types.size() + exl_names.size()> all{};
  std::size_t n = 0;
  for (const auto& t : named_types) all[n++] = t;
  for (std::uint32_t i = 0; i < exl_names.size(); ++i) all[n++] = {exl_type(i + 8), exl_names[i], -1, 32, i + 8};
  return all;
}();
static_assert([] {
  for (std::size_t i = 0; i < table.size(); ++i)
    if (static_cast<std::size_t>(table[i].type) != i) return false;
  return true;
}());

}  // namespace

std::span<const TensorTypeInfo> tensor_types() { return table; }

const TensorTypeInfo& info(TensorType type) { return table[static_cast<std::size_t>(type)]; }

std::optional<TensorType> tensor_type_from_ggml(std::uint32_t ggml_id) {
  const auto it = std::find_if(table.begin(), table.end(), [&](const TensorTypeInfo& t) {
    return t.ggml_id >= 0 && static_cast<std::uint32_t>(t.ggml_id) == ggml_id;
  });
  return it == table.end() ? std::nullopt : std::optional(it->type);
}

std::optional<TensorType> tensor_type_from_name(std::string_view name) {
  const auto same = [&](const TensorTypeInfo& t) {
    return std::equal(name.begin(), name.end(), t.name.begin(), t.name.end(), [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    });
  };
  const auto it = std::find_if(table.begin(), table.end(), same);
  return it == table.end() ? std::nullopt : std::optional(it->type);
}

bool is_block_quantized(TensorType type) { return info(type).block_elements > 1; }

std::optional<std::uint64_t> element_count(const Shape& shape) {
  std::uint64_t product = 1;
  for (const auto n : shape) {
    const auto next = checked_mul(product, n);
    if (!next) return std::nullopt;
    product = *next;
  }
  return product;
}

Bytes row_bytes(TensorType type, std::uint64_t elements) { return row_bytes(info(type), elements); }

Bytes tensor_bytes(TensorType type, const Shape& shape) {
  const auto rows = shape[1] * shape[2] * shape[3];
  // Other engines' blocks go on over the end of a row.
  const bool flat = info(type).ggml_id < 0;
  return flat ? row_bytes(type, shape[0] * rows) : row_bytes(type, shape[0]) * rows;
}

}  // namespace willitrun
