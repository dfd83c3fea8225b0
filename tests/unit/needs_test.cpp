#include "willitrun/needs.hpp"

#include <algorithm>

#include "support/catch.hpp"
#include "support/truth.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/machine.hpp"

using namespace willitrun;

namespace {

DeviceChoice choice(const char* id, std::optional<double> price, double memory_gib, double speed,
                    std::optional<double> power) {
  DeviceChoice out;
  out.device.id = id;
  out.price_usd = price;
  out.memory_bytes = static_cast<Bytes>(memory_gib * static_cast<double>(gib));
  out.outcome.decode_tokens_per_s = Range{speed, speed, speed};
  out.power_w = power;
  return out;
}

NeedsRequest question(const char* model, const char* quant) {
  NeedsRequest out;
  out.question.model = test::catalog_model(model, quant);
  out.question.quant = quant;
  out.question.requested_ctx = out.question.context.n_ctx;
  out.question.requirement.level = Requirement::Level::fits;
  return out;
}

}  // namespace

TEST_CASE("a choice beats another when it is no worse anywhere and better somewhere") {
  const auto a = choice("a", 300, 12, 50, 170);
  CHECK_FALSE(beats(a, a));
  CHECK(beats(a, choice("b", 301, 12, 50, 170)));
  CHECK(beats(a, choice("b", 300, 12, 49, 170)));
  CHECK_FALSE(beats(a, choice("b", 299, 12, 1, 999)));
  CHECK_FALSE(beats(a, choice("b", 900, 8, 1, 999)));
  CHECK_FALSE(beats(a, choice("b", 900, 24, 51, 999)));
  CHECK_FALSE(beats(a, choice("b", 900, 24, 1, 100)));
}

TEST_CASE("an unknown price does not beat a known one, and is judged on the rest") {
  const auto known = choice("known", 300, 12, 50, 170);
  const auto unknown = choice("unknown", std::nullopt, 12, 60, 160);
  CHECK_FALSE(beats(unknown, known));
  CHECK_FALSE(beats(known, unknown));
  CHECK(beats(known, choice("worse", std::nullopt, 12, 40, 200)));
  CHECK(beats(unknown, choice("worse", std::nullopt, 12, 40, 200)));
}

TEST_CASE("the unbeaten are those that nothing beats") {
  std::vector<DeviceChoice> choices{choice("cheap", 100, 8, 10, 100), choice("fast", 1000, 24, 100, 400),
                                    choice("pointless", 1100, 24, 90, 400), choice("frugal", 500, 16, 20, 50)};
  mark_unbeaten(choices);
  CHECK(choices[0].unbeaten);
  CHECK(choices[1].unbeaten);
  CHECK_FALSE(choices[2].unbeaten);
  CHECK(choices[3].unbeaten);
}

TEST_CASE("devices are found in the smallest number that does") {
  auto request = question("llama3.1-8b", "q8_0");
  request.filter.vendors = {"nvidia"};
  request.filter.since = 2020;
  const auto list = find_devices(request);
  const auto find = [&](std::string_view id) {
    return std::find_if(list.choices.begin(), list.choices.end(), [&](const auto& c) { return c.device.id == id; });
  };
  REQUIRE(find("rtx3060-12gb") != list.choices.end());
  CHECK(find("rtx3060-12gb")->count == 1);
  CHECK(find("rtx3060-12gb")->price_usd == 329);
  REQUIRE(find("rtx3060-8gb") != list.choices.end());
  CHECK(find("rtx3060-8gb")->count == 2);
  CHECK(find("rtx3060-8gb")->memory_bytes == 16 * gib);
  REQUIRE(list.cheapest);
  REQUIRE(list.smallest);
  REQUIRE(list.fastest);
  for (const auto& c : list.choices) {
    CAPTURE(c.device.id);
    CHECK(c.outcome.verdict == VerdictCode::fits);
    if (c.price_usd) CHECK(*c.price_usd >= *list.choices[*list.cheapest].price_usd);
    CHECK(c.memory_bytes >= list.choices[*list.smallest].memory_bytes);
    CHECK((c.count == 1 || form_of(c.device) == DeviceForm::discrete));
  }
}

TEST_CASE("limits on price and power hold for all devices together, and unknown figures do not pass") {
  auto request = question("llama3.1-8b", "q8_0");
  request.filter.max_price_usd = 400;
  request.filter.max_power_w = 200;
  const auto list = find_devices(request);
  REQUIRE_FALSE(list.choices.empty());
  for (const auto& c : list.choices) {
    CAPTURE(c.device.id);
    CHECK(c.price_usd.value_or(1e9) <= 400);
    CHECK(c.power_w.value_or(1e9) <= 200);
  }
  CHECK(list.n_unjudged > 0);
  request.filter.max_price_usd.reset();
  request.filter.max_power_w.reset();
  CHECK(find_devices(request).n_unjudged == 0);
}

TEST_CASE("nothing runs what nothing holds") {
  auto request = question("llama3.1-405b", "q4_k_m");
  request.filter.max_count = 1;
  request.filter.forms = {"laptop"};
  const auto list = find_devices(request);
  CHECK(list.choices.empty());
  CHECK(list.n_device > 10);
  CHECK_FALSE(list.cheapest);
  CHECK_FALSE(list.smallest);
  CHECK_FALSE(list.fastest);
}

TEST_CASE("laptops are told by their names") {
  for (const auto* name : {"rtx4090-laptop", "mx450", "gtx980m", "arc-a770m", "rx7700s", "rx7600m-xt"})
    CHECK(form_of(find_device(name)->entry) == DeviceForm::laptop);
  for (const auto* name : {"rtx-pro-6000-maxq", "rtx4070-super", "l40s", "v100s", "m40", "mi100", "rx7600"})
    CHECK(form_of(find_device(name)->entry) == DeviceForm::discrete);
  CHECK(form_of(find_device("780m")->entry) == DeviceForm::unified);
}

TEST_CASE("laptop parts are told by how their vendors name them") {
  for (const auto* name : {"rtx4070-laptop", "mx450", "rtx2070-maxq", "rx6800m", "arc-a770m", "rx7700s"})
    CHECK(is_laptop(find_device(name)->entry));
  for (const auto* name : {"rtx-pro-6000-maxq", "rtx4070", "m40", "rx7900xtx", "arc-a770", "mi300x"})
    CHECK_FALSE(is_laptop(find_device(name)->entry));
}
