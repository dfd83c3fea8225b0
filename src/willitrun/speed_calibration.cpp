#include "willitrun/speed_calibration.hpp"

#include <algorithm>
#include <array>

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

/// A chip nobody measured, and the measured one whose memory and kernels are most like its own.
struct Kin {
  std::string_view architecture, capability;  // equal; starts with
  std::string_view as_architecture, as_capability;
  bool always;  // a chip of its own under a name that others were measured by
};
constexpr std::array kins{
    Kin{"Kepler", "", "Pascal", "", false},             // no matrix units, no fast half precision
    Kin{"Maxwell", "", "Pascal", "", false},            //
    Kin{"Hopper", "", "Ampere", "8.0", false},          // HBM: one sequence reaches half of its bandwidth
    Kin{"Blackwell", "10", "Ampere", "8.0", true},      //
    Kin{"Blackwell Ultra", "", "Ampere", "8.0", true},  //
    Kin{"Blackwell", "11", "Blackwell", "12.1", true},  // LPDDR5X on one package with the processor
    Kin{"Alchemist", "", "Xe-LP", "", false},           // A770 on Vulkan: 42-53 tok/s (llama.cpp issue 17628)
    Kin{"Vega", "", "Vega 20", "", false},
    Kin{"CDNA", "", "CDNA2", "", false},
    Kin{"CDNA3", "", "CDNA2", "", false},
    Kin{"CDNA4", "", "CDNA2", "", false},
};

struct Lookup {
  std::span<const SpeedRow> rows;
  Engine engine;
  Backend backend;

  /// The first row for this architecture; `named` leaves out the one for any.
  [[nodiscard]] const SpeedRow* find(std::string_view architecture, std::string_view capability, bool named) const {
    const auto it = std::find_if(rows.begin(), rows.end(), [&](const SpeedRow& row) {
      return row.engine == engine && row.backend == backend && !(named && row.architecture.empty()) &&
             architecture.starts_with(row.architecture) && capability.starts_with(row.capability);
    });
    return it == rows.end() ? nullptr : &*it;
  }

  [[nodiscard]] const SpeedRow* find_kin(std::string_view architecture, std::string_view capability,
                                         bool always) const {
    const auto* kin = std::find_if(kins.begin(), kins.end(), [&](const Kin& k) {
      return k.always == always && architecture == k.architecture && capability.starts_with(k.capability);
    });
    return kin == kins.end() ? nullptr : find(kin->as_architecture, kin->as_capability, true);
  }
};

}  // namespace

const SpeedRow& speed_row(std::span<const SpeedRow> rows, Engine engine, Backend backend, std::string_view architecture,
                          std::string_view capability) {
  for (const auto candidate : {calibrated_as(engine), Engine::llama_cpp}) {
    const Lookup lookup{rows, candidate, backend};
    if (const auto* row = lookup.find_kin(architecture, capability, true)) return *row;
    if (const auto* row = lookup.find(architecture, capability, true)) return *row;
    if (const auto* row = lookup.find_kin(architecture, capability, false)) return *row;
    if (const auto* row = lookup.find(architecture, capability, false)) return *row;
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
