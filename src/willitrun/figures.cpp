#include "willitrun/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace willitrun {

std::string gib_text(Bytes bytes) {
  const auto value = static_cast<double>(bytes) / static_cast<double>(gib);
  return value < 0.995   ? fmt::format("{:.2f}", value)
         : value < 99.95 ? fmt::format("{:.1f}", value)
                         : fmt::format("{:.0f}", value);
}

std::string speed_text(double value) {
  if (value < 10) return fmt::format("{:.1f}", value);
  if (value < 100) return fmt::format("{:.0f}", value);
  const auto step = std::pow(10.0, std::floor(std::log10(value)) - 1);
  return format_grouped(static_cast<std::uint64_t>(std::round(value / step) * step));
}

std::string seconds_text(double value) { return value < 100 ? fmt::format("{:.2g}", value) : speed_text(value); }

std::string machine_text(const Machine& machine) {
  if (machine.devices.empty()) return machine.host.name.empty() ? "CPU" : machine.host.name;
  const auto& name = machine.devices[0].spec.name;
  const auto same =
      std::all_of(machine.devices.begin(), machine.devices.end(), [&](const Device& d) { return d.spec.name == name; });
  if (same) return machine.devices.size() == 1 ? name : fmt::format("{}x {}", machine.devices.size(), name);
  std::string out;
  for (const auto& d : machine.devices) out += (out.empty() ? "" : " + ") + d.spec.name;
  return out;
}

}  // namespace willitrun
