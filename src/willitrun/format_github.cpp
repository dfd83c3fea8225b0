// A run as GitHub workflow commands: annotations on the lines that asked.
// GitHub shows 10 errors, 10 warnings and 10 notices a step and drops the rest (docs.github.com, "Workflow commands").
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/escape.hpp"
#include "willitrun/format_writers.hpp"

namespace willitrun {
namespace {

struct Kind {
  std::string_view command;
  std::size_t most;
};
constexpr Kind error{"error", 10}, warning{"warning", 10}, notice{"notice", 9};  // the last notice counts the rest
constexpr std::array<const Kind*, 5> kinds{nullptr, &error, &notice, &warning, &error};  // by status

std::string annotation(std::string_view command, const Outcome& o) {
  std::string properties;
  const auto& place = o.place;
  if (!place.file.empty()) {
    properties += fmt::format("file={},", workflow_escaped(place.file, true));
    if (place.line > 0) properties += fmt::format("line={},", place.line);
    if (place.line > 0 && place.column > 0) properties += fmt::format("col={},", place.column);
  }
  return fmt::format("::{} {}title={}::{}\n", command, properties, workflow_escaped(o.name, true),
                     workflow_escaped(explanation(o), false));
}

}  // namespace

std::string run_as_github(Outcomes outcomes, const RunHeader&, const TextStyle&) {
  std::string out;
  std::size_t left = 0;
  std::array<std::pair<const Kind*, std::size_t>, 3> shown{{{&error, 0}, {&warning, 0}, {&notice, 0}}};
  for (const auto& o : outcomes) {
    const auto* kind = kinds[static_cast<std::size_t>(o.status)];
    if (kind == nullptr) continue;
    auto& count = std::find_if(shown.begin(), shown.end(), [&](const auto& s) { return s.first == kind; })->second;
    if (count == kind->most)
      ++left;
    else
      out += annotation(kind->command, o);
    count = std::min(count + 1, kind->most);
  }
  if (left > 0) out += fmt::format("::notice title=willitrun::{} more did not pass or are waived\n", left);
  // Not a command: for those who read the log.
  return out + summary_line(tally(outcomes)) + "\n";
}

}  // namespace willitrun
