#include "willitrun/lock.hpp"

#include "support/catch.hpp"

using namespace willitrun;

namespace {

LockRow row(std::string check, Bytes weights, Bytes cache, Bytes total, VerdictCode verdict = VerdictCode::fits) {
  return {"ci.json", std::move(check), verdict, weights, cache, total};
}

std::string problem(std::string_view json) {
  const auto lock = parse_lock(json, "models.lock");
  return lock ? "" : lock.error().message;
}

}  // namespace

TEST_CASE("a lock is sorted, stable and read as it was written") {
  const auto lock = make_lock({row("b on x", 1, 2, 3), row("a \"q\" on x", 4, 5, 9, VerdictCode::wont_run)});
  CHECK(to_json(lock) == R"({
"schema": "willitrun.lock/1",
"checks": [
{"manifest": "ci.json", "check": "a \"q\" on x", "verdict": "wont_run", "weights_bytes": 4, "kv_cache_bytes": 5, "total_bytes": 9},
{"manifest": "ci.json", "check": "b on x", "verdict": "fits", "weights_bytes": 1, "kv_cache_bytes": 2, "total_bytes": 3}
]
}
)");
  const auto again = parse_lock(to_json(lock), "models.lock");
  REQUIRE(again);
  CHECK(to_json(*again) == to_json(lock));
  REQUIRE(again->find("ci.json", "b on x") != nullptr);
  CHECK(again->find("ci.json", "b on x")->total_bytes == 3);
  CHECK(again->find("ci.json", "c on x") == nullptr);
  CHECK(again->find("other.json", "b on x") == nullptr);
  CHECK(parse_lock(to_json(make_lock({})), "models.lock"));
}

TEST_CASE("a broken lock is refused with its place") {
  CHECK(problem("{") != "");
  CHECK(problem(R"({"schema": "willitrun.lock/2", "checks": []})") ==
        "models.lock:1:12: /schema: must be 'willitrun.lock/1', is 'willitrun.lock/2'");
  CHECK(problem(R"({"schema": "willitrun.lock/1"})") == "models.lock:1:1: 'checks' is missing");
  CHECK(problem(R"({"schema": "willitrun.lock/1", "checks": [
{"manifest": "a", "check": "b", "verdict": "good", "weights_bytes": 1, "kv_cache_bytes": 1, "total_bytes": 1}]})") ==
        "models.lock:2:44: /checks/0/verdict: must be a verdict, is 'good'");
  CHECK(problem(R"({"schema": "willitrun.lock/1", "checks": [
{"manifest": "a", "check": "b", "verdict": "fits", "weights_bytes": -1, "kv_cache_bytes": 1, "total_bytes": 1}]})")
            .starts_with("models.lock:2:69: /checks/0/weights_bytes: must be a whole number"));
  const std::string twice =
      R"({"manifest": "a", "check": "b", "verdict": "fits", "weights_bytes": 1, "kv_cache_bytes": 1, "total_bytes": 2})";
  CHECK(problem(R"({"schema": "willitrun.lock/1", "checks": [)" + twice + "," + twice + "]}") ==
        "models.lock:1:42: /checks: a check is there twice");
}

TEST_CASE("what grew is named, and by how much") {
  const auto before = row("a", 4 * gib, gib, 6 * gib);
  CHECK_FALSE(compare(before, before).grew);
  CHECK_FALSE(compare(before, before).shrank);
  CHECK(compare(before, before).message.empty());
  const auto grown = compare(before, row("a", 4 * gib, 2 * gib, 7 * gib + 256 * mib));
  CHECK(grown.grew);
  CHECK(grown.message == "was 6.00 GiB, is 7.25 GiB: 1.25 GiB more (KV cache +1.00 GiB, other +256 MiB)");
  const auto smaller = compare(before, row("a", 3 * gib, gib + 512 * mib, 5 * gib + 512 * mib));
  CHECK_FALSE(smaller.grew);
  CHECK(smaller.shrank);
  CHECK(smaller.message == "was 6.00 GiB, is 5.50 GiB: 512 MiB less (weights -1.00 GiB, KV cache +512 MiB)");
  const auto worse = compare(before, row("a", 4 * gib, gib, 6 * gib, VerdictCode::tight));
  CHECK(worse.grew);
  CHECK(worse.message == "verdict was fits, is tight");
  const auto better = compare(row("a", 1, 1, 2, VerdictCode::cpu), row("a", 1, 1, 2));
  CHECK(better.shrank);
}
