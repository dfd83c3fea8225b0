#include "willitrun/detect.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "willitrun/catalog.hpp"
#include "willitrun/detect_parse.hpp"

namespace willitrun {
namespace {

/// Tegra boards: the board's name tells more than the driver's ("Orin (nvgpu)", "NVIDIA Thor"), which seldom tells
/// the memory either.
void detect_jetson(DetectedMachine& machine) {
  if (!machine.board.starts_with("NVIDIA Jetson")) return;
  auto& devices = machine.devices;
  devices.erase(std::remove_if(devices.begin(), devices.end(),
                               [](const DetectedDevice& d) {
                                 return d.vendor == "nvidia" &&
                                        (!d.total_bytes || d.name.find("nvgpu") != std::string::npos ||
                                         d.name.find("Thor") != std::string::npos);
                               }),
                devices.end());
  DetectedDevice device;
  device.name = machine.board;
  device.vendor = "nvidia";
  device.kind = DeviceKind::unified;
  device.driver = "nvgpu";
  device.read_from = "device tree";
  devices.push_back(std::move(device));
}

void find_in_catalog(DetectedMachine& machine) {
  for (auto& device : machine.devices) {
    const auto spec = catalog_device(device, machine);
    if (!spec) continue;
    device.catalog_id = spec->id;
    device.kind = spec->kind;
  }
  if (machine.cpu.name.empty()) return;
  if (const auto cpu = find_cpu(machine.cpu.name)) machine.cpu.catalog_id = cpu->id;
  // A board's processor may have no name of its own: "Raspberry Pi 5 Model B Rev 1.0".
  const auto board = machine.board.substr(0, machine.board.find(" Model "));
  if (machine.cpu.catalog_id.empty() && board.starts_with("Raspberry Pi"))
    if (const auto cpu = find_cpu(board)) machine.cpu.catalog_id = cpu->id;
}

/// NVIDIA's unified devices take what system memory has available.
void share_system_memory(DetectedMachine& machine) {
  for (auto& device : machine.devices) {
    if (device.vendor != "nvidia" || device.kind != DeviceKind::unified || device.total_bytes) continue;
    device.total_bytes = machine.memory.limit_bytes ? machine.memory.limit_bytes : machine.memory.total_bytes;
    device.free_bytes = machine.memory.available_bytes;
  }
}

/// Why a device cannot run a model as things are; empty when it can.
std::string obstacle(const DetectedDevice& device) {
  if (device.driver.starts_with("vfio")) return "it is handed to a virtual machine (vfio)";
  if (device.driver.empty()) return "no driver is bound to it";
  if (device.driver == "nouveau" || device.driver == "simpledrm") return fmt::format("its driver is {}", device.driver);
  if (device.vendor == "nvidia" && device.read_from == "sysfs")
    return "NVIDIA's library and nvidia-smi do not answer; in a container, pass the GPU on (--gpus all)";
  if (device.kind == DeviceKind::unified || device.total_bytes || !device.catalog_id.empty()) return {};
  return "its memory could not be read and the catalog does not know it";
}

Bytes weight(const DetectedDevice& device) { return device.total_bytes.value_or(1); }

/// Cards of one vendor (one backend drives them), or else graphics that share the processor's memory.
void choose_devices(DetectedMachine& machine) {
  const DetectedDevice* best = nullptr;
  for (auto& device : machine.devices) {
    device.why_unused = obstacle(device);
    if (!device.why_unused.empty()) continue;
    const bool better = best == nullptr || (best->kind == DeviceKind::unified && device.kind == DeviceKind::discrete) ||
                        (best->kind == device.kind && weight(device) > weight(*best));
    if (better) best = &device;
  }
  if (best == nullptr) return;
  const auto vendor = best->vendor;
  const bool shared = best->kind == DeviceKind::unified;
  for (auto& device : machine.devices) {
    if (!device.why_unused.empty()) continue;
    if (device.kind == DeviceKind::unified && !shared)
      device.why_unused = "processor graphics next to a card";
    else if (device.vendor != vendor)
      device.why_unused = "another vendor's: a backend drives the cards of one";
    else if (shared && &device != best)
      device.why_unused = "another shares the same memory";
    else if (shared && device.catalog_id.empty())
      device.why_unused = "processor graphics the catalog does not know";
    else
      device.used = true;
  }
}

void note_unread(DetectedMachine& machine) {
  auto& out = machine.unread;
  for (const auto& device : machine.devices) {
    if (!device.used) continue;
    if (!device.total_bytes)
      out.push_back(fmt::format("the memory of {}: its driver does not tell", device.name));
    else if (!device.free_bytes)
      out.push_back(fmt::format("the free memory of {}", device.name));
    if (device.catalog_id.empty())
      out.push_back(fmt::format("the bandwidth of {}: the catalog does not know it", device.name));
    if (device.vendor == "apple" && !device.gpu_cores) out.push_back("the number of GPU cores");
  }
  if (machine.cpu.name.empty()) out.push_back("the processor's name");
  if (!machine.memory.total_bytes) out.push_back("the size of system memory");
}

std::string described(const DetectedDevice& device) {
  if (device.free_bytes && device.total_bytes)
    return fmt::format("{}, {} of {} free", device.name, format_bytes(*device.free_bytes),
                       format_bytes(*device.total_bytes));
  if (device.total_bytes) return fmt::format("{}, {}", device.name, format_bytes(*device.total_bytes));
  return fmt::format("{}, memory as in the catalog", device.name);
}

/// What the driver says, as the machine's rules take it. Windows' usual budget is part of the rules already.
MeasuredMemory measured(const DetectedDevice& device, const DetectedMachine& machine) {
  if (device.kind == DeviceKind::unified) return {shared_pool(device, machine), device.free_bytes};
  const bool idle_windows = device.read_from == "DXGI" && device.free_bytes && device.total_bytes &&
                            *device.free_bytes >= *device.total_bytes / 10 * 9;
  return {device.total_bytes, idle_windows ? std::nullopt : device.free_bytes};
}

DeviceSpec spec_of(const DetectedDevice& device, const DetectedMachine& machine) {
  if (auto spec = catalog_device(device, machine)) return *std::move(spec);
  DeviceSpec spec;
  spec.name = device.name;
  spec.vendor = device.vendor;
  spec.kind = device.kind;
  spec.memory_bytes = device.total_bytes.value_or(0);
  return spec;
}

/// As the catalog knows it, with the cores that are here: a virtual machine has fewer. Of several sockets one counts,
/// as its memory does.
std::optional<CpuSpec> processor_of(const DetectedCpu& cpu) {
  CpuSpec out;
  if (const auto known = find_cpu(cpu.catalog_id); known && !cpu.catalog_id.empty()) out = *known;
  if (cpu.cores) out.cores = std::max(1U, *cpu.cores / std::max(1U, cpu.sockets.value_or(1)));
  if (out.id.empty() && !out.cores) return std::nullopt;
  if (out.name.empty()) out.name = cpu.name;
  return out;
}

void add_host(const DetectedMachine& machine, DetectedRequest& out) {
  auto& request = out.machine;
  request.host_name = machine.cpu.name;
  request.cpu = processor_of(machine.cpu);
  if (request.cpu) request.ram_bandwidth_gb_s = request.cpu->bandwidth_gb_s;
  const auto& memory = machine.memory;
  // One pool is counted once: a unified device holds what the host would.
  const bool unified = request.devices.size() == 1 && request.devices[0].kind == DeviceKind::unified;
  const auto total = memory.limit_bytes ? memory.limit_bytes : memory.total_bytes;
  if (!unified) request.ram = total;
  request.ram_available = memory.available_bytes;
  std::string text = machine.cpu.name.empty() ? "an unnamed processor" : machine.cpu.name;
  if (total && memory.available_bytes)
    text += fmt::format(", {} of {} memory available", format_bytes(*memory.available_bytes), format_bytes(*total));
  else if (total)
    text += fmt::format(", {} memory", format_bytes(*total));
  out.assumptions.push_back({"detected_host", "this computer's processor: " + text});
  if (memory.limit_bytes)
    out.assumptions.push_back(
        {"memory_limit",
         fmt::format("this {} may use {} of {} memory", machine.container.empty() ? "control group" : "container",
                     format_bytes(*memory.limit_bytes), format_bytes(memory.total_bytes.value_or(0)))});
}

}  // namespace

DetectedMachine detect(ProbeSource& source) {
  DetectedMachine machine;
  machine.os = source.os();
  if (machine.os != OperatingSystem::macos) detect_nvidia(source, machine);
  if (machine.os == OperatingSystem::linux_os) detect_linux(source, machine);
  if (machine.os == OperatingSystem::macos) detect_macos(source, machine);
  if (machine.os == OperatingSystem::windows) detect_windows(source, machine);
  if (machine.os == OperatingSystem::linux_os) {
    detect_pci(source, machine);
    detect_jetson(machine);
  }
  if (machine.os != OperatingSystem::macos) detect_memory_modules(source, machine);
  find_in_catalog(machine);
  share_system_memory(machine);
  choose_devices(machine);
  note_unread(machine);
  return machine;
}

DetectedRequest request_for(const DetectedMachine& machine) {
  DetectedRequest out;
  out.machine.os = machine.os;
  out.machine.wsl = machine.wsl;
  std::vector<std::pair<std::string, unsigned>> found;  // equal devices once
  for (const auto& device : machine.devices) {
    if (!device.used) {
      out.assumptions.push_back({"unused_device", fmt::format("not used: {} ({})", device.name, device.why_unused)});
      continue;
    }
    out.machine.devices.push_back(spec_of(device, machine));
    out.machine.measured.push_back(measured(device, machine));
    const auto text = described(device);
    if (found.empty() || found.back().first != text) found.emplace_back(text, 0);
    ++found.back().second;
  }
  for (const auto& [text, count] : found) {
    const auto times = count > 1 ? fmt::format("{} x ", count) : std::string();
    out.assumptions.push_back({"detected_device", fmt::format("this computer's {}{}", times, text)});
  }
  if (out.machine.devices.empty())
    out.assumptions.push_back({"no_gpu", "no GPU that could be used was found on this computer: the processor alone"});
  add_host(machine, out);
  return out;
}

}  // namespace willitrun
