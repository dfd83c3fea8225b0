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
/// Engines that do not run everywhere. vLLM's builds for processors and Intel are not modelled.
[[nodiscard]] std::optional<Error> check_engine_runs(const Options& options, const Machine& machine);
/// Options that the engine has nothing to set by.
[[nodiscard]] std::optional<Error> check_settings(const Options& options);
/// Says what an engine with a memory manager of its own claims: what is counted is what it cannot do without.
void add_engine_assumption(Engine engine, const ContextParams& context, Machine& machine);
/// What cannot be: a backend on another vendor's device, Apple's chips without macOS, NVIDIA's with it.
[[nodiscard]] std::optional<Error> check_possible(const MachineRequest& request);
[[nodiscard]] Result<ContextChoice> resolve_context_options(const Options& options, const ModelSpec& spec);
[[nodiscard]] Result<PlacementOptions> resolve_placement_options(const Options& options, std::size_t n_device);
[[nodiscard]] Result<SpeedRequest> resolve_speed_options(const Options& options);

}  // namespace willitrun::cli
