// Devices by PCI id: "10de:2504", with a revision "1002:744c:c8".
#pragma once

#include <optional>
#include <string_view>

#include "willitrun/catalog.hpp"

namespace willitrun {

/// Nothing when the text is no PCI id.
[[nodiscard]] std::optional<Result<Found<DeviceSpec>>> find_by_pci_id(std::string_view text);

}  // namespace willitrun
