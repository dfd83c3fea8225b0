// Energy and money per million tokens, from prices somebody gives. No price is assumed here.
#pragma once

#include <optional>

#include "willitrun/speed.hpp"

namespace willitrun {

/// What the machine does and what things cost, in one currency. Speeds are those of all users together.
struct CostInputs {
  Range decode_tokens_per_s;
  Range prefill_tokens_per_s;
  std::optional<double> power_w;  ///< while at work
  std::optional<double> price_kwh;
  std::optional<double> price_hardware;
  double years = 0;                  ///< the hardware is used; 0 = not stated
  double utilization = 1;            ///< share of the time at work
  double input_per_output = 0;       ///< tokens read for each written
  std::optional<double> api_input;   ///< per million tokens read
  std::optional<double> api_output;  ///< per million tokens written
};

/// Figures per million tokens. `low` is the cheapest, at the highest speed.
struct CostPerMillion {
  std::optional<Range> energy_kwh;
  std::optional<Range> electricity;
  std::optional<Range> hardware;  ///< at the utilization given
};

/// From when on owning is cheaper than an API, for a mix of tokens read and written.
struct BreakEven {
  enum class Kind : std::uint8_t {
    reached,
    power_alone_is_dearer,  ///< the electricity costs as much as the API or more
    beyond_capacity,        ///< the machine cannot make as many tokens
  } kind = Kind::reached;
  double api_per_million = 0;          ///< of mixed tokens
  double own_per_million = 0;          ///< electricity of mixed tokens
  double tokens_per_day = 0;           ///< from which on the hardware pays; 0 unless reached or beyond capacity
  double capacity_tokens_per_day = 0;  ///< of mixed tokens, at the utilization given
  std::optional<double> months;        ///< until the hardware is paid back at full capacity
};

struct Cost {
  CostPerMillion written, read, mixed;
  std::optional<BreakEven> break_even;  ///< where hardware, its years, electricity and API prices are all given
};

/// Seconds per token follow from the speeds; energy is power times them, hardware its price over the tokens of its
/// years. Reading and writing take turns.
[[nodiscard]] Cost cost_of(const CostInputs& inputs);

/// Power of a machine's devices at their thermal design power; empty where one is unknown or there is none.
[[nodiscard]] std::optional<double> design_power(const Machine& machine);

inline constexpr double days_per_year = 365.25;
inline constexpr double days_per_month = days_per_year / 12;

}  // namespace willitrun
