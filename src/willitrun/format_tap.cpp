// A run as TAP 14 (testanything.org/tap-version-14-specification.html) with YAML diagnostics where a check did not
// pass.
#include <fmt/format.h>

#include "willitrun/escape.hpp"
#include "willitrun/format_writers.hpp"

namespace willitrun {
namespace {

/// JSON strings are YAML 1.2 double-quoted scalars: nothing in them can end the block.
std::string diagnostics(const Outcome& o) {
  std::string out = "  ---\n";
  const auto add = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) out += fmt::format("  {}: {}\n", key, json_quoted(value));
  };
  add("message", o.message);
  add("severity", name_of(o.status));
  add("code", o.code);
  add("model", o.model);
  add("quant", o.quant);
  add("machine", o.target);
  add("verdict", verdict_text(o));
  add("require", name_of(o.require));
  if (o.verdict) out += fmt::format("  total_bytes: {}\n  gpu_bytes: {}\n", o.total_bytes, o.gpu_bytes);
  add("at", place_text(o.place));
  return out + "  ...\n";
}

}  // namespace

std::string run_as_tap(Outcomes outcomes, const RunHeader& header, const TextStyle&) {
  auto out = fmt::format("TAP version 14\n1..{}\n", outcomes.size());
  if (!header.title.empty()) out += fmt::format("# {}\n", one_line(header.title));
  std::size_t number = 0;
  for (const auto& o : outcomes) {
    const bool passed = o.status == OutcomeStatus::passed;
    out += fmt::format("{} {} - {}", passed ? "ok" : "not ok", ++number, tap_escaped(o.name));
    // A test point to do does not fail the run.
    if (o.status == OutcomeStatus::waived) out += fmt::format(" # TODO {}", tap_escaped(o.waiver));
    out += "\n";
    if (!passed) out += diagnostics(o);
  }
  return out + fmt::format("# {}\n", summary_line(tally(outcomes)));
}

}  // namespace willitrun
