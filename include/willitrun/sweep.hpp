// One question asked along one option: how memory, speed and verdict change with context, quant or layers on the GPU.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/check.hpp"
#include "willitrun/outcome.hpp"

namespace willitrun {

enum class SweepKind : std::uint8_t { ctx, quant, gpu_layers };
/// "ctx", "quant", "gpu-layers"; an error lists them.
[[nodiscard]] Result<SweepKind> find_sweep(std::string_view name);

/// Every point went through check(): contexts by powers of two up to the model's own, the usual presets by size, or
/// layers on the GPU from none to all. `outcome.name` is the option as typed, "--ctx 4096".
struct Sweep {
  SweepKind kind = SweepKind::ctx;
  std::string title;  ///< "Llama 3.1 8B, Q4_K_M, on GeForce RTX 3060"
  Bytes usable = 0;   ///< of the accelerators, or of system memory without any; 0 = not known
  bool on_host = false, shared_pool = false;
  std::vector<Outcome> points;
};
[[nodiscard]] Result<Sweep> sweep(const CheckRequest& request, SweepKind kind);

/// A bar of memory and one of speed per point, with a line where the usable memory ends.
[[nodiscard]] std::string to_text(const Sweep& sweep, const TextStyle& style);

}  // namespace willitrun
