// The formats of an answer, one row each: parser, help, errors and tests read this table.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "willitrun/fields.hpp"
#include "willitrun/outcome.hpp"
#include "willitrun/report.hpp"

namespace willitrun {

/// What stands above the outcomes of a run. Printed as given, so that the same input gives the same bytes.
struct RunHeader {
  std::string title;  ///< of the run, such as the manifest's name
  std::string tool_version, catalog_version, catalog_sha256;
  std::string date;  ///< RFC 3339, such as 2026-01-31T12:00:00Z; empty = none is printed
};

/// A header with the versions of this library and its catalogs, without a date.
[[nodiscard]] RunHeader run_header(std::string title);

/// Many outcomes as one text, its last newline included; outcomes stay in the order given. Only text heeds the style.
using RunWriter = std::string (*)(std::span<const Outcome> outcomes, const RunHeader& header, const TextStyle& style);
/// One report as one text, its last newline included.
using ReportWriter = std::string (*)(const Report& report, const TextStyle& style);

/// Some values of one report as one text, its last newline included.
using FieldsWriter = std::string (*)(const Report& report, const Fields& fields);

struct Format {
  std::string_view name;  ///< as typed after -o
  std::string_view what;  ///< half a line, for help
  RunWriter run = nullptr;
  ReportWriter report = nullptr;  ///< null: not for a single verdict
  FieldsWriter fields = nullptr;  ///< beside `report`, for --fields
  bool json = false;              ///< errors are written as willitrun.error/1 on standard output too
};

[[nodiscard]] std::span<const Format> formats();

/// What is to be written: the outcomes of a run, or one report.
enum class Subject : std::uint8_t { run, report };
/// The format of that name; an error lists those that can write the subject.
[[nodiscard]] Result<const Format*> find_format(std::string_view name, Subject subject);

/// Markdown for $GITHUB_STEP_SUMMARY: what needs attention first, at most `limit` bytes (GitHub refuses more than 1 MiB
/// a step), and how many rows were left out.
[[nodiscard]] std::string step_summary(std::span<const Outcome> outcomes, const RunHeader& header,
                                       std::size_t limit = std::size_t{1} << 20);

}  // namespace willitrun
