// Tokens per second from bytes read, arithmetic done and fixed time per layer. Always a range.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "willitrun/footprint.hpp"
#include "willitrun/hardware.hpp"
#include "willitrun/placement.hpp"

namespace willitrun {

struct Range {
  double low = 0, mid = 0, high = 0;
};

struct SpeedRequest {
  std::uint32_t depth = 0;  ///< tokens already in the context
  std::uint32_t prompt_tokens = 512;
};

struct SpeedEstimate {
  std::optional<Range> decode_tokens_per_s;  ///< one sequence
  std::optional<Range> prefill_tokens_per_s;
  std::optional<Range> time_to_first_token_s;
  std::vector<std::string> notes;  ///< what is missing, or what the estimate leans on
};

[[nodiscard]] SpeedEstimate estimate_speed(const Footprint& footprint, const Placement& placement,
                                           const Machine& machine, const SpeedRequest& request);

}  // namespace willitrun
