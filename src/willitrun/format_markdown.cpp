// A run as a Markdown table for a pull request, and as a step summary bounded in bytes.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/escape.hpp"
#include "willitrun/format_writers.hpp"
#include "willitrun/table.hpp"

namespace willitrun {
namespace {

constexpr std::array<std::string_view, 5> marks{"✅", "❌", "☑️", "❔", "⛔"};  // by status

template <class Wanted>
Table table_of(Outcomes outcomes, Wanted wanted) {
  Table table;
  table.columns = {{"Status"},
                   {"Check"},
                   {"Verdict"},
                   {"Quant"},
                   {"Context", Align::right},
                   {"Memory", Align::right},
                   {"Decoding", Align::right},
                   {"Why"}};
  for (const auto& o : outcomes)
    if (wanted(o))
      table.rows.push_back({fmt::format("{} {}", marks[static_cast<std::size_t>(o.status)], name_of(o.status)), o.name,
                            std::string(verdict_text(o)), o.quant, o.n_ctx == 0 ? "" : format_grouped(o.n_ctx),
                            memory_text(o), decode_text(o), explanation(o)});
  return table;
}

std::string title_of(const RunHeader& header) {
  return header.title.empty() ? std::string() : fmt::format("### {}\n\n", markdown_cell(header.title));
}

std::string footer_of(const RunHeader& header) {
  const auto date = header.date.empty() ? std::string() : ", " + header.date;
  return markdown_cell(fmt::format("willitrun {}, catalog {}{}", header.tool_version, header.catalog_version, date)) +
         "\n";
}

/// Whole lines of `text`, as many as `limit` bytes take, and how many were left.
std::pair<std::string, std::size_t> first_lines(const std::string& text, std::size_t limit) {
  if (text.size() <= limit) return {text, 0};
  const auto end = limit == 0 ? std::string::npos : text.rfind('\n', limit - 1);
  const auto kept = end == std::string::npos ? 0 : end + 1;
  return {text.substr(0, kept),
          static_cast<std::size_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(kept), text.end(), '\n'))};
}

}  // namespace

std::string run_as_markdown(Outcomes outcomes, const RunHeader& header, const TextStyle&) {
  const auto all = table_of(outcomes, [](const Outcome&) { return true; });
  return title_of(header) + "**" + summary_line(tally(outcomes)) + "**\n\n" +
         (outcomes.empty() ? std::string() : to_markdown(all) + "\n") + footer_of(header);
}

std::string step_summary(std::span<const Outcome> outcomes, const RunHeader& header, std::size_t limit) {
  constexpr std::size_t frame = 256;  // bytes of the lines around the rows
  const auto counts = tally(outcomes);
  auto out = title_of(header) + "**" + summary_line(counts) + "**\n\n";
  const auto end = footer_of(header);
  const auto room = [&] {
    const auto used = out.size() + end.size() + frame;
    return limit > used ? limit - used : 0;
  };
  std::size_t left = 0;
  const auto problems = table_of(outcomes, [](const Outcome& o) { return o.status != OutcomeStatus::passed; });
  if (!problems.rows.empty()) {
    const auto [text, more] = first_lines(to_markdown(problems), room());
    out += text + "\n";
    left += more;
  }
  const auto good = table_of(outcomes, [](const Outcome& o) { return o.status == OutcomeStatus::passed; });
  if (!good.rows.empty()) {
    const auto [text, more] = first_lines(to_markdown(good), room());
    if (!text.empty())
      out += fmt::format("<details><summary>{} passed</summary>\n\n{}\n</details>\n\n", good.rows.size(), text);
    left += more;
  }
  if (left > 0) out += fmt::format("{} more left out for length.\n\n", format_grouped(left));
  return out + end;
}

}  // namespace willitrun
