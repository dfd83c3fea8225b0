#include "willitrun/cost.hpp"

#include "support/catch.hpp"

using namespace willitrun;

namespace {

/// 50 tok/s written, 1000 read, 360 W: 0.36 kJ/s make 7.2 J a token written, 2 kWh a million.
CostInputs machine() {
  CostInputs in;
  in.decode_tokens_per_s = {25, 50, 100};
  in.prefill_tokens_per_s = {500, 1000, 2000};
  in.power_w = 360;
  return in;
}

}  // namespace

TEST_CASE("energy is power times the time a million tokens take") {
  const auto cost = cost_of(machine());
  REQUIRE(cost.written.energy_kwh);
  CHECK(cost.written.energy_kwh->mid == Approx(2.0));
  CHECK(cost.written.energy_kwh->low == Approx(1.0));
  CHECK(cost.written.energy_kwh->high == Approx(4.0));
  CHECK(cost.read.energy_kwh->mid == Approx(0.1));
  CHECK_FALSE(cost.written.electricity);
  CHECK_FALSE(cost.written.hardware);
  CHECK_FALSE(cost.break_even);
}

TEST_CASE("a mix reads so many tokens for each written") {
  auto in = machine();
  in.input_per_output = 3;
  CHECK(cost_of(in).mixed.energy_kwh->mid == Approx(0.25 * 2.0 + 0.75 * 0.1));
  in.input_per_output = 0;
  CHECK(cost_of(in).mixed.energy_kwh->mid == Approx(2.0));
}

TEST_CASE("without power there is no energy and no electricity") {
  auto in = machine();
  in.power_w.reset();
  in.price_kwh = 0.3;
  CHECK_FALSE(cost_of(in).written.energy_kwh);
  CHECK_FALSE(cost_of(in).written.electricity);
}

TEST_CASE("electricity and hardware follow from the prices given") {
  auto in = machine();
  in.price_kwh = 0.25;
  in.price_hardware = 1577.88;  // 3 years of 365.25 days: 1.6667e-5 a second
  in.years = 3;
  auto cost = cost_of(in);
  CHECK(cost.written.electricity->mid == Approx(0.5));
  CHECK(cost.written.hardware->mid == Approx(1e6 / 50 * 1577.88 / (3 * 365.25 * 86400)));
  in.utilization = 0.25;
  CHECK(cost_of(in).written.hardware->mid == Approx(4 * cost.written.hardware->mid));
}

TEST_CASE("break-even: the tokens whose saving pays the hardware over its years") {
  auto in = machine();
  in.price_kwh = 0.25;                    // 0.5 a million written
  in.price_hardware = 3 * days_per_year;  // one a day
  in.years = 3;
  in.api_input = in.api_output = 10.5;  // saves 10 a million
  const auto b = cost_of(in).break_even;
  REQUIRE(b);
  CHECK(b->kind == BreakEven::Kind::reached);
  CHECK(b->tokens_per_day == Approx(100'000));
  CHECK(b->capacity_tokens_per_day == Approx(50 * 86400.0));
  CHECK(*b->months == Approx(3 * days_per_year / (50 * 86400.0 * 1e-5) / days_per_month));
}

TEST_CASE("break-even is never reached where the electricity costs more, or the machine is too slow") {
  auto in = machine();
  in.price_kwh = 0.25;
  in.price_hardware = 3 * days_per_year;
  in.years = 3;
  in.api_input = in.api_output = 0.5;
  CHECK(cost_of(in).break_even->kind == BreakEven::Kind::power_alone_is_dearer);
  in.api_input = in.api_output = 0.6;  // 10 million a day would pay; 4.32 million come out
  const auto b = cost_of(in).break_even;
  CHECK(b->kind == BreakEven::Kind::beyond_capacity);
  CHECK(b->tokens_per_day == Approx(1e7));
}

TEST_CASE("design power is the sum over devices, unknown where one is") {
  Machine two;
  two.devices.resize(2);
  two.devices[0].spec.tdp_w = 170;
  CHECK_FALSE(design_power(two));
  two.devices[1].spec.tdp_w = 350;
  CHECK(design_power(two) == 520);
  CHECK_FALSE(design_power(Machine()));
}
