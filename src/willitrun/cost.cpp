#include "willitrun/cost.hpp"

namespace willitrun {
namespace {

constexpr double million = 1e6;
constexpr double joules_per_kwh = 3.6e6;
constexpr double seconds_per_day = 86'400;

/// Seconds of one token, of the share of tokens that is read and the rest that is written.
Range seconds_per_token(const CostInputs& in, double read_share) {
  const auto seconds = [&](double decode, double prefill) { return (1 - read_share) / decode + read_share / prefill; };
  const auto& d = in.decode_tokens_per_s;
  const auto& p = in.prefill_tokens_per_s;
  return {seconds(d.high, p.high), seconds(d.mid, p.mid), seconds(d.low, p.low)};
}

Range scaled(const Range& range, double factor) {
  return {range.low * factor, range.mid * factor, range.high * factor};
}

CostPerMillion per_million(const CostInputs& in, double read_share) {
  const auto seconds = scaled(seconds_per_token(in, read_share), million);
  CostPerMillion out;
  if (in.power_w) out.energy_kwh = scaled(seconds, *in.power_w / joules_per_kwh);
  if (out.energy_kwh && in.price_kwh) out.electricity = scaled(*out.energy_kwh, *in.price_kwh);
  if (in.price_hardware && in.years > 0)
    out.hardware = scaled(seconds, *in.price_hardware / (in.years * days_per_year * seconds_per_day * in.utilization));
  return out;
}

BreakEven break_even(const CostInputs& in, const CostPerMillion& mixed, double read_share) {
  BreakEven out;
  out.api_per_million = read_share * *in.api_input + (1 - read_share) * *in.api_output;
  out.own_per_million = mixed.electricity->mid;
  out.capacity_tokens_per_day = in.utilization * seconds_per_day / seconds_per_token(in, read_share).mid;
  const double saved_per_token = (out.api_per_million - out.own_per_million) / million;
  if (saved_per_token <= 0) {
    out.kind = BreakEven::Kind::power_alone_is_dearer;
    return out;
  }
  out.tokens_per_day = *in.price_hardware / (in.years * days_per_year) / saved_per_token;
  if (out.tokens_per_day > out.capacity_tokens_per_day) out.kind = BreakEven::Kind::beyond_capacity;
  out.months = *in.price_hardware / (out.capacity_tokens_per_day * saved_per_token) / days_per_month;
  return out;
}

}  // namespace

Cost cost_of(const CostInputs& in) {
  const double read_share = in.input_per_output / (1 + in.input_per_output);
  Cost out;
  out.written = per_million(in, 0);
  out.read = per_million(in, 1);
  out.mixed = per_million(in, read_share);
  const bool all_known =
      in.price_hardware && in.years > 0 && in.api_input && in.api_output && out.mixed.electricity.has_value();
  if (all_known) out.break_even = break_even(in, out.mixed, read_share);
  return out;
}

std::optional<double> design_power(const Machine& machine) {
  double sum = 0;
  for (const auto& device : machine.devices) {
    if (!device.spec.tdp_w) return std::nullopt;
    sum += *device.spec.tdp_w;
  }
  return sum > 0 ? std::optional(sum) : std::nullopt;
}

}  // namespace willitrun
