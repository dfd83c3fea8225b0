// NVML and nvidia-smi: the same columns from both.
#include <fmt/format.h>

#include <algorithm>

#include "willitrun/detect_parse.hpp"

namespace willitrun {
namespace {

const std::vector<std::string> command{
    "nvidia-smi", "--query-gpu=index,name,memory.total,memory.free,pci.bus_id,pci.device_id,driver_version",
    "--format=csv,noheader,nounits"};

/// "0x250410DE": device, then vendor.
std::string pci_id(std::string_view text) {
  const auto number = text.starts_with("0x") || text.starts_with("0X") ? hex_number(text.substr(2)) : std::nullopt;
  if (!number || *number > 0xffffffff) return {};
  return fmt::format("{:04x}:{:04x}", *number & 0xffff, *number >> 16);
}

std::optional<NvidiaDevice> parse_row(std::string_view line) {
  std::vector<std::string_view> fields;
  while (fields.size() < 7) {
    const auto comma = std::min(line.find(','), line.size());
    fields.push_back(trimmed_text(line.substr(0, comma)));
    if (comma == line.size()) break;
    line.remove_prefix(comma + 1);
  }
  if (fields.size() != 7 || !whole_number(fields[0])) return std::nullopt;
  NvidiaDevice out;
  out.name = clean_name(fields[1]);
  if (out.name.empty()) return std::nullopt;
  out.total_bytes = plausible_bytes(whole_number(fields[2]), mib);
  const auto free = whole_number(fields[3]);
  if (out.total_bytes && free && *free <= *out.total_bytes / mib) out.free_bytes = *free * mib;
  out.pci_address = pci_address(fields[4]);
  out.pci_id = pci_id(fields[5]);
  out.driver = clean_name(fields[6]);
  if (out.driver.starts_with('[')) out.driver.clear();  // "[N/A]"
  return out;
}

DetectedDevice device_of(const NvidiaDevice& row, std::string_view read_from) {
  DetectedDevice device;
  device.name = row.name;
  device.vendor = "nvidia";
  device.pci_address = row.pci_address;
  device.pci_id = row.pci_id;
  device.driver = row.driver.empty() ? "nvidia" : "nvidia " + row.driver;
  device.read_from = read_from;
  device.total_bytes = row.total_bytes;
  device.free_bytes = row.free_bytes;
  return device;
}

}  // namespace

std::string pci_address(std::string_view text) {
  // domain:bus:device.function; NVML writes eight digits for the domain, Linux four.
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon > 8 || text.size() != colon + 8 || text[colon + 3] != ':' ||
      text[colon + 6] != '.')
    return {};
  const auto domain = hex_number(text.substr(0, colon)), bus = hex_number(text.substr(colon + 1, 2)),
             slot = hex_number(text.substr(colon + 4, 2)), function = hex_number(text.substr(colon + 7, 1));
  if (!domain || !bus || !slot || !function) return {};
  return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", *domain, *bus, *slot, *function);
}

std::vector<NvidiaDevice> parse_nvidia_csv(std::string_view text) {
  constexpr std::size_t most_devices = 64;
  std::vector<NvidiaDevice> out;
  for (const auto line : lines_of(text))
    if (auto row = parse_row(line); row && out.size() < most_devices) out.push_back(std::move(*row));
  return out;
}

void detect_nvidia(ProbeSource& source, DetectedMachine& machine) {
  std::string_view read_from = "NVML";
  auto text = source.ask("nvml");
  auto rows = parse_nvidia_csv(text.value_or(""));
  if (rows.empty()) {
    read_from = "nvidia-smi";
    text = source.run(command);
    rows = parse_nvidia_csv(text.value_or(""));
    if (rows.empty() && text && !trimmed_text(*text).empty())
      machine.unread.push_back("nvidia-smi's answer could not be understood");
  }
  for (const auto& row : rows) {
    const bool seen = !row.pci_address.empty() &&
                      std::any_of(machine.devices.begin(), machine.devices.end(),
                                  [&](const DetectedDevice& have) { return have.pci_address == row.pci_address; });
    if (!seen) machine.devices.push_back(device_of(row, read_from));
  }
}

}  // namespace willitrun
