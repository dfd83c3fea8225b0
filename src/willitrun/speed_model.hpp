// The formula: seconds of one decoding step and of one prompt, from work and the speed of each place.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "willitrun/correction.hpp"
#include "willitrun/speed_calibration.hpp"
#include "willitrun/speed_work.hpp"

namespace willitrun {

/// System memory nobody described: between dual-channel DDR4-3200 (51) and DDR5-5600 (90).
inline constexpr double typical_host_gb_s = 70;
/// Of a processor whose cores nobody stated.
inline constexpr unsigned typical_cores = 8;

/// What one place can do.
struct PlaceSpeed {
  const SpeedRow* row = nullptr;
  bool borrowed = false;   ///< an accelerator whose architecture nobody measured: the row is another's
  double bandwidth = 0;    ///< bytes per second at most; 0 = unknown
  double readable = 0;     ///< bytes per second that weights are read at: bandwidth x share, for CPUs also by cores
  double peak = 0;         ///< floating-point operations per second at most; 0 = unknown
  double vector_rate = 0;  ///< operations per second on a few tokens at once, where that has kernels of its own
  bool hybrid = false;     ///< a processor with efficient cores
  double power = 1;        ///< watts per peak operation, relative to a usual card's
  double pcie = 0;         ///< bytes per second between host and this device
  std::optional<Factor> own_decode = {}, own_prefill = {};  ///< from the user's own measurements
  [[nodiscard]] double decode_factor() const { return own_decode ? own_decode->mid : 1; }
  [[nodiscard]] double prefill_factor() const { return own_prefill ? own_prefill->mid : 1; }
  [[nodiscard]] double p(SpeedParameter parameter) const { return row->p[parameter]; }
};

struct MachineSpeed {
  Engine engine = Engine::llama_cpp;
  std::vector<PlaceSpeed> places;  ///< one per device, then the host
  std::vector<std::string> notes;  ///< figures assumed
};

[[nodiscard]] MachineSpeed machine_speed(const Machine& machine, Engine engine, std::span<const SpeedRow> rows);
/// Again after the rows' parameters changed; for the fit.
void update_readable(const Machine& machine, MachineSpeed& speed);

/// Seconds by what they go into.
struct Seconds {
  double memory = 0, compute = 0, overhead = 0, pcie = 0, cpu = 0;
  [[nodiscard]] double total() const { return memory + compute + overhead + pcie + cpu; }
  [[nodiscard]] Limit limit() const;
  Seconds& operator+=(const Seconds& other);
};

/// The least that reading takes at full bandwidth; 0 where a bandwidth is assumed.
[[nodiscard]] double roofline_seconds(const SpeedWork& work, const MachineSpeed& speed, double sequences);

/// One token for each of `sequences`.
[[nodiscard]] Seconds decode_seconds(const SpeedWork& work, const MachineSpeed& speed, double sequences);
[[nodiscard]] Seconds prefill_seconds(const SpeedWork& work, const MachineSpeed& speed);

/// The first place that has work and lacks a figure needed for it, or none.
[[nodiscard]] const PlaceSpeed* missing_bandwidth(const SpeedWork& work, const MachineSpeed& speed);

}  // namespace willitrun
