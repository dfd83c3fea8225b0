#include "willitrun/pci_names.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace willitrun {
namespace {

struct Codename {
  std::uint16_t device;
  std::string_view name;
};
/// pci.ids of August 2026, and the amdgpu driver's list of APUs.
constexpr std::array amd_processors{
    Codename{0x1114, "Krackan"},     Codename{0x13c0, "Granite Ridge"}, Codename{0x1435, "Sephiroth"},
    Codename{0x1506, "Mendocino"},   Codename{0x150e, "Strix"},         Codename{0x1586, "Strix Halo"},
    Codename{0x15bf, "Phoenix"},     Codename{0x15c8, "Phoenix2"},      Codename{0x15d8, "Picasso"},
    Codename{0x15dd, "Raven Ridge"}, Codename{0x15e7, "Barcelo"},       Codename{0x1636, "Renoir"},
    Codename{0x1638, "Cezanne"},     Codename{0x163f, "Van Gogh"},      Codename{0x164c, "Lucienne"},
    Codename{0x164d, "Rembrandt"},   Codename{0x164e, "Raphael"},       Codename{0x1681, "Rembrandt"},
    Codename{0x1900, "Hawk Point"},  Codename{0x1901, "Hawk Point2"},   Codename{0x1902, "Krackan2"},
    Codename{0x74a0, "MI300A"},      Codename{0x9874, "Carrizo"},       Codename{0x98e4, "Stoney"},
};

bool has_revision(std::string_view revisions, std::uint32_t revision) {
  constexpr std::string_view digits = "0123456789abcdef";
  const std::string wanted{digits[revision >> 4 & 15], digits[revision & 15]};
  for (std::size_t at = 0; at + 2 <= revisions.size(); at += 3)
    if (revisions.substr(at, 2) == wanted) return true;
  return revisions.empty();
}

}  // namespace

std::vector<std::string_view> pci_names(std::uint32_t vendor, std::uint32_t device,
                                        std::optional<std::uint32_t> revision) {
  std::span<const PciName> rows;
  if (vendor == 0x10de) rows = nvidia_pci_names();
  if (vendor == 0x1002) rows = amd_pci_names();
  if (vendor == 0x8086) rows = intel_pci_names();
  std::vector<std::string_view> out;
  for (const auto& row : rows)
    if (row.device == device && (!revision || has_revision(row.revisions, *revision)) &&
        std::find(out.begin(), out.end(), row.name) == out.end())
      out.push_back(row.name);
  return out;
}

std::string_view pci_name(std::uint32_t vendor, std::uint32_t device, std::uint32_t revision) {
  const auto names = pci_names(vendor, device, revision);
  return names.empty() ? std::string_view() : names.front();
}

std::string_view amd_processor_codename(std::uint32_t device) {
  const auto it = std::find_if(amd_processors.begin(), amd_processors.end(),
                               [&](const Codename& row) { return row.device == device; });
  return it == amd_processors.end() ? std::string_view() : it->name;
}

}  // namespace willitrun
