#include "willitrun/outcome.hpp"

#include "support/catch.hpp"

using namespace willitrun;

namespace {

Outcome with(OutcomeStatus status) {
  Outcome out;
  out.status = status;
  return out;
}

}  // namespace

TEST_CASE("a bad question outweighs an unknown, an unknown a no, and a waiver is none") {
  using enum OutcomeStatus;
  CHECK(exit_status(std::vector<Outcome>{}) == 0);
  CHECK(exit_status({with(passed), with(waived)}) == 0);
  CHECK(exit_status({with(passed), with(failed)}) == 1);
  CHECK(exit_status({with(failed), with(unknown)}) == 3);
  CHECK(exit_status({with(unknown), with(error), with(failed)}) == 2);
}

TEST_CASE("an outcome sums a report over its devices") {
  Report report;
  report.verdict = {VerdictCode::offload, false, {{"spills", "12 of 33 layers on the GPU"}}};
  report.devices.resize(2);
  report.usable.resize(2);
  report.devices[0] = {.weights = 100, .kv_cache = 10};
  report.devices[1] = {.weights = 50, .kv_cache = 5, .compute = 7};
  report.host = {.weights = 30, .kv_cache = 3};
  const auto out = outcome_of(report);
  CHECK(out.status == OutcomeStatus::failed);
  CHECK(out.code == "spills");
  CHECK(out.gpu_bytes == 172);
  CHECK(out.kv_cache_bytes == 18);
  CHECK(out.total_bytes == 205);
}

TEST_CASE("an outcome that falls short names the gate it missed") {
  Report report;
  report.verdict.code = VerdictCode::fits;
  report.verdict.met = true;
  report.verdict.reasons = {{"fits", "2 GiB free on the fullest device"}};
  Requirement required;
  required.max_memory = 3 * gib;
  apply_gates({std::nullopt, 3 * gib, report.speed}, required, report.verdict);
  CHECK(outcome_of(report).status == OutcomeStatus::passed);
  apply_gates({std::nullopt, 4 * gib, report.speed}, required, report.verdict);
  CHECK(outcome_of(report).status == OutcomeStatus::failed);
  CHECK(outcome_of(report).code == "max_memory");
  CHECK(outcome_of(report).message == "4.00 GiB of memory, 3.00 GiB allowed");
  // Tables have neither speed nor context: that is not known, and not passed over.
  required = {};
  required.min_ctx = 1;
  apply_gates({std::nullopt, 0, report.speed}, required, report.verdict);
  CHECK(report.verdict.code == VerdictCode::unknown);
}
