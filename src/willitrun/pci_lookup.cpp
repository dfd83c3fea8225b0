#include "willitrun/pci_lookup.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "willitrun/pci_names.hpp"

namespace willitrun {
namespace {

struct PciId {
  std::uint32_t vendor = 0, device = 0;
  std::optional<std::uint32_t> revision;
};

/// Exactly so many hexadecimal digits at the front, taken off.
std::optional<std::uint32_t> take_hex(std::string_view& text, std::size_t digits) {
  std::uint32_t value = 0;
  if (text.size() < digits) return std::nullopt;
  const auto [end, code] = std::from_chars(text.data(), text.data() + digits, value, 16);
  if (code != std::errc() || end != text.data() + digits) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

std::optional<PciId> parse_id(std::string_view text) {
  PciId out;
  const auto vendor = take_hex(text, 4);
  if (!vendor || !text.starts_with(':')) return std::nullopt;
  text.remove_prefix(1);
  const auto device = take_hex(text, 4);
  if (!device) return std::nullopt;
  out.vendor = *vendor;
  out.device = *device;
  if (text.empty()) return out;
  if (!text.starts_with(':')) return std::nullopt;
  text.remove_prefix(1);
  out.revision = take_hex(text, 2);
  return out.revision && text.empty() ? std::optional(out) : std::nullopt;
}

}  // namespace

std::optional<Result<Found<DeviceSpec>>> find_by_pci_id(std::string_view text) {
  const auto id = parse_id(text);
  if (!id) return std::nullopt;
  const auto names = pci_names(id->vendor, id->device, id->revision);
  if (names.empty())
    return Error{"unknown_gpu", fmt::format("unknown GPU '{}': no device is listed under this PCI id; name it", text)};
  std::vector<Found<DeviceSpec>> found;
  for (const auto name : names) {
    auto device = find_device(name);
    const auto same = [&](const Found<DeviceSpec>& have) { return device && have.entry.id == device->entry.id; };
    if (device && std::none_of(found.begin(), found.end(), same)) found.push_back(*std::move(device));
  }
  const auto list = fmt::format("{}", fmt::join(names, ", "));
  if (found.empty())
    return Error{"unknown_gpu", fmt::format("GPU '{}': {} is not in the catalog; give --vram instead", text, list)};
  if (found.size() == 1) return std::move(found[0]);
  Error error{"ambiguous_gpu", fmt::format("GPU '{}' could be any of {}; name one or add the revision, such as {}:c8",
                                           text, list, text)};
  for (const auto& device : found) error.suggestions.push_back(device.entry.id);
  return error;
}

}  // namespace willitrun
