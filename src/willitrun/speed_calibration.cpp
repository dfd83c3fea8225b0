#include "willitrun/speed_calibration.hpp"

#include <algorithm>

namespace willitrun {
namespace {

/// Engines without kernels of their own are calibrated as another.
Engine calibrated_as(Engine engine) {
  using enum Engine;
  switch (engine) {
    case ollama:
    case lmstudio:
    case transformers: return llama_cpp;
    default: return engine;
  }
}

bool matches(const SpeedRow& row, Engine engine, Backend backend, std::string_view architecture,
             std::string_view capability) {
  return row.engine == engine && row.backend == backend && architecture.starts_with(row.architecture) &&
         capability.starts_with(row.capability);
}

}  // namespace

const SpeedRow& speed_row(std::span<const SpeedRow> rows, Engine engine, Backend backend, std::string_view architecture,
                          std::string_view capability) {
  for (const auto candidate : {calibrated_as(engine), Engine::llama_cpp}) {
    const auto it = std::find_if(rows.begin(), rows.end(), [&](const SpeedRow& row) {
      return matches(row, candidate, backend, architecture, capability);
    });
    if (it != rows.end()) return *it;
  }
  return rows.back();
}

KernelClass kernel_class(TensorType type) {
  using enum TensorType;
  using enum KernelClass;
  switch (type) {
    case f32:
    case f16:
    case bf16:
    case f64: return floating;
    case q8_0:
    case q8_1:
    case q8_k:
    case i8:
    case i16:
    case i32:
    case i64:
    case fp8:
    case fp8_block128:
    case int8:
    case mlx8_g64: return eight_bit;
    case q4_0:
    case q4_1:
    case q5_0:
    case q5_1: return legacy;
    case q4_k:
    case q5_k:
    case q6_k: return k;
    case q2_k:
    case q3_k:
    case q2_0:
    case q1_0:
    case tq1_0:
    case tq2_0: return low_k;
    case iq1_s:
    case iq1_m:
    case iq2_xxs:
    case iq2_xs:
    case iq2_s:
    case iq3_xxs:
    case iq3_s:
    case iq4_nl:
    case iq4_xs: return iq;
    default: return four_bit;
  }
}

}  // namespace willitrun
