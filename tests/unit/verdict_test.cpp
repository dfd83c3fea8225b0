// The six codes, what they need, and the exit status each leads to.
#include "willitrun/verdict.hpp"

#include "support/catch.hpp"
#include "support/truth.hpp"

using namespace willitrun;
using test::catalog_model;

namespace {

Machine one_card(Bytes memory) {
  Machine machine;
  machine.devices.resize(1);
  machine.devices[0].id = "gpu0";
  machine.devices[0].memory_bytes = machine.devices[0].visible_bytes = memory;
  return machine;
}

Footprint small_model() { return measure(catalog_model("qwen3-0.6b", "q4_k_m"), {}); }

Placement with_layers(const Machine& machine, std::uint32_t gpu_layers) {
  PlacementOptions options;
  options.gpu_layers = gpu_layers;
  return solve_placement(small_model(), machine, options);
}

Bytes resident_bytes() { return with_layers(one_card(64 * gib), 1000).devices[0].total(); }

Verdict judged(const Machine& machine, std::uint32_t gpu_layers, const Requirement& requirement = {},
               const SpeedEstimate& speed = {}) {
  return judge(small_model(), with_layers(machine, gpu_layers), machine, speed, requirement);
}

Verdict with(VerdictCode code, bool met) {
  Verdict verdict;
  verdict.code = code;
  verdict.met = met;
  return verdict;
}

}  // namespace

TEST_CASE("a fit with the recommended headroom, and one without") {
  const auto need = resident_bytes();
  const auto roomy = judged(one_card(need + recommended_headroom), 1000);
  CHECK(roomy.code == VerdictCode::fits);
  REQUIRE(roomy.reasons.size() == 1);
  CHECK(roomy.reasons[0].code == "fits");
  CHECK(roomy.reasons[0].message == "300 MiB free on the fullest device");
  const auto close = judged(one_card(need + recommended_headroom - 1), 1000);
  CHECK(close.code == VerdictCode::tight);
  CHECK(close.reasons.at(0).code == "headroom");
  CHECK(judged(one_card(need), 1000).reasons.at(0).message == "0 B free on the fullest device, 300 MiB recommended");
  const auto over = judged(one_card(need - 1), 1000);
  CHECK(over.code == VerdictCode::wont_run);
  CHECK_FALSE(over.met);
  CHECK(over.reasons.at(0).code == "device_memory");
}

TEST_CASE("layers on the host are an offload, none on the device is the CPU") {
  const auto some = judged(one_card(64 * gib), 10);
  CHECK(some.code == VerdictCode::offload);
  CHECK(some.reasons.at(0).code == "layers_on_host");
  CHECK(some.reasons.at(0).message == "10 of 29 layers on the GPU");
  CHECK(judged(one_card(64 * gib), 0).code == VerdictCode::cpu);
  Machine no_card;
  CHECK(judged(no_card, 0).code == VerdictCode::cpu);
  CHECK(judged(no_card, 0).reasons.at(0).message == "no accelerator in use");
}

TEST_CASE("system memory too small is a no") {
  Machine machine;
  machine.host.memory_bytes = 300 * mib;
  const auto verdict = judged(machine, 0);
  CHECK(verdict.code == VerdictCode::wont_run);
  CHECK(verdict.reasons.at(0).code == "host_memory");
}

TEST_CASE("a gate on what is unknown makes the verdict unknown") {
  Requirement fast;
  fast.min_tokens_per_s = 20;
  const auto blind = judged(one_card(64 * gib), 1000, fast);
  CHECK(blind.code == VerdictCode::unknown);
  CHECK_FALSE(blind.met);
  CHECK(blind.reasons.back().message == "decode speed is unknown here");
  SpeedEstimate slow;
  slow.decode_tokens_per_s = Range{8, 10, 12};
  const auto missed = judged(one_card(64 * gib), 1000, fast, slow);
  CHECK(missed.code == VerdictCode::fits);
  CHECK_FALSE(missed.met);
  CHECK(missed.reasons.back().message == "about 10.0 tok/s, 20.0 required");
  slow.decode_tokens_per_s->mid = 20;
  CHECK(judged(one_card(64 * gib), 1000, fast, slow).met);
}

TEST_CASE("a gate on the context counts what one slot has") {
  Requirement requirement;
  requirement.min_ctx = 8193;
  const auto verdict = judged(one_card(64 * gib), 1000, requirement);
  CHECK(verdict.code == VerdictCode::fits);
  CHECK_FALSE(verdict.met);
  CHECK(verdict.reasons.back().message == "8,192 tokens of context, 8,193 required");
  requirement.min_ctx = 8192;
  CHECK(judged(one_card(64 * gib), 1000, requirement).met);
}

TEST_CASE("what each level accepts") {
  using enum VerdictCode;
  using Level = Requirement::Level;
  for (const auto code : {fits, tight, offload, cpu}) CHECK(meets(code, Level::runs));
  for (const auto code : {wont_run, unknown}) CHECK_FALSE(meets(code, Level::runs));
  CHECK(meets(tight, Level::gpu));
  CHECK_FALSE(meets(offload, Level::gpu));
  CHECK(meets(fits, Level::fits));
  CHECK_FALSE(meets(tight, Level::fits));
}

TEST_CASE("exit statuses") {
  CHECK(exit_status(with(VerdictCode::fits, true)) == 0);
  CHECK(exit_status(with(VerdictCode::cpu, true)) == 0);
  CHECK(exit_status(with(VerdictCode::fits, false)) == 1);
  CHECK(exit_status(with(VerdictCode::wont_run, false)) == 1);
  CHECK(exit_status(with(VerdictCode::unknown, false)) == 3);
}

TEST_CASE("codes by name") {
  CHECK(name_of(VerdictCode::fits) == "fits");
  CHECK(name_of(VerdictCode::wont_run) == "wont_run");
  CHECK(name_of(VerdictCode::unknown) == "unknown");
  CHECK(name_of(Requirement::Level::gpu) == "gpu");
}
