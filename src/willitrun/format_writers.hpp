// The writers behind formats(), one source each, and what they share.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>

#include "willitrun/formats.hpp"

namespace willitrun {

using Outcomes = std::span<const Outcome>;

[[nodiscard]] std::string run_as_text(Outcomes outcomes, const RunHeader& header, const TextStyle& style);
[[nodiscard]] std::string run_as_json(Outcomes outcomes, const RunHeader& header, const TextStyle& style);
[[nodiscard]] std::string run_as_ndjson(Outcomes outcomes, const RunHeader& header, const TextStyle& style);
[[nodiscard]] std::string run_as_csv(Outcomes outcomes, const RunHeader& header, const TextStyle& style);
[[nodiscard]] std::string run_as_markdown(Outcomes outcomes, const RunHeader& header, const TextStyle& style);
[[nodiscard]] std::string run_as_junit(Outcomes outcomes, const RunHeader& header, const TextStyle& style);
[[nodiscard]] std::string run_as_tap(Outcomes outcomes, const RunHeader& header, const TextStyle& style);
[[nodiscard]] std::string run_as_sarif(Outcomes outcomes, const RunHeader& header, const TextStyle& style);
[[nodiscard]] std::string run_as_github(Outcomes outcomes, const RunHeader& header, const TextStyle& style);
[[nodiscard]] std::string run_as_html(Outcomes outcomes, const RunHeader& header, const TextStyle& style);

[[nodiscard]] std::string report_as_json(const Report& report, const TextStyle& style);
[[nodiscard]] std::string report_as_csv(const Report& report, const TextStyle& style);
[[nodiscard]] std::string report_as_markdown(const Report& report, const TextStyle& style);

/// What a report was held against, from its request; `runs` where that does not say.
[[nodiscard]] Requirement::Level required_level(const Report& report);

/// How many outcomes have each status, by its number.
struct Tally {
  std::array<std::size_t, 5> of{};
  std::size_t total = 0;
  [[nodiscard]] std::size_t operator[](OutcomeStatus status) const { return of[static_cast<std::size_t>(status)]; }
  [[nodiscard]] bool met() const;  ///< nothing failed, unknown or in error
};
[[nodiscard]] Tally tally(Outcomes outcomes);
/// "12 checks: 8 passed, 3 failed, 1 waived".
[[nodiscard]] std::string summary_line(const Tally& tally);

/// What a person wants to know of an outcome that did not pass: its message, and why it is let pass.
[[nodiscard]] std::string explanation(const Outcome& outcome);
/// "ci/models.json:12:5"; empty when the outcome is not from a file.
[[nodiscard]] std::string place_text(const SourcePlace& place);
/// "5.7/11.6 GiB" of the accelerators, "4.9 GiB" of system memory; empty when nothing was computed.
[[nodiscard]] std::string memory_text(const Outcome& outcome);
/// "55 tok/s"; empty when unknown.
[[nodiscard]] std::string decode_text(const Outcome& outcome);
/// The verdict's code; empty for a question that was bad.
[[nodiscard]] std::string_view verdict_text(const Outcome& outcome);

}  // namespace willitrun
