// Detected names to catalog entries. The memory found tells variants of one product apart.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "willitrun/catalog.hpp"
#include "willitrun/detect_parse.hpp"

namespace willitrun {
namespace {

std::string without(std::string text, std::string_view part) {
  const auto at = text.find(part);
  if (at != std::string::npos) text.erase(at, part.size());
  return text;
}

/// The spellings to try, the most telling first.
std::vector<std::string> spellings(const DetectedDevice& device, const DetectedMachine& machine) {
  if (device.vendor == "apple" && device.gpu_cores)
    return {fmt::format("{} ({}-core GPU)", device.name, *device.gpu_cores), device.name};
  // A processor's name tells more than its graphics': "AMD RYZEN AI MAX+ 395 w/ Radeon 8060S".
  if (device.vendor == "amd" && device.kind == DeviceKind::unified) return {machine.cpu.name, device.name};
  if (device.name.starts_with("NVIDIA Jetson"))
    return {without(without(device.name, " Developer Kit"), " Engineering Reference")};
  return {device.name, device.pci_id};
}

std::vector<DeviceSpec> variants(const Found<DeviceSpec>& found) {
  std::vector<DeviceSpec> out{found.entry};
  for (const auto& id : found.other_variants)
    if (auto other = find_device(id)) out.push_back(std::move(other->entry));
  return out;
}

/// How far a variant is from what was found: other cores first, then other memory, then other memory chips, then
/// other cores than the product's usual ones.
std::array<double, 4> distance(const DeviceSpec& spec, const DetectedDevice& device, const DetectedMachine& machine,
                               const DeviceSpec& usual) {
  const double cores = device.gpu_cores && spec.compute_units && *device.gpu_cores != *spec.compute_units ? 1 : 0;
  const auto memory = device.kind == DeviceKind::unified ? shared_pool(device, machine) : device.total_bytes;
  const double bytes = memory && spec.memory_bytes > 0
                           ? std::abs(std::log2(static_cast<double>(*memory) / static_cast<double>(spec.memory_bytes)))
                           : 0;
  const auto& type = machine.memory.type;
  const bool other_chips = device.kind == DeviceKind::unified && !type.empty() && !spec.memory_type.starts_with(type);
  return {cores, bytes, other_chips ? 1.0 : 0.0, spec.compute_units == usual.compute_units ? 0.0 : 1.0};
}

}  // namespace

std::optional<Bytes> shared_pool(const DetectedDevice& device, const DetectedMachine& machine) {
  const auto& total = machine.memory.total_bytes;
  return total ? checked_add(*total, device.carved_bytes.value_or(0)) : std::nullopt;
}

std::optional<DeviceSpec> catalog_device(const DetectedDevice& device, const DetectedMachine& machine) {
  for (const auto& name : spellings(device, machine)) {
    if (name.empty()) continue;
    const auto found = find_device(name);
    // A driver names one device: "2x" in its name would be a coincidence.
    if (!found || found->count != 1 || found->entry.vendor != device.vendor) continue;
    const auto all = variants(*found);
    const auto best = std::min_element(all.begin(), all.end(), [&](const DeviceSpec& a, const DeviceSpec& b) {
      return distance(a, device, machine, found->entry) < distance(b, device, machine, found->entry);
    });
    // A card is not a processor's graphics, whatever it is called. NVIDIA's are told by the catalog alone.
    if (device.vendor != "nvidia" && best->kind != device.kind) continue;
    return *best;
  }
  return std::nullopt;
}

}  // namespace willitrun
