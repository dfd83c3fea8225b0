#include "willitrun/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace willitrun {
namespace {

using enum Backend;

/// Memory the driver keeps from what is printed on the box, in MiB. Measured as nominal minus reported total in public
/// llama.cpp logs (220 rows, about 80 GPUs); the spread is in data/README.md. First row that matches counts.
struct DriverRow {
  std::string_view vendor, architecture;  // empty = any
  Bytes min_memory;                       // of the device
  std::uint32_t mib_kept;
};
constexpr std::array driver_linux{
    DriverRow{"nvidia", "Maxwell", 0, 80},  // 62-102 on Pascal and older
    DriverRow{"nvidia", "Pascal", 0, 80},
    DriverRow{"nvidia", "Volta", 0, 270},              // V100 267
    DriverRow{"nvidia", "Hopper", 0, 820},             // H100 819
    DriverRow{"nvidia", "Blackwell", 90 * gib, 1040},  // PRO 6000 1016-1057
    DriverRow{"nvidia", "Blackwell", 30 * gib, 615},   // RTX 5090 614
    DriverRow{"nvidia", "Blackwell", 0, 540},          // 534-543 (5060 Ti, 5070 Ti)
    DriverRow{"nvidia", "Ampere", 60 * gib, 720},      // A800 717
    DriverRow{"nvidia", "", 0, 415},                   // Turing to Ada: 307-499, median 415
    DriverRow{"amd", "", 0, 16},                       // ROCm: 16 (RX 9070 XT 80)
    DriverRow{"intel", "", 0, 150},                    // Vulkan 102-210
};

/// Single-precision TFLOP/s of one streaming multiprocessor at its usual boost clock: lanes x 2 x GHz / 1000.
struct SmRow {
  std::string_view architecture;
  double tflops;
};
constexpr std::array sm_rows{
    SmRow{"Maxwell", 0.26}, SmRow{"Pascal", 0.43}, SmRow{"Volta", 0.19},  SmRow{"Turing", 0.22},
    SmRow{"Ampere", 0.45},  SmRow{"Ada", 0.64},    SmRow{"Hopper", 0.50}, SmRow{"Blackwell", 0.62},
};

/// macOS's default GPU working-set limit (recommendedMaxWorkingSetSize) as a share of memory: up to macOS 15, and from
/// macOS 26 on. Exact in every public log seen.
struct WorkingSetRow {
  Bytes up_to;
  double older, newer;
};
constexpr std::array working_set{
    WorkingSetRow{24 * gib, 2.0 / 3, 0.74}, WorkingSetRow{32 * gib, 2.0 / 3, 0.78}, WorkingSetRow{48 * gib, 0.75, 0.78},
    WorkingSetRow{64 * gib, 0.75, 0.81},    WorkingSetRow{UINT64_MAX, 0.75, 0.84},
};

Bytes driver_kept(const DeviceSpec& spec, Bytes memory) {
  for (const auto& row : driver_linux)
    if (row.vendor == spec.vendor && (row.architecture.empty() || spec.architecture.starts_with(row.architecture)) &&
        memory >= row.min_memory)
      return row.mib_kept * mib;
  return 0;
}

double multiprocessors(const DeviceSpec& spec) {
  if (spec.compute_units) return *spec.compute_units;
  for (const auto& row : sm_rows)
    if (spec.architecture.starts_with(row.architecture) && spec.fp32_tflops) return *spec.fp32_tflops / row.tflops;
  return 60;  // between an RTX 4070 (46) and an RTX 3080 (68)
}

double gibibytes(Bytes bytes) { return static_cast<double>(bytes) / static_cast<double>(gib); }

Bytes mebibytes(double value) { return static_cast<Bytes>(value) * mib; }

/// What the runtime takes beyond its buffers: context and libraries when it opens the device, and growth while it
/// runs. CUDA's context grows with the multiprocessors (fit over 18 cards: 53 + 2.96 MiB each, +-40).
Bytes runtime_overhead(const DeviceSpec& spec, Backend backend, OperatingSystem os, Bytes memory) {
  constexpr double growth = 150;  // median of public runs; 90th percentile 300
  switch (backend) {
    case cuda:
      // Windows and WSL2 keep about 900 MiB and 18 MiB a GiB for the display driver and the context, +-250.
      return os == OperatingSystem::windows ? mebibytes(900 + 18 * gibibytes(memory) + growth)
                                            : mebibytes(50 + 3 * multiprocessors(spec) + growth);
    case rocm: return mebibytes(250);  // 164-254, few points
    case vulkan:
      // Windows' budget is 95 % of the heap, always; Linux RADV grows by 200-350.
      return os == OperatingSystem::windows ? static_cast<Bytes>(static_cast<double>(memory) * 0.05) + mebibytes(330)
                                            : mebibytes(300);
    case sycl: return mebibytes(700);  // Arc: 512-769 taken before the model
    case metal:                        // unaccounted 0 in four of five exit tables
    case cpu: return 0;
  }
  return 0;
}

/// What the driver offers of a device's memory.
Bytes visible_memory(const DeviceSpec& spec, OperatingSystem os, Bytes memory) {
  if (spec.kind == DeviceKind::unified) {
    if (spec.vendor == "apple") return apple_working_set(memory, 15);
    // GB10: 117,434 of 131,072 MiB free on an idle machine; other shared pools: GTT is half of memory by default.
    if (spec.vendor == "nvidia") return static_cast<Bytes>(static_cast<double>(memory) * 0.896);
    return memory / 2;
  }
  if (os == OperatingSystem::windows) return memory;
  return memory - std::min(memory, driver_kept(spec, memory));
}

Bytes reserve_bytes(const Reserve& reserve, Bytes memory) {
  switch (reserve.kind) {
    case Reserve::Kind::bytes: return reserve.bytes;
    case Reserve::Kind::percent: return static_cast<Bytes>(static_cast<double>(memory) * reserve.percent / 100);
    case Reserve::Kind::automatic: return 0;
  }
  return 0;
}

/// System memory the operating system keeps: Windows 11 asks for 4 GB of its own, Ubuntu Server for 1 GB (their
/// published system requirements).
Bytes system_reserve(OperatingSystem os) { return os == OperatingSystem::linux_os ? gib : 4 * gib; }

Device make_device(const MachineRequest& request, const DeviceSpec& spec, std::size_t index, Backend backend) {
  Device device;
  device.id = fmt::format("gpu{}", index);
  device.spec = spec;
  if (request.bandwidth_gb_s) device.spec.bandwidth_gb_s = request.bandwidth_gb_s;
  const auto measured = index < request.measured.size() && !request.vram ? request.measured[index] : MeasuredMemory{};
  device.memory_bytes = request.vram ? *request.vram : measured.total.value_or(spec.memory_bytes);
  // A nameless device's memory is taken at its word.
  const bool nameless = spec.id.empty();
  device.visible_bytes = request.free_vram ? *request.free_vram
                         : measured.free   ? *measured.free
                         : nameless        ? device.memory_bytes
                                           : visible_memory(spec, request.os, device.memory_bytes);
  const auto driver_os = request.wsl ? OperatingSystem::windows : request.os;
  device.overhead_bytes =
      request.overhead ? *request.overhead : runtime_overhead(spec, backend, driver_os, device.memory_bytes);
  device.reserve_bytes = reserve_bytes(request.reserve, device.memory_bytes);
  return device;
}

void add_assumptions(const MachineRequest& request, Machine& machine) {
  if (machine.devices.empty()) return;
  const auto& first = machine.devices[0];
  auto& out = machine.assumptions;
  const bool ruled = !request.free_vram && (request.vram || request.measured.empty() || !request.measured[0].free);
  if (ruled && first.spec.vendor == "apple")
    out.push_back({"working_set", fmt::format("macOS lets the GPU use {} of {} (its default up to version 15)",
                                              format_bytes(first.visible_bytes), format_bytes(first.memory_bytes))});
  else if (ruled && first.spec.kind == DeviceKind::unified && first.visible_bytes < first.memory_bytes)
    out.push_back({"shared_pool", fmt::format("the GPU may use {} of {} shared memory (the driver's default)",
                                              format_bytes(first.visible_bytes), format_bytes(first.memory_bytes))});
  else if (ruled && !first.spec.id.empty())
    out.push_back({"idle_device", machine.os == OperatingSystem::windows
                                      ? "Windows with its desktop on this card"
                                      : fmt::format("{} without a desktop on this card", name_of(machine.os))});
  if (!request.backend) out.push_back({"backend", fmt::format("llama.cpp's {} backend", name_of(machine.backend))});
  if (!request.overhead && first.overhead_bytes > 0)
    out.push_back({"runtime_overhead",
                   fmt::format("the runtime takes {} beyond its buffers", format_bytes(first.overhead_bytes))});
}

}  // namespace

Bytes apple_working_set(Bytes memory, unsigned macos_version) {
  const auto row = std::find_if(working_set.begin(), working_set.end() - 1,
                                [&](const WorkingSetRow& r) { return memory <= r.up_to; });
  return static_cast<Bytes>(static_cast<double>(memory) * (macos_version >= 26 ? row->newer : row->older));
}

Backend usual_backend(const std::string& vendor, OperatingSystem os) {
  if (vendor == "nvidia") return cuda;
  if (vendor == "apple") return metal;
  if (vendor == "amd") return os == OperatingSystem::linux_os ? rocm : vulkan;
  if (vendor == "intel") return vulkan;
  return vendor.empty() ? cuda : vulkan;
}

std::string_view name_of(Backend backend) {
  constexpr std::array<std::string_view, 6> names{"cuda", "rocm", "vulkan", "metal", "sycl", "cpu"};
  return names[static_cast<std::size_t>(backend)];
}

std::string_view name_of(OperatingSystem os) {
  constexpr std::array<std::string_view, 3> names{"Linux", "Windows", "macOS"};
  return names[static_cast<std::size_t>(os)];
}

Machine assemble_machine(const MachineRequest& request) {
  Machine machine;
  machine.os = request.os;
  machine.backend = request.devices.empty() ? cpu
                    : request.backend       ? *request.backend
                                            : usual_backend(request.devices[0].vendor, request.os);
  for (std::size_t i = 0; i < request.devices.size(); ++i)
    machine.devices.push_back(make_device(request, request.devices[i], i, machine.backend));
  machine.host.name = request.host_name;
  machine.host.memory_bytes = request.ram;
  machine.host.reserve_bytes = request.reserve.kind == Reserve::Kind::automatic || !request.devices.empty()
                                   ? system_reserve(request.os)
                                   : reserve_bytes(request.reserve, request.ram.value_or(0));
  if (request.ram && request.ram_available) {
    // What is available now leaves out what the system and everything else holds.
    const auto asked = request.devices.empty() ? reserve_bytes(request.reserve, *request.ram) : 0;
    machine.host.reserve_bytes = *request.ram - std::min(*request.ram, *request.ram_available) + asked;
  }
  machine.host.bandwidth_gb_s = request.ram_bandwidth_gb_s;
  machine.host.cpu = request.cpu;
  add_assumptions(request, machine);
  return machine;
}

}  // namespace willitrun
