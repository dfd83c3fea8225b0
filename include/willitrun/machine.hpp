// What a machine really gives a model: driver-visible memory, the runtime's own share, what is left alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "willitrun/hardware.hpp"
#include "willitrun/result.hpp"

namespace willitrun {

/// Memory to leave alone: a size, a share of the memory, or by rule.
struct Reserve {
  enum class Kind : std::uint8_t { automatic, bytes, percent } kind = Kind::automatic;
  Bytes bytes = 0;
  double percent = 0;
};

/// What a driver says of one device; it outranks the rules.
struct MeasuredMemory {
  std::optional<Bytes> total, free;
};

/// The machine as asked for, names already resolved.
struct MachineRequest {
  std::vector<DeviceSpec> devices;       ///< empty = CPU only
  std::optional<Bytes> vram;             ///< overrides every device's memory
  std::optional<Bytes> free_vram;        ///< measured free memory, instead of the rules
  std::vector<MeasuredMemory> measured;  ///< one per device, or empty; --vram and --free-vram outrank it
  std::optional<double> bandwidth_gb_s;
  Reserve reserve;
  bool vllm = false;  ///< it claims a share of what the driver reports, and has a runtime of its own
  std::optional<Bytes> overhead;
  std::optional<Bytes> ram;
  std::optional<Bytes> ram_available;  ///< of `ram`, now, instead of the rules
  std::optional<double> ram_bandwidth_gb_s;
  std::optional<double> disk_gb_s;
  std::string host_name;
  std::optional<CpuSpec> cpu;
  OperatingSystem os = OperatingSystem::linux_os;
  bool wsl = false;                ///< Linux under Windows: its driver's habits
  std::optional<Backend> backend;  ///< empty = the usual one for the vendor and system
};

[[nodiscard]] Machine assemble_machine(const MachineRequest& request);

/// The machine with that share of every device claimed by vLLM, in hundredths and at most what is free on each.
void claim_share(Machine& machine, double share);

/// Whether the device comes in laptops only, by how its vendor names those.
[[nodiscard]] bool is_laptop(const DeviceSpec& device);

/// How much of its memory macOS lets the GPU use by default, from that version on.
[[nodiscard]] Bytes apple_working_set(Bytes memory, unsigned macos_version);

/// The backend llama.cpp is usually run with on this vendor's devices under this system.
[[nodiscard]] Backend usual_backend(const std::string& vendor, OperatingSystem os);
/// The one for all of these: Vulkan where vendors differ, as no other backend drives both.
[[nodiscard]] Backend usual_backend(const std::vector<DeviceSpec>& devices, OperatingSystem os);
[[nodiscard]] std::string_view name_of(Backend backend);
[[nodiscard]] std::string_view name_of(OperatingSystem os);

}  // namespace willitrun
