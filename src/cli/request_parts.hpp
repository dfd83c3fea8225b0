// The parts resolve() is made of.
#pragma once

#include <optional>

#include "cli/options.hpp"
#include "cli/request.hpp"
#include "willitrun/kv_cache.hpp"
#include "willitrun/placement.hpp"
#include "willitrun/speed.hpp"

namespace willitrun::cli {

struct ContextChoice {
  ContextParams params;
  std::uint32_t requested = 0;
  bool longest = false;  ///< --ctx max
  bool assumed = false;  ///< no --ctx given
};

[[nodiscard]] std::optional<Error> check_engine(const Options& options);
[[nodiscard]] Result<ContextChoice> resolve_context_options(const Options& options, const ModelSpec& spec);
[[nodiscard]] Result<PlacementOptions> resolve_placement_options(const Options& options, std::size_t n_device);
[[nodiscard]] Result<SpeedRequest> resolve_speed_options(const Options& options);

}  // namespace willitrun::cli
