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
