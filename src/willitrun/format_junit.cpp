// A run as JUnit XML: one test suite per machine, one test case per check. Keeps to what the schemas of Jenkins
// (junit-10.xsd) and Maven Surefire (surefire-test-report-3.0.xsd) both take.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "willitrun/escape.hpp"
#include "willitrun/format_writers.hpp"

namespace willitrun {
namespace {

/// What a report's reader sees of a check, one fact a line, escaped.
std::string body_of(const Outcome& o) {
  auto out = xml_escaped(explanation(o)) + "\n";
  const auto add = [&](std::string_view label, std::string_view value) {
    if (!value.empty()) out += fmt::format("{}: {}\n", label, xml_escaped(value));
  };
  add("verdict", verdict_text(o));
  add("required", name_of(o.require));
  add("memory", memory_text(o));
  add("decoding", decode_text(o));
  add("asked at", place_text(o.place));
  return out;
}

std::string problem(std::string_view element, std::string_view type, const Outcome& o) {
  return fmt::format("<{0} message=\"{1}\" type=\"{2}\">{3}</{0}>", element, xml_escaped(explanation(o)),
                     xml_escaped(type), body_of(o));
}

std::string content_of(const Outcome& o) {
  const auto type = o.code.empty() ? std::string(name_of(o.status)) : o.code;
  switch (o.status) {
    case OutcomeStatus::passed: return {};
    case OutcomeStatus::failed: return problem("failure", type, o);
    case OutcomeStatus::waived: return fmt::format("<skipped message=\"{}\"/>", xml_escaped(explanation(o)));
    // Neither a yes nor a no: the test could not be carried out.
    case OutcomeStatus::unknown:
    case OutcomeStatus::error: return problem("error", type, o);
  }
  return {};
}

std::string test_case(const Outcome& o) {
  const auto start =
      fmt::format("    <testcase name=\"{}\" classname=\"{}\" time=\"0\"", xml_escaped(o.name), xml_escaped(o.target));
  const auto content = content_of(o);
  return content.empty() ? start + "/>\n" : start + ">" + content + "</testcase>\n";
}

std::string counts_of(const Tally& counts) {
  return fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\"", counts.total, counts[OutcomeStatus::failed],
                     counts[OutcomeStatus::unknown] + counts[OutcomeStatus::error]);
}

std::string property(std::string_view name, std::string_view value) {
  return fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", name, xml_escaped(value));
}

std::string test_suite(const std::string& target, const std::vector<const Outcome*>& members, const RunHeader& header) {
  Tally counts;
  for (const auto* o : members) ++counts.of[static_cast<std::size_t>(o->status)];
  counts.total = members.size();
  auto out = fmt::format("  <testsuite name=\"{}\" {} skipped=\"{}\" time=\"0\"", xml_escaped(target),
                         counts_of(counts), counts[OutcomeStatus::waived]);
  if (!header.date.empty()) out += fmt::format(" timestamp=\"{}\"", xml_escaped(header.date));
  out += ">\n    <properties>\n" + property("willitrun.version", header.tool_version) +
         property("catalog.version", header.catalog_version) + property("catalog.sha256", header.catalog_sha256) +
         "    </properties>\n";
  for (const auto* o : members) out += test_case(*o);
  return out + "  </testsuite>\n";
}

}  // namespace

std::string run_as_junit(Outcomes outcomes, const RunHeader& header, const TextStyle&) {
  std::vector<std::string> targets;  // in the order they come
  std::map<std::string, std::vector<const Outcome*>> suites;
  for (const auto& o : outcomes) {
    auto& suite = suites[o.target];
    if (suite.empty()) targets.push_back(o.target);
    suite.push_back(&o);
  }
  auto out = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{}\" {} time=\"0\">\n",
                         xml_escaped(header.title), counts_of(tally(outcomes)));
  for (const auto& target : targets) out += test_suite(target, suites[target], header);
  return out + "</testsuites>\n";
}

}  // namespace willitrun
