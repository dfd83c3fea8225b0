// What vLLM claims of a machine (--gpu-memory-utilization), and where that comes from.
#include "support/catch.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/machine.hpp"

using namespace willitrun;

namespace {

MachineRequest vllm_on(std::initializer_list<const char*> cards) {
  MachineRequest request;
  request.vllm = true;
  for (const auto* name : cards) request.devices.push_back(find_device(name)->entry);
  return request;
}

Bytes share_of(const Device& device, double share) {
  return static_cast<Bytes>(share * static_cast<double>(device.driver_bytes));
}

}  // namespace

TEST_CASE("vLLM claims 92 % of what the driver reports") {
  const auto machine = assemble_machine(vllm_on({"rtx4090"}));
  const auto& card = machine.devices[0];
  CHECK(machine.share == 0.92);
  CHECK(card.driver_bytes < card.memory_bytes);
  CHECK(card.usable_bytes() == share_of(card, 0.92));
  CHECK(card.overhead_bytes == 500 * mib);
  MachineRequest other = vllm_on({"rtx4090"});
  other.vllm = false;
  CHECK_FALSE(assemble_machine(other).share);
}

TEST_CASE("a reserve states another share, in hundredths") {
  auto request = vllm_on({"rtx4090"});
  request.reserve = {Reserve::Kind::percent, 0, 5};
  CHECK(assemble_machine(request).share == 0.95);
  request.reserve = {Reserve::Kind::bytes, 4 * gib, 0};
  const auto machine = assemble_machine(request);
  CHECK(machine.share == 0.83);  // 19.59 of 23.59 GiB
  CHECK(machine.devices[0].usable_bytes() <= machine.devices[0].driver_bytes - 4 * gib);
  request.reserve = {Reserve::Kind::bytes, 400 * gib, 0};
  CHECK(assemble_machine(request).devices[0].usable_bytes() == 0);
}

TEST_CASE("vLLM starts only where its share is free: what is stated free bounds it") {
  auto request = vllm_on({"rtx4090"});
  request.free_vram = 20 * gib;
  const auto machine = assemble_machine(request);
  CHECK(machine.share == 0.84);
  CHECK(machine.devices[0].usable_bytes() <= 20 * gib);
  request.free_vram = 23 * gib;
  CHECK(assemble_machine(request).share == 0.92);
}

TEST_CASE("one share holds for all devices") {
  auto request = vllm_on({"rtx4090", "rtx3060-12gb"});
  request.reserve = {Reserve::Kind::bytes, 2 * gib, 0};
  const auto machine = assemble_machine(request);
  REQUIRE(machine.share);
  for (const auto& device : machine.devices) {
    CHECK(device.usable_bytes() == share_of(device, *machine.share));
    CHECK(device.usable_bytes() <= device.driver_bytes - 2 * gib);
  }
}

TEST_CASE("a nameless device's memory is all the driver's") {
  MachineRequest request;
  request.vllm = true;
  request.devices.emplace_back();
  request.vram = 10 * gib;
  CHECK(assemble_machine(request).devices[0].usable_bytes() == static_cast<Bytes>(0.92 * 10 * gib));
}
