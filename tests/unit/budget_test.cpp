#include "willitrun/budget.hpp"

#include "support/catch.hpp"

using namespace willitrun;

namespace {

Machine two_cards() {
  Machine machine;
  for (const auto* id : {"gpu0", "gpu1"}) {
    Device device;
    device.id = id;
    device.memory_bytes = device.visible_bytes = 12 * gib;
    device.reserve_bytes = gib;
    machine.devices.push_back(device);
  }
  machine.host.memory_bytes = 32 * gib;
  machine.host.reserve_bytes = 2 * gib;
  return machine;
}

Report report(Bytes first, Bytes second, Bytes host, VerdictCode code, bool met) {
  Report out;
  out.devices = {{.weights = first}, {.weights = second}};
  out.host.weights = host;
  out.verdict = {code, met, {{"why", "the reason"}}};
  return out;
}

}  // namespace

TEST_CASE("models side by side share one pool, the GPU's part of it and the rest") {
  Machine machine;
  machine.devices.resize(1);
  auto& device = machine.devices[0];
  device.id = "gpu0";
  device.spec.kind = DeviceKind::unified;
  device.memory_bytes = 16 * gib;
  device.visible_bytes = 8 * gib;
  device.pool_bytes = 15 * gib;
  Report large;
  large.devices = {{.weights = 10 * gib}};
  large.verdict = {VerdictCode::offload, true, {{"why", "the reason"}}};
  Budget budget(machine);
  budget.add("chat", large);
  CHECK(budget.left().devices[0].usable_bytes() == 0);
  CHECK(budget.left().devices[0].usable_pool() == 5 * gib);
  CHECK(budget.outcome().message == "gpu0 10.0 GiB of 15.0 GiB usable (chat 10.0 GiB)");
}

TEST_CASE("models side by side leave each other what they do not take") {
  Budget budget(two_cards());
  budget.add("chat", report(4 * gib, 2 * gib, gib, VerdictCode::fits, true));
  CHECK(budget.left().devices[0].usable_bytes() == 7 * gib);
  CHECK(budget.left().devices[1].usable_bytes() == 9 * gib);
  CHECK(*budget.left().host.usable_bytes() == 29 * gib);
  budget.add("code", report(6 * gib, 0, 0, VerdictCode::tight, true));
  const auto out = budget.outcome();
  CHECK(out.status == OutcomeStatus::passed);
  CHECK(out.verdict == VerdictCode::tight);
  CHECK(out.model == "chat + code");
  CHECK(out.gpu_bytes == 12 * gib);
  CHECK(out.gpu_usable_bytes == 22 * gib);
  CHECK(out.total_bytes == 13 * gib);
  CHECK(out.message ==
        "gpu0 10.0 GiB of 11.0 GiB usable (chat 4.00 GiB, code 6.00 GiB); gpu1 2.00 GiB of 11.0 GiB usable "
        "(chat 2.00 GiB); host 1.00 GiB of 30.0 GiB usable (chat 1.00 GiB)");
}

TEST_CASE("a model that no longer fits is named, and what is over is counted") {
  Budget budget(two_cards());
  budget.add("chat", report(8 * gib, 0, 0, VerdictCode::fits, true));
  budget.add("code", report(6 * gib, 0, 0, VerdictCode::wont_run, false));
  const auto out = budget.outcome();
  CHECK(out.status == OutcomeStatus::failed);
  CHECK(out.verdict == VerdictCode::wont_run);
  CHECK(out.code == "why");
  CHECK(out.message.starts_with("code: the reason; gpu0 14.0 GiB of 11.0 GiB usable (chat 8.00 GiB, code 6.00 GiB)"));
  CHECK(budget.left().devices[0].usable_bytes() == 0);
}
