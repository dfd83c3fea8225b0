// Machines: accelerators, system memory, and how much of each a model may use.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/units.hpp"

namespace willitrun {

enum class DeviceKind : std::uint8_t { discrete, unified };

/// One accelerator as the catalog knows it. Unknown figures are empty, never guessed.
struct DeviceSpec {
  std::string id;            ///< "rtx3060-12gb"
  std::string name;          ///< "GeForce RTX 3060 12 GB"
  std::string product;       ///< variants of one product share it
  std::string vendor;        ///< nvidia, amd, intel, apple, other
  std::string architecture;  ///< "Ampere", "RDNA3", "M3"
  DeviceKind kind = DeviceKind::discrete;
  Bytes memory_bytes = 0;
  std::optional<double> bandwidth_gb_s;      ///< 10^9 bytes per second, theoretical
  std::optional<double> fp16_matrix_tflops;  ///< dense, with fp32 accumulation
  std::optional<double> fp16_tflops;         ///< outside matrix units
  std::optional<double> fp32_tflops;
  std::optional<std::uint32_t> compute_units;  ///< SMs, CUs, Xe cores, GPU cores
  std::optional<double> pcie_gb_s;             ///< one direction
  std::string memory_type;                     ///< "GDDR6X", "LPDDR5X-8000"
  std::optional<std::uint32_t> bus_width_bits;
  std::string compute_capability;  ///< CUDA, "8.6"
  std::optional<double> tdp_w;
  std::optional<std::uint32_t> release_year;
  std::optional<double> msrp_usd;  ///< at launch
  std::string source;              ///< "what: where; ..." per value
  std::string note;                ///< how sources that differ were settled
};

/// A processor or a platform with the system memory it runs from. Unknown figures are empty, never guessed.
struct CpuSpec {
  std::string id;  ///< "ryzen-9-7950x3d", "epyc-genoa"
  std::string name;
  std::string memory_type;                        ///< "DDR5-5200"
  std::optional<std::uint32_t> channels;          ///< of 64 bits each
  std::optional<double> bandwidth_gb_s;           ///< theoretical, all channels filled
  std::optional<double> measured_bandwidth_gb_s;  ///< what a memory benchmark reached
  std::optional<std::uint32_t> cores;             ///< of all kinds
  std::optional<std::uint32_t> efficient_cores;   ///< of them, an x86 hybrid's slower ones
  std::optional<double> base_ghz, boost_ghz;      ///< of the faster cores
  std::string vector_extension;                   ///< "sse", "avx", "avx2", "avx512", "neon", "apple-amx"
  std::string source;
  std::string note;
};

/// Something the answer rests on that the user did not state.
struct Assumption {
  std::string code;
  std::string message;
};

struct Device {
  std::string id;  ///< gpu0, gpu1, ..
  DeviceSpec spec;
  Bytes memory_bytes = 0;    ///< capacity
  Bytes driver_bytes = 0;    ///< of it, what the driver reports in all
  Bytes visible_bytes = 0;   ///< what the driver reports free, or is stated free
  Bytes overhead_bytes = 0;  ///< taken by the runtime beyond its buffers
  Bytes reserve_bytes = 0;   ///< left alone
  Bytes pool_bytes = 0;      ///< unified: what the GPU's part and the processor's may take together
  /// visible minus reserve; weights, cache, compute and overhead must fit into it
  [[nodiscard]] Bytes usable_bytes() const { return less_reserve(visible_bytes); }
  /// The same of a shared pool, of which the GPU may have a limited share.
  [[nodiscard]] Bytes usable_pool() const { return less_reserve(std::max(pool_bytes, visible_bytes)); }

 private:
  [[nodiscard]] Bytes less_reserve(Bytes bytes) const { return bytes > reserve_bytes ? bytes - reserve_bytes : 0; }
};

struct Host {
  std::string name;
  std::optional<Bytes> memory_bytes;  ///< empty = not stated
  Bytes reserve_bytes = 0;
  std::optional<double> bandwidth_gb_s;  ///< as stated, else the processor's theoretical one
  std::optional<double> disk_gb_s;       ///< what the model file is read at; empty = not stated
  std::optional<CpuSpec> cpu;            ///< the processor, where it is known
  [[nodiscard]] std::optional<Bytes> usable_bytes() const {
    if (!memory_bytes) return std::nullopt;
    return *memory_bytes > reserve_bytes ? *memory_bytes - reserve_bytes : 0;
  }
};

enum class Backend : std::uint8_t { cuda, rocm, vulkan, metal, sycl, cpu };
enum class OperatingSystem : std::uint8_t { linux_os, windows, macos };

struct Machine {
  std::vector<Device> devices;  ///< empty = CPU only
  Host host;
  Backend backend = Backend::cuda;
  OperatingSystem os = OperatingSystem::linux_os;
  bool wsl = false;  ///< Linux under Windows
  /// vLLM's --gpu-memory-utilization, one for all devices, and the reserves' origin; empty = the engine claims nothing.
  std::optional<double> share;
  double reserve_share = 0;  ///< of a memory, where that is how the reserves were stated
  std::vector<Assumption> assumptions;
  /// Whose driver manages the devices' memory.
  [[nodiscard]] OperatingSystem driver_os() const { return wsl ? OperatingSystem::windows : os; }
  [[nodiscard]] bool unified() const { return devices.size() == 1 && devices[0].spec.kind == DeviceKind::unified; }
};

/// Where lies what is not the GPU's.
[[nodiscard]] inline std::string_view beside_gpu(const Machine& machine) {
  return machine.unified() ? "on the processor" : "in system memory";
}

}  // namespace willitrun
