// How much of its memory a device really offers, by vendor, system and backend. Private to the library.
#pragma once

#include <string_view>
#include <vector>

#include "willitrun/hardware.hpp"

namespace willitrun {

/// One amount a rule takes, and what public logs say of it.
struct MemoryRule {
  std::string_view name;
  Bytes bytes = 0;
  std::string_view basis;  ///< measured spread or source, in a few words
};

/// What the driver keeps of `memory`, or does not let the GPU use.
[[nodiscard]] MemoryRule driver_rule(const DeviceSpec& spec, OperatingSystem os, Bytes memory);

/// What the runtime takes beyond its buffers: context and libraries when it opens the device, growth while it runs.
/// On Windows and WSL (`wsl`) the first holds the display driver's share too.
[[nodiscard]] std::vector<MemoryRule> runtime_rules(const DeviceSpec& spec, Backend backend, OperatingSystem os,
                                                    Bytes memory);

/// vLLM's --gpu-memory-utilization where nothing else is asked for (vllm/config/cache.py of v0.31; 0.9 until 2026).
inline constexpr double vllm_share = 0.92;

/// What vLLM's processes take within their share beyond what PyTorch allocates.
[[nodiscard]] MemoryRule vllm_rule();

/// All that the driver reports of `memory`, free or not.
[[nodiscard]] Bytes reported_memory(const DeviceSpec& spec, OperatingSystem os, Bytes memory);

/// What the operating system keeps of system memory.
[[nodiscard]] MemoryRule system_rule(OperatingSystem os);

}  // namespace willitrun
