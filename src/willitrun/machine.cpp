#include "willitrun/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "willitrun/memory_rules.hpp"

namespace willitrun {
namespace {

using enum Backend;

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

Bytes reserve_bytes(const Reserve& reserve, Bytes memory) {
  switch (reserve.kind) {
    case Reserve::Kind::bytes: return reserve.bytes;
    case Reserve::Kind::percent: return static_cast<Bytes>(static_cast<double>(memory) * reserve.percent / 100);
    case Reserve::Kind::automatic: return 0;
  }
  return 0;
}

Bytes runtime_overhead(const MachineRequest& request, const DeviceSpec& spec, const Machine& machine, Bytes memory) {
  if (request.vllm) return vllm_rule().bytes;
  Bytes sum = 0;
  for (const auto& rule : runtime_rules(spec, machine.backend, machine.driver_os(), memory)) sum += rule.bytes;
  return sum;
}

/// What is asked of vLLM: its default, or all but the reserve on the device where that counts most.
double wanted_share(const Reserve& reserve, const std::vector<Device>& devices) {
  if (reserve.kind == Reserve::Kind::automatic) return vllm_share;
  double share = 1 - reserve.percent / 100;
  for (const auto& device : devices)
    if (reserve.kind == Reserve::Kind::bytes && device.driver_bytes > 0)
      share = std::min(share, 1 - static_cast<double>(reserve.bytes) / static_cast<double>(device.driver_bytes));
  return std::max(share, 0.0);
}

/// What the system leaves of memory that it shares with the GPU; NVIDIA's rule for the GPU has that in it.
Bytes pool_of(const MachineRequest& request, const Device& device) {
  if (device.spec.kind != DeviceKind::unified || device.spec.vendor == "nvidia") return device.visible_bytes;
  const auto left = device.memory_bytes - std::min(device.memory_bytes, system_rule(request.os).bytes);
  return std::min(left, request.ram_available.value_or(left));
}

Device make_device(const MachineRequest& request, const DeviceSpec& spec, std::size_t index, const Machine& machine) {
  Device device;
  device.id = fmt::format("gpu{}", index);
  device.spec = spec;
  if (request.bandwidth_gb_s) device.spec.bandwidth_gb_s = request.bandwidth_gb_s;
  const auto measured = index < request.measured.size() && !request.vram ? request.measured[index] : MeasuredMemory{};
  device.memory_bytes = request.vram ? *request.vram : measured.total.value_or(spec.memory_bytes);
  // A nameless device's memory is taken at its word.
  const bool nameless = spec.id.empty();
  const auto ruled =
      nameless ? device.memory_bytes : device.memory_bytes - driver_rule(spec, request.os, device.memory_bytes).bytes;
  device.visible_bytes = request.free_vram.value_or(measured.free.value_or(ruled));
  device.driver_bytes = nameless ? device.memory_bytes : reported_memory(spec, request.os, device.memory_bytes);
  device.pool_bytes = pool_of(request, device);
  device.overhead_bytes = request.overhead.value_or(runtime_overhead(request, spec, machine, device.memory_bytes));
  device.reserve_bytes = reserve_bytes(request.reserve, device.memory_bytes);
  return device;
}

void add_assumptions(const MachineRequest& request, Machine& machine) {
  if (machine.devices.empty()) return;
  const auto& first = machine.devices[0];
  auto& out = machine.assumptions;
  const bool settable = first.spec.vendor == "amd" && machine.os == OperatingSystem::linux_os;
  const bool ruled = !request.free_vram && (request.vram || request.measured.empty() || !request.measured[0].free);
  if (ruled && first.spec.vendor == "apple")
    out.push_back(
        {"working_set",
         fmt::format("macOS lets the GPU use {} of {} (its default up to version 15; sysctl iogpu.wired_limit_mb sets "
                     "another share, --free-vram states it)",
                     format_bytes(first.visible_bytes), format_bytes(first.memory_bytes))});
  else if (ruled && first.spec.kind == DeviceKind::unified && first.visible_bytes < first.memory_bytes)
    out.push_back({"shared_pool",
                   fmt::format("the GPU may use {} of {} shared memory (the driver's default; {}--free-vram states {})",
                               format_bytes(first.visible_bytes), format_bytes(first.memory_bytes),
                               settable ? "the kernel's ttm.pages_limit sets another share, " : "",
                               settable ? "it" : "another share")});
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

void claim_share(Machine& machine, double share) {
  constexpr double rounding = 1e-9;  // 0.95 x 100 is 95 and not 94
  for (const auto& d : machine.devices)
    if (d.driver_bytes > 0)
      share = std::min(share, static_cast<double>(d.visible_bytes) / static_cast<double>(d.driver_bytes));
  share = std::floor(share * 100 + rounding) / 100;
  machine.share = share;
  for (auto& d : machine.devices) {
    const auto claimed = static_cast<Bytes>(share * static_cast<double>(d.driver_bytes));
    d.reserve_bytes = d.visible_bytes - std::min(d.visible_bytes, claimed);
  }
}

bool is_laptop(const DeviceSpec& device) {
  std::string_view name = device.name;
  for (const auto* word : {"Laptop", "Mobile", "with Max-Q Design"})  // the RTX PRO 6000 Max-Q is a desktop card
    if (name.find(word) != name.npos) return true;
  // "GeForce MX450", "GeForce GTX 980M", "Arc A770M", "Radeon RX 7700S"; no desktop card's last digit is followed so.
  for (std::size_t at = 0; at < name.size();) {
    const auto end = std::min(name.find(' ', at), name.size());
    const auto word = name.substr(at, end - at);
    at = end + 1;
    const auto digits = std::count_if(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
    const bool suffixed = word.ends_with('M') || (word.ends_with('S') && device.vendor == "amd");
    if (digits >= 3 && (suffixed || word.starts_with("MX"))) return true;
  }
  return false;
}

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

Backend usual_backend(const std::vector<DeviceSpec>& devices, OperatingSystem os) {
  if (devices.empty()) return cpu;
  const auto& vendor = devices[0].vendor;
  const bool mixed = std::any_of(devices.begin(), devices.end(), [&](const auto& d) { return d.vendor != vendor; });
  return mixed ? vulkan : usual_backend(vendor, os);
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
  machine.wsl = request.wsl;
  if (request.reserve.kind == Reserve::Kind::percent) machine.reserve_share = request.reserve.percent / 100;
  machine.backend =
      request.devices.empty() ? cpu : request.backend.value_or(usual_backend(request.devices, request.os));
  for (std::size_t i = 0; i < request.devices.size(); ++i)
    machine.devices.push_back(make_device(request, request.devices[i], i, machine));
  if (request.vllm && !machine.devices.empty()) claim_share(machine, wanted_share(request.reserve, machine.devices));
  machine.host.name = request.host_name;
  if (!machine.unified()) machine.host.memory_bytes = request.ram;  // a pool counts once
  machine.host.reserve_bytes = request.reserve.kind == Reserve::Kind::automatic || !request.devices.empty()
                                   ? system_rule(request.os).bytes
                                   : reserve_bytes(request.reserve, request.ram.value_or(0));
  if (machine.host.memory_bytes && request.ram_available) {
    // What is available now leaves out what the system and everything else holds.
    const auto asked = request.devices.empty() ? reserve_bytes(request.reserve, *request.ram) : 0;
    machine.host.reserve_bytes = *request.ram - std::min(*request.ram, *request.ram_available) + asked;
  }
  machine.host.bandwidth_gb_s = request.ram_bandwidth_gb_s;
  machine.host.disk_gb_s = request.disk_gb_s;
  machine.host.cpu = request.cpu;
  add_assumptions(request, machine);
  return machine;
}

}  // namespace willitrun
