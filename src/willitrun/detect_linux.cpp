// Linux: /proc, control groups, container marks, the PCI bus.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/detect_parse.hpp"
#include "willitrun/pci_names.hpp"

namespace willitrun {
namespace {

const std::string pci_root = "/sys/bus/pci/devices/";

/// What inactive file cache a group holds can be given back; memory.stat counts it.
Bytes reclaimable(const std::optional<std::string>& stat) {
  Bytes bytes = 0;
  if (!stat) return 0;
  for (const auto line : lines_of(*stat))
    for (const std::string_view key : {"inactive_file ", "total_inactive_file "})
      if (line.starts_with(key)) bytes = whole_number(line.substr(key.size())).value_or(0);
  return bytes;
}

/// The tightest limit of a group and those above it, and what is left of it.
void read_memory_group(ProbeSource& source, const std::string& root, const CgroupPath& group, DetectedMemory& memory) {
  const bool v1 = group.version == 1;
  auto path = group.path == "/" ? std::string() : group.path;
  for (int level = 0; level < 16; ++level) {
    const auto directory = root + path + "/";
    const auto text = source.read_file(directory + (v1 ? "memory.limit_in_bytes" : "memory.max"));
    const auto limit = text ? parse_memory_limit(*text) : std::nullopt;
    if (limit && (!memory.total_bytes || *limit < *memory.total_bytes) &&
        (!memory.limit_bytes || *limit < *memory.limit_bytes)) {
      memory.limit_bytes = limit;
      const auto usage = source.read_file(directory + (v1 ? "memory.usage_in_bytes" : "memory.current"));
      const auto used = usage ? whole_number(*usage) : std::nullopt;
      if (used) {
        const auto cache = reclaimable(source.read_file(directory + "memory.stat"));
        const auto held = std::min(*limit, *used - std::min(*used, cache));
        memory.available_bytes = std::min(memory.available_bytes.value_or(*limit), *limit - held);
      }
    }
    if (path.empty()) return;
    path.resize(path.rfind('/'));
  }
}

void detect_limit(ProbeSource& source, DetectedMemory& memory) {
  const auto text = source.read_file("/proc/self/cgroup");
  const auto group = parse_cgroup(text.value_or("")).value_or(CgroupPath{2, "/"});
  read_memory_group(source, group.version == 1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup", group, memory);
  if (memory.limit_bytes && memory.available_bytes)
    memory.available_bytes = std::min(*memory.available_bytes, *memory.limit_bytes);
}

struct Mark {
  std::string_view word, name;
};

std::string container_mark(ProbeSource& source) {
  if (source.list_dir("/var/run/secrets/kubernetes.io")) return "kubernetes";
  if (const auto name = source.read_file("/run/systemd/container")) return clean_name(*name);
  if (source.read_file("/run/.containerenv")) return "podman";
  if (source.read_file("/.dockerenv")) return "docker";
  constexpr std::array marks{Mark{"kubepods", "kubernetes"}, Mark{"docker", "docker"}, Mark{"libpod", "podman"},
                             Mark{"lxc", "lxc"}, Mark{"containerd", "containerd"}};
  const auto text = source.read_file("/proc/1/cgroup").value_or("");
  for (const auto& mark : marks)
    if (text.find(mark.word) != std::string::npos) return std::string(mark.name);
  return {};
}

std::optional<Bytes> sysfs_bytes(ProbeSource& source, const std::string& path) {
  const auto text = source.read_file(path);
  return text ? plausible_bytes(whole_number(*text), 1) : std::nullopt;
}

struct PciDevice {
  std::string address, driver;
  std::uint32_t vendor = 0, device = 0, revision = 0;
};

/// A display controller (class 03) or accelerator (1200) of a vendor whose devices run models.
std::optional<PciDevice> display_device(ProbeSource& source, std::string_view name) {
  PciDevice out;
  out.address = pci_address(name);
  if (out.address.empty()) return std::nullopt;
  const auto facts = key_values(source.read_file(pci_root + out.address + "/uevent").value_or(""), '=');
  const auto fact = [&](std::string_view key) {
    const auto it = facts.find(key);
    return it == facts.end() ? std::string() : it->second;
  };
  const auto pci_class = hex_number(fact("PCI_CLASS"));
  if (!pci_class || (*pci_class >> 16 != 0x03 && *pci_class >> 8 != 0x1200)) return std::nullopt;
  const auto id = fact("PCI_ID");
  const auto colon = std::min(id.find(':'), id.size());
  const auto vendor = hex_number(std::string_view(id).substr(0, colon));
  const auto device = hex_number(colon < id.size() ? std::string_view(id).substr(colon + 1) : std::string_view());
  if (!vendor || !device || *vendor > 0xffff || *device > 0xffff) return std::nullopt;
  if (*vendor != 0x10de && *vendor != 0x1002 && *vendor != 0x8086) return std::nullopt;
  out.vendor = static_cast<std::uint32_t>(*vendor);
  out.device = static_cast<std::uint32_t>(*device);
  out.driver = clean_name(fact("DRIVER"));
  const auto revision = source.read_file(pci_root + out.address + "/revision");
  out.revision = static_cast<std::uint32_t>(whole_number(revision.value_or("")).value_or(0) & 0xff);
  return out;
}

void read_amd(ProbeSource& source, const PciDevice& pci, DetectedDevice& device, const DetectedMemory& memory) {
  const auto directory = pci_root + pci.address + "/";
  const auto vram = sysfs_bytes(source, directory + "mem_info_vram_total");
  const auto vram_used = sysfs_bytes(source, directory + "mem_info_vram_used");
  if (!vram) return;
  const auto vram_free = *vram - std::min(*vram, vram_used.value_or(0));
  if (device.kind == DeviceKind::discrete) {
    device.total_bytes = vram;
    if (vram_used) device.free_bytes = vram_free;
    return;
  }
  device.carved_bytes = vram;
  const auto gtt = sysfs_bytes(source, directory + "mem_info_gtt_total").value_or(0);
  const auto gtt_used = sysfs_bytes(source, directory + "mem_info_gtt_used").value_or(0);
  device.total_bytes = *vram + gtt;
  const auto gtt_free = gtt - std::min(gtt, gtt_used);
  if (vram_used) device.free_bytes = vram_free + std::min(gtt_free, memory.available_bytes.value_or(gtt_free));
}

/// i915's and xe's files exist only in some of their versions.
void read_intel(ProbeSource& source, const PciDevice& pci, DetectedDevice& device) {
  if (device.kind == DeviceKind::unified) return;
  const auto directory = pci_root + pci.address + "/";
  Bytes tiles = 0;
  for (const auto* tile : {"tile0", "tile1"})
    tiles += sysfs_bytes(source, directory + tile + "/physical_vram_size_bytes").value_or(0);
  if (tiles > 0) device.total_bytes = tiles;
  const auto cards = source.list_dir(directory + "drm").value_or("");
  for (const auto card : lines_of(cards)) {
    if (!card.starts_with("card")) continue;
    const auto base = directory + "drm/" + std::string(card) + "/";
    if (const auto total = sysfs_bytes(source, base + "lmem_total_bytes")) device.total_bytes = total;
    const auto free = sysfs_bytes(source, base + "lmem_avail_bytes");
    if (free && device.total_bytes && *free <= *device.total_bytes) device.free_bytes = free;
  }
}

DetectedDevice device_of(const PciDevice& pci) {
  DetectedDevice device;
  device.pci_address = pci.address;
  device.pci_id = fmt::format("{:04x}:{:04x}", pci.vendor, pci.device);
  device.driver = pci.driver;
  device.read_from = "sysfs";
  device.vendor = pci.vendor == 0x10de ? "nvidia" : pci.vendor == 0x1002 ? "amd" : "intel";
  const auto codename = pci.vendor == 0x1002 ? amd_processor_codename(pci.device) : std::string_view();
  // Intel's processor graphics are function 0 of device 2 on the first bus, by design.
  if (!codename.empty() || (pci.vendor == 0x8086 && pci.address == "0000:00:02.0")) device.kind = DeviceKind::unified;
  device.name = pci_name(pci.vendor, pci.device, pci.revision);
  if (device.name.empty() && !codename.empty()) device.name = fmt::format("AMD Radeon Graphics ({})", codename);
  if (device.name.empty())
    device.name = fmt::format("{} GPU {}",
                              pci.vendor == 0x10de   ? "NVIDIA"
                              : pci.vendor == 0x1002 ? "AMD"
                                                     : "Intel",
                              device.pci_id);
  return device;
}

}  // namespace

void detect_pci(ProbeSource& source, DetectedMachine& machine) {
  constexpr std::size_t most_devices = 64;
  const auto names = source.list_dir("/sys/bus/pci/devices").value_or("");
  for (const auto name : lines_of(names)) {
    const auto pci = display_device(source, name);
    if (!pci || machine.devices.size() >= most_devices) continue;
    const auto known = std::find_if(machine.devices.begin(), machine.devices.end(),
                                    [&](const DetectedDevice& have) { return have.pci_address == pci->address; });
    if (known != machine.devices.end()) continue;
    auto device = device_of(*pci);
    if (pci->vendor == 0x1002) read_amd(source, *pci, device, machine.memory);
    if (pci->vendor == 0x8086) read_intel(source, *pci, device);
    machine.devices.push_back(std::move(device));
  }
}

void detect_linux(ProbeSource& source, DetectedMachine& machine) {
  const auto kernel = parse_kernel_version(source.read_file("/proc/version").value_or(""));
  machine.os_version = kernel.release;
  machine.wsl = kernel.wsl;
  const auto cpu = parse_cpuinfo(source.read_file("/proc/cpuinfo").value_or(""));
  machine.cpu = {cpu.name, {}, cpu.sockets, cpu.cores, cpu.threads};
  machine.board = cpu.model;
  for (const auto* path : {"/proc/device-tree/model", "/sys/devices/virtual/dmi/id/product_name"})
    if (machine.board.empty()) machine.board = clean_name(source.read_file(path).value_or(""));
  const auto memory = parse_meminfo(source.read_file("/proc/meminfo").value_or(""));
  machine.memory.total_bytes = memory.total;
  machine.memory.available_bytes = memory.available;
  detect_limit(source, machine.memory);
  machine.container = container_mark(source);
  if (machine.wsl)
    machine.unread.push_back("GPUs of other vendors than NVIDIA: WSL does not show them to Linux programs");
}

}  // namespace willitrun
