// A run for a terminal: one aligned table, then why each check that did not pass did not.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/escape.hpp"
#include "willitrun/format_writers.hpp"
#include "willitrun/table.hpp"

namespace willitrun {
namespace {

constexpr std::array status_colors{Color::green, Color::red, Color::yellow, Color::yellow, Color::red};

Color color_of(OutcomeStatus status) { return status_colors[static_cast<std::size_t>(status)]; }

/// Of several models side by side one wants to know who takes what, even where all is well.
bool is_budget(const Outcome& outcome) { return outcome.code == "budget"; }

std::string reason_text(const Outcome& o, const TextStyle& style) {
  const auto status = name_of(o.status);
  const auto lead = fmt::format("{:<9}", status);
  std::vector<std::string> items{one_line(o.name + ": " + explanation(o))};
  if (const auto place = place_text(o.place); !place.empty()) items.push_back(one_line("(" + place + ")"));
  const auto text = wrapped(lead, items, " ", style);
  return colored(status, color_of(o.status), style) + text.substr(status.size());
}

/// A pass that rests on system memory nobody stated.
std::string presumed_text(const Outcome& o, const TextStyle& style) {
  return wrapped(
      "presumed ",
      {one_line(o.name + ":"), format_bytes(o.presumed_bytes), "of system memory, as the target states no \"ram\""},
      " ", style);
}

}  // namespace

std::string run_as_text(Outcomes outcomes, const RunHeader& header, const TextStyle& style) {
  Table table;
  table.columns = {{"STATUS"},
                   {"CHECK"},
                   {"VERDICT"},
                   {"QUANT", Align::left, 2},
                   {"CONTEXT", Align::right, 3},
                   {"MEMORY", Align::right},
                   {"SPEED", Align::right, 1}};
  for (const auto& o : outcomes) {
    table.rows.push_back({std::string(name_of(o.status)), o.name, std::string(verdict_text(o)), o.quant,
                          o.n_ctx == 0 ? std::string() : format_grouped(o.n_ctx), memory_text(o), decode_text(o)});
    table.colors.push_back(color_of(o.status));
  }
  std::string out = header.title.empty() ? std::string() : one_line(header.title) + "\n\n";
  if (!outcomes.empty()) out += to_text(table, style) + "\n";
  const auto counts = tally(outcomes);
  std::string reasons;
  for (const auto& o : outcomes)
    if (o.status != OutcomeStatus::passed || is_budget(o)) reasons += reason_text(o, style);
  for (const auto& o : outcomes)
    if (o.status == OutcomeStatus::passed && o.presumed_bytes > 0) reasons += presumed_text(o, style);
  if (!reasons.empty()) reasons += "\n";
  return out + reasons + colored(summary_line(counts), counts.met() ? Color::green : Color::red, style) + "\n";
}

}  // namespace willitrun
