#include "willitrun/format_writers.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "willitrun/figures.hpp"

namespace willitrun {

Requirement::Level required_level(const Report& report) {
  using enum Requirement::Level;
  const auto& request = report.request;
  const auto it = std::find_if(request.begin(), request.end(), [](const auto& o) { return o.first == "require"; });
  const auto* text = it == request.end() ? nullptr : std::get_if<std::string>(&it->second);
  for (const auto level : {gpu, fits})
    if (text != nullptr && *text == name_of(level)) return level;
  return runs;
}

bool Tally::met() const {
  return of[static_cast<std::size_t>(OutcomeStatus::passed)] + of[static_cast<std::size_t>(OutcomeStatus::waived)] ==
         total;
}

Tally tally(Outcomes outcomes) {
  Tally out;
  for (const auto& outcome : outcomes) ++out.of[static_cast<std::size_t>(outcome.status)];
  out.total = outcomes.size();
  return out;
}

std::string summary_line(const Tally& tally) {
  auto out = fmt::format("{} check{}", format_grouped(tally.total), tally.total == 1 ? "" : "s");
  std::string_view separator = ": ";
  for (std::size_t s = 0; s < tally.of.size(); ++s) {
    if (tally.of[s] == 0) continue;
    out += fmt::format("{}{} {}", separator, format_grouped(tally.of[s]), name_of(static_cast<OutcomeStatus>(s)));
    separator = ", ";
  }
  return out;
}

std::string explanation(const Outcome& outcome) {
  const auto& why = outcome.message.empty() ? outcome.code : outcome.message;
  return outcome.waiver.empty() ? why : fmt::format("{}; waived: {}", why, outcome.waiver);
}

std::string place_text(const SourcePlace& place) {
  if (place.file.empty()) return {};
  if (place.line == 0) return place.file;
  return place.column == 0 ? fmt::format("{}:{}", place.file, place.line)
                           : fmt::format("{}:{}:{}", place.file, place.line, place.column);
}

std::string memory_text(const Outcome& outcome) {
  if (outcome.gpu_usable_bytes > 0)
    return fmt::format("{}/{} GiB", gib_text(outcome.gpu_bytes), gib_text(outcome.gpu_usable_bytes));
  return outcome.total_bytes > 0 ? gib_text(outcome.total_bytes) + " GiB" : std::string();
}

std::string decode_text(const Outcome& outcome) {
  return outcome.decode_tokens_per_s ? speed_text(outcome.decode_tokens_per_s->mid) + " tok/s" : std::string();
}

std::string_view verdict_text(const Outcome& outcome) {
  return outcome.verdict ? name_of(*outcome.verdict) : std::string_view();
}

}  // namespace willitrun
