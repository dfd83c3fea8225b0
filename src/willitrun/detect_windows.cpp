// Windows: DXGI adapters and a few "key: value" facts (version, cpu, cores, threads, memory_total, memory_available).
#include <fmt/format.h>

#include <algorithm>

#include "willitrun/detect_parse.hpp"
#include "willitrun/pci_names.hpp"

namespace willitrun {
namespace {

constexpr std::uint32_t nvidia = 0x10de, amd = 0x1002, intel = 0x8086, microsoft = 0x1414;

/// Windows gives processor graphics of Intel 128 MiB or so of their own; no card has so little.
constexpr Bytes least_card = gib;

bool is_integrated(const DxgiAdapter& adapter) {
  if (adapter.vendor == amd) return !amd_processor_codename(adapter.device).empty();
  return adapter.vendor == intel && adapter.dedicated_bytes.value_or(0) < least_card;
}

DetectedDevice device_of(const DxgiAdapter& adapter) {
  DetectedDevice device;
  device.name = adapter.name;
  device.vendor = adapter.vendor == nvidia  ? "nvidia"
                  : adapter.vendor == amd   ? "amd"
                  : adapter.vendor == intel ? "intel"
                                            : "other";
  device.pci_id = fmt::format("{:04x}:{:04x}", adapter.vendor, adapter.device);
  device.driver = "DXGI";
  device.read_from = "DXGI";
  device.total_bytes = adapter.dedicated_bytes;
  if (is_integrated(adapter)) {
    device.kind = DeviceKind::unified;
    device.carved_bytes = adapter.dedicated_bytes;
    device.total_bytes = adapter.dedicated_bytes.value_or(0) + adapter.shared_bytes.value_or(0);
  } else if (adapter.budget_bytes && adapter.used_bytes && adapter.dedicated_bytes) {
    const auto budget = std::min(*adapter.budget_bytes, *adapter.dedicated_bytes);
    device.free_bytes = budget - std::min(budget, *adapter.used_bytes);
  }
  return device;
}

}  // namespace

std::vector<DxgiAdapter> parse_dxgi(std::string_view text) {
  constexpr std::size_t most_adapters = 64;
  std::vector<DxgiAdapter> out;
  for (auto line : lines_of(text)) {
    std::vector<std::string_view> fields;
    for (auto comma = line.find(','); fields.size() < 8 && comma != std::string_view::npos; comma = line.find(',')) {
      fields.push_back(line.substr(0, comma));
      line.remove_prefix(comma + 1);
    }
    if (fields.size() != 8 || out.size() >= most_adapters) continue;
    const auto vendor = hex_number(fields[0]), device = hex_number(fields[1]), revision = hex_number(fields[2]);
    if (!vendor || !device || !revision || (*vendor | *device | *revision) > 0xffff) continue;
    const auto bytes = [&](std::size_t i) { return plausible_bytes(whole_number(fields[i]), 1); };
    DxgiAdapter adapter{clean_name(line),
                        static_cast<std::uint32_t>(*vendor),
                        static_cast<std::uint32_t>(*device),
                        static_cast<std::uint32_t>(*revision),
                        bytes(3),
                        bytes(4),
                        bytes(5),
                        {},
                        std::string(fields[7])};
    adapter.used_bytes = whole_number(fields[6]);
    if (!adapter.name.empty()) out.push_back(std::move(adapter));
  }
  return out;
}

void detect_windows(ProbeSource& source, DetectedMachine& machine) {
  const auto values = key_values(source.ask("windows").value_or(""), ':');
  const auto text = [&](std::string_view key) {
    const auto it = values.find(key);
    return it == values.end() ? std::string() : clean_name(it->second);
  };
  const auto count = [&](std::string_view key) {
    const auto number = whole_number(text(key));
    return number && *number > 0 && *number < 65536 ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
  };
  machine.os_version = text("version");
  machine.cpu = {text("cpu"), {}, count("sockets"), count("cores"), count("threads")};
  machine.memory.total_bytes = plausible_bytes(whole_number(text("memory_total")), 1);
  machine.memory.available_bytes = plausible_bytes(whole_number(text("memory_available")), 1);

  const bool has_nvml = !machine.devices.empty();
  std::vector<std::string> seen;
  for (const auto& adapter : parse_dxgi(source.ask("dxgi").value_or(""))) {
    if (adapter.vendor == microsoft || (adapter.vendor == nvidia && has_nvml)) continue;
    if (std::find(seen.begin(), seen.end(), adapter.location) != seen.end()) continue;
    seen.push_back(adapter.location);
    machine.devices.push_back(device_of(adapter));
  }
}

}  // namespace willitrun
