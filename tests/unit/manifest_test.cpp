#include "willitrun/manifest.hpp"

#include "support/catch.hpp"

using namespace willitrun;
using namespace std::chrono_literals;

namespace {

const ManifestKeys keys{{"gpu", "ram"}, {"quant", "ctx", "require"}};

std::string manifest_with(const std::string& rest) {
  return R"({"schema": "willitrun.manifest/1", "targets": {"a": {"gpu": "x"}, "b": {}, "ab": {}},
"models": {"m": "llama", "n": {"model": "n.gguf", "ctx": 4096}})" +
         rest + "}";
}

std::vector<std::string> problems_of(const std::string& json) {
  std::vector<std::string> out;
  for (const auto& problem : read_manifest(json, "ci.json", keys).problems) out.push_back(to_text(problem));
  return out;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a manifest is read into values with their places") {
  const auto [manifest, problems] = read_manifest(manifest_with(R"(,
"checks": [{"models": "*", "targets": ["a*", "a"], "require": null}, {"name": "x", "models": ["n", "n"], "targets": "b"}],
"budgets": [{"name": "two", "models": ["n", "m", "n"], "targets": "a"}],
"waivers": [{"models": "m", "targets": "*", "reason": "r", "owner": "o", "expires": "2026-02-28"}])"),
                                                  "ci.json", keys);
  REQUIRE(problems.empty());
  REQUIRE(manifest.checks.size() == 2);
  CHECK(manifest.checks[0].models == std::vector<std::uint32_t>{0, 1});
  CHECK(manifest.checks[0].targets == std::vector<std::uint32_t>{0, 2});
  REQUIRE(manifest.checks[0].options.size() == 1);
  CHECK(manifest.checks[0].options[0].key == "require");
  CHECK_FALSE(manifest.checks[0].options[0].value);
  CHECK(manifest.checks[1].models == std::vector<std::uint32_t>{1});
  CHECK(manifest.checks[1].name == "x");
  CHECK(manifest.checks[1].place.line == 3);
  CHECK(manifest.checks[1].place.pointer == "/checks/1");
  CHECK(manifest.budgets[0].models == std::vector<std::uint32_t>{1, 0, 1});
  CHECK(std::get<std::int64_t>(*manifest.models[1].options[0].value) == 4096);
  CHECK(manifest.models[1].model == "n.gguf");
  CHECK(manifest.models[1].options[0].place.pointer == "/models/n/ctx");
  CHECK(manifest.waivers[0].expires == 2026y / 2 / 28);
}

TEST_CASE("specs and tables are read where they stand") {
  const auto [manifest, problems] =
      read_manifest(R"({"schema": "willitrun.manifest/1", "targets": {"a": {}}, "models": {
"t": {"tables": ["users:10M:64:f16"], "optimizer": "adam"},
"s": {"spec": {"kind": "recommender", "tables": [{"name": "u", "rows": 0, "dim": 4}]}}},
"checks": [{"models": "*", "targets": "*"}]})",
                    "ci.json", keys);
  REQUIRE(problems.size() == 1);
  CHECK(to_text(problems[0]).starts_with("ci.json:3:72: /models/s/spec/tables/0/rows: must be"));
  REQUIRE(manifest.models[0].spec);
  const auto& tables = std::get<Recommender>(*manifest.models[0].spec);
  CHECK(tables.name == "t");
  CHECK(tables.tables[0].rows == 10'000'000);
  CHECK(tables.optimizer == Optimizer::adam);
}

TEST_CASE("every problem of a manifest is told at once, in the order of the file") {
  CHECK(problems_of(R"({"schema": "x", "target": {}, "targets": [],
"models": {"m?": "a", "n": "", "o": "-", "p": {"model": "a", "spec": {}}, "q": 1, "r": {"model": "a", "optimizer": "adam"}},
"checks": [{"models": "zebra", "target": "a"}]})") ==
        Lines{"ci.json:1:12: /schema: must be 'willitrun.manifest/1', is 'x'",
              "ci.json:1:27: /target: unknown key 'target'; did you mean targets?",
              "ci.json:1:42: /targets: must be an object of names, is an array",
              "ci.json:2:18: /models/m?: a name must not be empty nor have * or ? in it",
              "ci.json:2:28: /models/n: must name a model",
              "ci.json:2:37: /models/o: stdin is not for models here; name a file",
              "ci.json:2:47: /models/p: must have one of 'model', 'spec' and 'tables'",
              "ci.json:2:70: /models/p/spec: 'architecture' is missing",
              "ci.json:2:80: /models/q: must be an object, is 1",
              "ci.json:2:116: /models/r/optimizer: goes with 'tables' only",
              "ci.json:3:12: /checks/0: 'targets' is missing", "ci.json:3:23: /checks/0/models: no model 'zebra' here",
              "ci.json:3:42: /checks/0/target: unknown key 'target'; did you mean targets?"});
}

TEST_CASE("what is selected has to be there") {
  CHECK(problems_of(manifest_with("")) == Lines{"ci.json:1:1: checks nothing: add 'checks' or 'budgets'"});
  CHECK(problems_of(manifest_with(",\n\"checks\": [{\"models\": [], \"targets\": [\"c*\", 4]}]")) ==
        Lines{"ci.json:3:23: /checks/0/models: must name a model",
              "ci.json:3:39: /checks/0/targets/0: no target fits 'c*'",
              "ci.json:3:45: /checks/0/targets/1: must be text in quotes, is 4"});
  CHECK(problems_of(manifest_with(",\n\"budgets\": [{\"name\": \"x\", \"models\": \"m\", \"targets\": \"a\"},\n"
                                  "{\"name\": \"x\", \"models\": \"m\", \"targets\": \"a\"}]")) ==
        Lines{"ci.json:4:10: /budgets/1/name: budget 'x' is there twice"});
}

TEST_CASE("options stand where they mean something") {
  CHECK(
      problems_of(
          manifest_with(",\n\"checks\": [{\"models\": \"m\", \"targets\": \"a\", \"ram\": \"8GiB\", \"ctxx\": 1, "
                        "\"quant\": {}}]")) ==
      Lines{
          "ci.json:3:51: /checks/0/ram: describes a machine: it belongs to a target or to the defaults",
          "ci.json:3:67: /checks/0/ctxx: unknown key 'ctxx'; did you mean ctx?",
          "ci.json:3:79: /checks/0/quant: must be a string, a number, true, false or a list of strings, is an object"});
}

TEST_CASE("waivers have a day, a reason, an owner, and something to waive") {
  const auto waived = [](const std::string& waiver) {
    return problems_of(
        manifest_with(",\n\"checks\": [{\"models\": \"m\", \"targets\": \"a\"}], \"waivers\": [\n" + waiver + "]"));
  };
  CHECK(waived(R"({"models": "m", "targets": "a", "reason": "r", "owner": "o", "expires": "2028-02-29"})").empty());
  CHECK(waived(R"({"models": "n", "targets": "*", "reason": "r", "owner": "o", "expires": "2028-02-29"})") ==
        Lines{"ci.json:4:1: /waivers/0: waives nothing: no check or budget holds these on these targets"});
  CHECK(waived(R"({"models": "m", "targets": "a", "reason": "r", "owner": "", "expires": "2027-02-29"})") ==
        Lines{"ci.json:4:57: /waivers/0/owner: must not be empty",
              "ci.json:4:72: /waivers/0/expires: must be a day such as 2026-12-31, is '2027-02-29'"});
}

TEST_CASE("a waiver lets a failure pass until its last day") {
  ManifestWaiver waiver;
  waiver.reason = "card ordered";
  waiver.owner = "ana";
  waiver.expires = 2026y / 6 / 30;
  const auto after = [&](OutcomeStatus status, std::chrono::year_month_day today) {
    Outcome outcome;
    outcome.status = status;
    outcome.message = "too large";
    apply_waiver(waiver, today, outcome);
    return outcome;
  };
  CHECK(after(OutcomeStatus::failed, 2026y / 6 / 30).status == OutcomeStatus::waived);
  CHECK(after(OutcomeStatus::failed, 2026y / 6 / 30).waiver == "card ordered (ana, until 2026-06-30)");
  CHECK(after(OutcomeStatus::unknown, 2026y / 1 / 1).status == OutcomeStatus::waived);
  CHECK(after(OutcomeStatus::failed, 2026y / 7 / 1).status == OutcomeStatus::failed);
  CHECK(after(OutcomeStatus::failed, 2026y / 7 / 1).message ==
        "too large; waived until 2026-06-30 by ana: card ordered");
  CHECK(after(OutcomeStatus::passed, 2026y / 1 / 1).status == OutcomeStatus::passed);
}

TEST_CASE("days are calendar days") {
  CHECK(parse_day("2026-12-31") == 2026y / 12 / 31);
  CHECK(format_day(2026y / 1 / 2) == "2026-01-02");
  for (const auto* bad : {"", "2026-1-2", "2026-13-01", "2026-02-29", "2026/01/02", "-026-01-02", "2026-01-02T"})
    CHECK_FALSE(parse_day(bad));
}

TEST_CASE("patterns have stars and question marks") {
  CHECK(matches_pattern("llama", "*"));
  CHECK(matches_pattern("llama", "l*a"));
  CHECK(matches_pattern("llama", "ll?ma*"));
  CHECK(matches_pattern("abab", "*ab"));
  CHECK(matches_pattern("", "**"));
  CHECK_FALSE(matches_pattern("llama", "l?a"));
  CHECK_FALSE(matches_pattern("llama", ""));
  CHECK_FALSE(matches_pattern("llama", "*b*"));
}
