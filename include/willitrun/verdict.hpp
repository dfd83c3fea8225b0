// The answer: one of six codes, why, and whether what was required is met.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "willitrun/footprint.hpp"
#include "willitrun/machine.hpp"
#include "willitrun/placement.hpp"
#include "willitrun/speed.hpp"

namespace willitrun {

enum class VerdictCode : std::uint8_t { fits, tight, offload, cpu, wont_run, unknown };
[[nodiscard]] std::string_view name_of(VerdictCode code);

/// What must hold for exit code 0.
struct Requirement {
  enum class Level : std::uint8_t { runs, gpu, fits } level = Level::runs;
  std::optional<double> min_tokens_per_s;
  std::optional<std::uint32_t> min_ctx;
  std::optional<double> max_ttft_s;
  std::optional<Bytes> max_memory;  ///< over all devices and the host together
};
[[nodiscard]] std::string_view name_of(Requirement::Level level);

struct Reason {
  std::string code;
  std::string message;
};

struct Verdict {
  VerdictCode code = VerdictCode::unknown;
  bool met = false;
  std::vector<Reason> reasons;
};

/// Memory left on a device below which a fit is called tight: what published runs of one setup differ by.
inline constexpr Bytes recommended_headroom = 300 * mib;

[[nodiscard]] Verdict judge(const Footprint& footprint, const Placement& placement, const Machine& machine,
                            const SpeedEstimate& speed, const Requirement& requirement);

/// What the gates on speed, context and memory are held against.
struct GateFigures {
  std::optional<std::uint32_t> n_ctx_seq;  ///< tokens of context a slot has; empty where there is no such thing
  Bytes total_bytes = 0;                   ///< over all devices and the host
  const SpeedEstimate& speed;
};
/// Adds a reason for every gate missed. A figure we cannot compute makes the verdict unknown rather than met.
void apply_gates(const GateFigures& figures, const Requirement& required, Verdict& verdict);

/// Whether a reason is a gate missed, rather than how the model lies in memory.
[[nodiscard]] bool is_gate(const Reason& reason);

/// Whether a verdict is at least what `level` asks for.
[[nodiscard]] bool meets(VerdictCode code, Requirement::Level level);

/// A valid "no" is 1, a missing fact 3.
[[nodiscard]] int exit_status(const Verdict& verdict);

}  // namespace willitrun
