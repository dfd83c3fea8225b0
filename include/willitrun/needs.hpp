// Which devices run a model as required: the cheapest, the smallest, the fastest, and those no other beats.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "willitrun/check.hpp"
#include "willitrun/machine.hpp"
#include "willitrun/outcome.hpp"

namespace willitrun {

enum class DeviceForm : std::uint8_t { discrete, laptop, unified };
[[nodiscard]] std::string_view name_of(DeviceForm form);
[[nodiscard]] DeviceForm form_of(const DeviceSpec& device);

struct DeviceFilter {
  std::vector<std::string> vendors, forms;           ///< any of them; empty = all
  std::optional<double> max_price_usd, max_power_w;  ///< of all devices together; one unknown does not pass
  std::optional<std::uint32_t> since;                ///< least release year
  std::uint32_t max_count = 8;
};

struct NeedsRequest {
  CheckRequest question;  ///< the model and what is required; its machine is replaced
  MachineRequest host;    ///< everything but the devices
  DeviceFilter filter;
};

struct DeviceChoice {
  DeviceSpec device;
  std::uint32_t count = 1;
  Bytes memory_bytes = 0;  ///< of all together, likewise below
  std::optional<double> price_usd, power_w;
  Outcome outcome;
  bool unbeaten = false;
};

struct NeedsList {
  std::vector<DeviceChoice> choices;  ///< by price, unknown ones last, then by memory
  std::size_t n_device = 0;           ///< that passed the filter
  std::size_t n_unjudged = 0;         ///< of them, left out by a limit on a price or power that is not known
  std::size_t n_unknown = 0;          ///< of them, those for which a figure that was required is not known
  /// Index into `choices`; empty where there is none. The cheapest is among those with a price.
  std::optional<std::size_t> cheapest, smallest, fastest;
};

/// Each device of the catalog, alone or 2, 4 or 8 of it (laptops and shared memory only alone), in the smallest number
/// that meets the requirement. Devices whose memory depends on what is installed are left out.
[[nodiscard]] NeedsList find_devices(const NeedsRequest& request);

/// Whether `a` is no worse than `b` in price, memory, speed and power, and better in one. Nothing is compared where a
/// figure of `b` is unknown; one of `a` that is unknown where `b`'s is known may be worse, so that `a` does not beat.
[[nodiscard]] bool beats(const DeviceChoice& a, const DeviceChoice& b);

/// Marks the choices that no other beats.
void mark_unbeaten(std::vector<DeviceChoice>& choices);

}  // namespace willitrun
