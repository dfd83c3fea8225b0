// Figures as people read them: no more digits than an estimate carries. Every format for people takes them from here.
#pragma once

#include <string>

#include "willitrun/machine.hpp"
#include "willitrun/units.hpp"

namespace willitrun {

/// GiB without the unit: "0.28", "5.7", "120".
[[nodiscard]] std::string gib_text(Bytes bytes);

/// Two significant digits below 100, whole numbers above: "5.5", "55", "1,400".
[[nodiscard]] std::string speed_text(double value);

/// Two significant digits: "0.0016", "0.36", "12", "2,700".
[[nodiscard]] std::string seconds_text(double value);

/// "2x GeForce RTX 3090", "GeForce RTX 3090 + Tesla P40", or what is known of the host.
[[nodiscard]] std::string machine_text(const Machine& machine);

}  // namespace willitrun
