// "quantization_config" in terms of our presets (docs/source/en/quantization of transformers 4.57; mlx-lm writes
// "quantization").
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/hf_config.hpp"
#include "willitrun/quant.hpp"

namespace willitrun {
namespace {

/// A method's layout; 0 = whatever number is stated. `preset` takes the bits and the group size.
struct MethodRow {
  std::string_view method;
  std::uint64_t bits;
  std::string_view preset;
};
constexpr std::array methods{
    MethodRow{"gptq", 0, "gptq-{}bit-{}g"}, MethodRow{"awq", 0, "awq-{}bit-{}g"}, MethodRow{"fp8", 8, "fp8"},
    MethodRow{"fbgemm_fp8", 8, "fp8"},      MethodRow{"mxfp4", 4, "mxfp4_moe"},   MethodRow{"nvfp4", 4, "nvfp4"},
    MethodRow{"mlx", 0, "mlx-{}bit"},
};

std::uint64_t stated(const JsonValue& config, std::initializer_list<std::string_view> names, std::uint64_t otherwise) {
  for (const auto name : names)
    if (const auto value = config.find(name))
      if (const auto n = value->count(0, 1U << 20)) return *n;
  return otherwise;
}

bool is_set(const JsonValue& config, std::string_view name) {
  const auto value = config.find(name);
  return value && value->is(JsonKind::boolean) && *value->flag();
}

std::string text_of(const JsonValue& config, std::string_view name) {
  const auto value = config.find(name);
  return value && value->is(JsonKind::text) ? *value->text() : std::string();
}

HfQuantization bitsandbytes(const JsonValue& config) {
  if (is_set(config, "load_in_8bit")) return {"bitsandbytes", "int8", {}, 8};
  return {"bitsandbytes", is_set(config, "bnb_4bit_use_double_quant") ? "nf4-dq" : "nf4", {}, 4};
}

/// compressed-tensors and ModelOpt name the format instead of a method of their own.
std::string method_of(const JsonValue& config) {
  const auto method = text_of(config, "quant_method");
  const auto format = text_of(config, "format") + text_of(config, "quant_algo");
  if (format.find("nvfp4") != std::string::npos || format.find("NVFP4") != std::string::npos) return "nvfp4";
  if (format.find("float-quantized") != std::string::npos || format == "FP8") return "fp8";
  return method;
}

}  // namespace

HfQuantization hf_quantization(const HfKeys& keys) {
  auto config = keys.find({"quantization_config"});
  const bool mlx = !config && keys.find({"quantization"}).has_value();
  if (mlx) config = keys.find({"quantization"});
  if (!config || !config->is(JsonKind::object)) return {};
  HfQuantization out;
  out.method = mlx ? "mlx" : method_of(*config);
  if (out.method == "bitsandbytes") out = bitsandbytes(*config);
  const auto* row = std::find_if(methods.begin(), methods.end(), [&](const auto& m) { return m.method == out.method; });
  if (row != methods.end()) {
    out.bits = row->bits != 0 ? row->bits : stated(*config, {"bits", "w_bit"}, 4);
    const auto group = stated(*config, {"group_size", "q_group_size"}, 128);
    const bool blocks = row->method == "fp8" && config->find("weight_block_size").has_value();
    out.preset = blocks ? "fp8-block" : fmt::format(fmt::runtime(row->preset), out.bits, group);
  }
  const auto preset = find_quant(out.preset);
  if (!preset || out.preset.empty()) out.preset.clear();
  out.name = preset && !out.preset.empty() ? std::string(preset->name)
             : out.bits > 0                ? fmt::format("{} {}-bit", out.method, out.bits)
                                           : (out.method.empty() ? "quantised" : out.method);
  if (out.method.empty()) out.method = "unknown";
  return out;
}

}  // namespace willitrun
