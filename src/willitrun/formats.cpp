#include "willitrun/formats.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "willitrun/catalog.hpp"
#include "willitrun/format_writers.hpp"
#include "willitrun/suggest.hpp"
#include "willitrun/table.hpp"
#include "willitrun/version.hpp"

namespace willitrun {
namespace {

Table table_of(const Report& report, const Fields& fields) {
  Table table;
  for (const auto& path : fields.paths()) table.columns.push_back({path});
  table.rows = {values(report, fields)};
  return table;
}
std::string fields_as_tsv(const Report& report, const Fields& fields) { return to_tsv(table_of(report, fields)); }
std::string fields_as_csv(const Report& report, const Fields& fields) { return to_csv(table_of(report, fields)); }
std::string fields_as_markdown(const Report& report, const Fields& fields) {
  return to_markdown(table_of(report, fields));
}
std::string fields_as_json(const Report& report, const Fields& fields) { return to_json(report, fields) + "\n"; }

constexpr std::array rows{
    Format{"text", "for people (default)", run_as_text, to_text, fields_as_tsv},
    Format{"json", "one JSON document", run_as_json, report_as_json, fields_as_json, true},
    Format{"ndjson", "one line of JSON per check", run_as_ndjson, report_as_json, fields_as_json, true},
    Format{"csv", "comma-separated values with a header line", run_as_csv, report_as_csv, fields_as_csv},
    Format{"md", "a Markdown table, for a pull request", run_as_markdown, report_as_markdown, fields_as_markdown},
    Format{"junit", "JUnit XML, for CI test reports", run_as_junit},
    Format{"tap", "TAP 14, for test harnesses", run_as_tap},
    Format{"sarif", "SARIF 2.1.0, for code scanning", run_as_sarif},
    Format{"github", "annotations of a GitHub workflow", run_as_github},
    Format{"html", "one self-contained page: models by machines, curves", run_as_html},
};

bool can(const Format& format, Subject subject) {
  return subject == Subject::run ? format.run != nullptr : format.report != nullptr;
}

}  // namespace

RunHeader run_header(std::string title) {
  return {std::move(title), std::string(version()), std::string(catalog_version()), std::string(catalog_sha256()), {}};
}

std::span<const Format> formats() { return rows; }

Result<const Format*> find_format(std::string_view name, Subject subject) {
  std::vector<std::string_view> names;
  const Format* found = nullptr;
  for (const auto& row : rows) {
    if (row.name == name) found = &row;
    if (can(row, subject)) names.push_back(row.name);
  }
  if (found != nullptr && can(*found, subject)) return found;
  const auto choices = fmt::format("{}", fmt::join(names, ", "));
  if (found != nullptr)
    return Error{"bad_value",
                 fmt::format("--format {}: is for a run of checks; here it must be one of {}", name, choices)};
  auto near = nearest(name, names);
  return Error{"bad_value", fmt::format("--format '{}': must be one of {}{}", name, choices, did_you_mean(near)), near};
}

}  // namespace willitrun
