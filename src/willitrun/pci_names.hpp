// Names of graphics devices by PCI id, for drivers that do not say one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace willitrun {

struct PciName {
  std::uint16_t device;
  std::string_view revisions;  ///< two hexadecimal digits each, blank-separated; empty = any
  std::string_view name;
};

[[nodiscard]] std::span<const PciName> nvidia_pci_names();
[[nodiscard]] std::span<const PciName> amd_pci_names();
[[nodiscard]] std::span<const PciName> intel_pci_names();

/// Every name the device has, of the revision where one is given.
[[nodiscard]] std::vector<std::string_view> pci_names(std::uint32_t vendor, std::uint32_t device,
                                                      std::optional<std::uint32_t> revision);
/// "AMD Radeon RX 7900 XTX" for 1002:744c revision c8; empty when not listed.
[[nodiscard]] std::string_view pci_name(std::uint32_t vendor, std::uint32_t device, std::uint32_t revision);

/// A graphics unit that is part of the processor, by AMD's device ids; empty = a card. Intel's sit at 00:02.0.
[[nodiscard]] std::string_view amd_processor_codename(std::uint32_t device);

}  // namespace willitrun
