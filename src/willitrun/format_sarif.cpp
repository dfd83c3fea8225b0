// A run as SARIF 2.1.0 (OASIS standard, 27 March 2020): what did not pass, with one rule per reason code.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "willitrun/escape.hpp"
#include "willitrun/format_writers.hpp"
#include "willitrun/json_writer.hpp"

namespace willitrun {
namespace {

struct Rule {
  std::string_view code, description;
};
constexpr std::array described{
    Rule{"device_memory", "The model needs more memory than the accelerators have."},
    Rule{"host_memory", "The model needs more system memory than the machine has."},
    Rule{"headroom", "The model fits, but leaves less memory free than recommended."},
    Rule{"experts_on_host", "Experts of the model have to stay in system memory."},
    Rule{"layers_on_host", "Layers of the model have to stay in system memory."},
    Rule{"cache_on_host", "The KV cache is in system memory."},
    Rule{"no_accelerator", "No accelerator takes part."},
    Rule{"min_ctx", "The context is shorter than required."},
    Rule{"min_tps", "Decoding is slower than required."},
    Rule{"max_ttft", "The first token comes later than required."},
};

/// The reason's code; every outcome has one, so that every result has a rule.
std::string rule_of(const Outcome& o) { return o.code.empty() ? std::string(name_of(o.status)) : o.code; }

std::string description_of(std::string_view code) {
  const auto* row =
      std::find_if(described.begin(), described.end(), [&](const Rule& rule) { return rule.code == code; });
  if (row != described.end()) return std::string(row->description);
  std::string out(code);
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

void write_location(JsonWriter& json, const Outcome& o) {
  json.list("locations").object();
  const auto& place = o.place;
  if (!place.file.empty()) {
    const auto uri = uri_of_path(place.file);
    json.object("physicalLocation").object("artifactLocation").text("uri", uri);
    if (!uri.starts_with("file:")) json.text("uriBaseId", "%SRCROOT%");
    json.close();
    if (place.line > 0) {
      json.object("region").whole("startLine", place.line);
      if (place.column > 0) json.whole("startColumn", place.column);
      json.close();
    }
    json.close();
  }
  json.list("logicalLocations").object().text("name", o.name);
  json.text("fullyQualifiedName", place.pointer.empty() ? o.name : place.pointer);
  json.close().close().close().close();
}

void write_result(JsonWriter& json, const Outcome& o, std::size_t rule_index) {
  json.line().object().text("ruleId", rule_of(o)).whole("ruleIndex", rule_index);
  json.text("level", o.status == OutcomeStatus::unknown ? "warning" : "error");
  json.object("message").text("text", o.name + ": " + (o.message.empty() ? rule_of(o) : o.message)).close();
  write_location(json, o);
  // The same check on the same machine is the same alert, wherever its line moves.
  json.object("partialFingerprints").text("check/v1", o.name).close();
  if (o.status == OutcomeStatus::waived)
    json.list("suppressions").object().text("kind", "external").text("justification", o.waiver).close().close();
  json.object("properties").text("model", o.model).text("machine", o.target).text("status", name_of(o.status));
  if (o.verdict) json.text("verdict", verdict_text(o)).whole("total_bytes", o.total_bytes);
  json.close().close();
}

}  // namespace

std::string run_as_sarif(Outcomes outcomes, const RunHeader& header, const TextStyle&) {
  std::vector<std::string> rules;
  for (const auto& o : outcomes)
    if (o.status != OutcomeStatus::passed) rules.push_back(rule_of(o));
  std::sort(rules.begin(), rules.end());
  rules.erase(std::unique(rules.begin(), rules.end()), rules.end());

  JsonWriter json;
  json.object().text("$schema", "https://json.schemastore.org/sarif-2.1.0.json").text("version", "2.1.0");
  json.list("runs").object().object("tool").object("driver").text("name", "willitrun");
  json.text("semanticVersion", header.tool_version).list("rules");
  for (const auto& rule : rules)
    json.line().object().text("id", rule).object("shortDescription").text("text", description_of(rule)).close().close();
  json.line().close().close().close();
  json.list("invocations").object();
  json.flag("executionSuccessful", tally(outcomes)[OutcomeStatus::error] == 0);
  if (!header.date.empty()) json.text("endTimeUtc", header.date);
  json.close().close();
  if (!header.title.empty()) json.object("automationDetails").text("id", header.title).close();
  json.list("results");
  for (const auto& o : outcomes) {
    if (o.status == OutcomeStatus::passed) continue;
    const auto rule = std::lower_bound(rules.begin(), rules.end(), rule_of(o));
    write_result(json, o, static_cast<std::size_t>(rule - rules.begin()));
  }
  return json.line().close().close().close().close().take() + "\n";
}

}  // namespace willitrun
