// Accelerators that the catalog knows and no backend modelled here drives.
#pragma once

#include "willitrun/hardware.hpp"

namespace willitrun {

/// The first such device of the machine, or none.
[[nodiscard]] const Device* undriven_device(const Machine& machine);

}  // namespace willitrun
