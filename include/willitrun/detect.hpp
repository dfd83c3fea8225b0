// This computer as its drivers and its operating system describe it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "willitrun/hardware.hpp"
#include "willitrun/machine.hpp"
#include "willitrun/probe.hpp"

namespace willitrun {

struct DetectedDevice {
  std::string name;    ///< as the driver says it, else by its PCI id
  std::string vendor;  ///< nvidia, amd, intel, apple, other
  DeviceKind kind = DeviceKind::discrete;
  std::string pci_address;            ///< "0000:01:00.0"
  std::string pci_id;                 ///< "10de:2504"
  std::string driver;                 ///< "nvidia 570.124.06", "amdgpu", "xe"; empty when none is bound
  std::string read_from;              ///< "NVML", "nvidia-smi", "sysfs", "sysctl", "DXGI"
  std::optional<Bytes> total_bytes;   ///< what the driver reports; for a unified device, all it could address
  std::optional<Bytes> free_bytes;    ///< of it, now
  std::optional<Bytes> carved_bytes;  ///< unified: set aside for the GPU by the firmware, not part of system memory
  std::optional<std::uint32_t> gpu_cores;
  std::string catalog_id;  ///< empty when the catalog does not know it
  bool used = false;       ///< by `--gpu auto`
  std::string why_unused;
};

struct DetectedCpu {
  std::string name;  ///< as the processor says it
  std::string catalog_id;
  std::optional<std::uint32_t> sockets, cores, threads;
};

struct DetectedMemory {
  std::optional<Bytes> total_bytes;      ///< as the operating system sees it
  std::optional<Bytes> available_bytes;  ///< now, within the limit
  std::optional<Bytes> limit_bytes;      ///< of the control group (container), when below the total
  std::string type;                      ///< "DDR5", "LPDDR5"
  std::optional<std::uint32_t> megatransfers_per_s;
  std::optional<std::uint32_t> modules;
};

struct DetectedMachine {
  OperatingSystem os = OperatingSystem::linux_os;
  std::string os_version;  ///< "6.8.0-45-generic", "15.1"
  std::string board;       ///< "Raspberry Pi 5 Model B Rev 1.0", "Mac15,9"
  bool wsl = false;
  std::string container;  ///< docker, podman, lxc, kubernetes, ..; empty = none seen
  std::vector<DetectedDevice> devices;
  DetectedCpu cpu;
  DetectedMemory memory;
  std::vector<std::string> unread;  ///< what could not be read, a sentence each
};

[[nodiscard]] DetectedMachine detect(ProbeSource& source);

/// The machine a request without one means, and what that rests on.
struct DetectedRequest {
  MachineRequest machine;
  std::vector<Assumption> assumptions;
};
[[nodiscard]] DetectedRequest request_for(const DetectedMachine& machine);

}  // namespace willitrun
