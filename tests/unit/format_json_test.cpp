// The JSON formats against the shipped schemas, SARIF against what its standard demands of such a log.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "support/catch.hpp"
#include "support/json_schema.hpp"
#include "support/outcomes.hpp"
#include "willitrun/formats.hpp"

using namespace willitrun;
using namespace willitrun::test;
using Json = nlohmann::json;

namespace {

std::string written(std::string_view format, std::span<const Outcome> outcomes) {
  return (*find_format(format, Subject::run))->run(outcomes, sample_header(), {});
}

const std::vector<std::string> none;

/// What sarif-schema-2.1.0.json requires of the parts that are written here.
void check_sarif(const Json& log, std::size_t results) {
  CHECK(log.at("version") == "2.1.0");
  REQUIRE(log.at("runs").size() == 1);
  const auto& run = log.at("runs")[0];
  const auto& driver = run.at("tool").at("driver");
  CHECK_FALSE(driver.at("name").get<std::string>().empty());
  const auto& rules = driver.at("rules");
  for (const auto& rule : rules) {
    CHECK(rule.at("id").is_string());
    CHECK(rule.at("shortDescription").at("text").is_string());
    CHECK(std::count(rules.begin(), rules.end(), rule) == 1);
  }
  CHECK(run.at("invocations")[0].at("executionSuccessful").is_boolean());
  REQUIRE(run.at("results").size() == results);
  constexpr std::array<std::string_view, 4> levels{"none", "note", "warning", "error"};
  for (const auto& result : run.at("results")) {
    CHECK(rules.at(result.at("ruleIndex").get<std::size_t>()).at("id") == result.at("ruleId"));
    CHECK(std::count(levels.begin(), levels.end(), result.at("level").get<std::string>()) == 1);
    CHECK_FALSE(result.at("message").at("text").get<std::string>().empty());
    const auto& location = result.at("locations").at(0);
    CHECK(location.at("logicalLocations").at(0).at("name").is_string());
    if (location.contains("physicalLocation")) {
      const auto& physical = location.at("physicalLocation");
      const auto uri = physical.at("artifactLocation").at("uri").get<std::string>();
      CHECK(std::all_of(uri.begin(), uri.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '<'; }));
      CHECK(physical.at("region").at("startLine").get<int>() >= 1);
      if (physical.at("region").contains("startColumn")) CHECK(physical.at("region").at("startColumn").get<int>() >= 1);
    }
    if (result.contains("suppressions")) CHECK(result.at("suppressions")[0].at("kind") == "external");
  }
}

}  // namespace

TEST_CASE("a run as JSON keeps to its schema") {
  for (const auto& run : {sample_run(), hostile_run(), sweep_run(5), std::vector<Outcome>{}}) {
    CHECK(schema_problems(written("json", run), "check", {}, true) == none);
    const auto json = Json::parse(written("json", run));
    CHECK(json.at("checks").size() == run.size());
    CHECK(json.at("summary").at("checks") == run.size());
  }
}

TEST_CASE("the schema check itself can fail") {
  auto json = Json::parse(written("json", sample_run()));
  json.at("checks")[0].at("status") = "fine";
  json.at("checks")[1].erase("verdict");
  json.at("checks")[2]["more"] = 1;
  json.at("checks")[3].at("memory").at("gpu_bytes") = "many";
  CHECK(schema_problems(json.dump(), "check").size() == 4);
  CHECK(schema_problems("{", "check") == std::vector<std::string>{"not JSON"});
}

TEST_CASE("figures and strings come back from JSON as they went in") {
  const auto json = Json::parse(written("json", sample_run()));
  const auto& first = json.at("checks")[0];
  CHECK(first.at("memory").at("gpu_bytes") == 6'118'971'776);
  CHECK(first.at("speed").at("decode_tokens_per_s").at("mid") == 55.347);
  CHECK(first.at("place") == Json::parse(R"({"file":"ci/models.json","line":4,"column":5,"pointer":"/checks/4"})"));
  CHECK(json.at("checks")[4].at("memory").is_null());
  CHECK(json.at("summary").at("met") == false);
  const auto hostile = Json::parse(written("json", hostile_run())).at("checks")[0].at("model").get<std::string>();
  CHECK(hostile.find("\r\n--- \t\x01\x1b[31m") != std::string::npos);
}

TEST_CASE("NDJSON is a line per outcome, each what the document has") {
  const auto document = Json::parse(written("json", hostile_run()));
  const auto text = written("ndjson", hostile_run());
  std::size_t at = 0;
  for (const auto& expected : document.at("checks")) {
    const auto end = text.find('\n', at);
    REQUIRE(end != text.npos);
    const auto line = text.substr(at, end - at);
    CHECK(schema_problems(line, "check", "outcome", true) == none);
    auto json = Json::parse(line);
    CHECK(json.at("schema") == "willitrun.outcome/1");
    json.erase("schema");
    CHECK(json == expected);
    at = end + 1;
  }
  CHECK(at == text.size());
}

TEST_CASE("SARIF is consistent and has what did not pass") {
  check_sarif(Json::parse(written("sarif", sample_run())), 4);
  check_sarif(Json::parse(written("sarif", hostile_run())), 4);
  check_sarif(Json::parse(written("sarif", {})), 0);
  const auto run = Json::parse(written("sarif", sample_run())).at("runs")[0];
  CHECK(run.at("results")[0].at("ruleId") == "device_memory");
  CHECK(run.at("results")[1].at("suppressions")[0].at("justification") == "the new laptops come in spring");
  CHECK(run.at("results")[2].at("level") == "warning");
  CHECK(run.at("invocations")[0].at("executionSuccessful") == false);
}

TEST_CASE("an outcome that is not from a file has no physical location") {
  auto outcomes = sample_run();
  for (auto& o : outcomes) o.place = {};
  const auto run = Json::parse(written("sarif", outcomes)).at("runs")[0];
  CHECK_FALSE(run.at("results")[0].at("locations")[0].contains("physicalLocation"));
  CHECK(Json::parse(written("json", outcomes)).at("checks")[0].at("place").is_null());
}
