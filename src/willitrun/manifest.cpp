#include "willitrun/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace willitrun {
namespace {

bool has(const std::vector<std::uint32_t>& sorted, std::uint32_t index) {
  return std::binary_search(sorted.begin(), sorted.end(), index);
}

/// All of `text` as a number, no sign; nothing otherwise.
std::optional<int> digits(std::string_view text) {
  int value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || text[0] == '-') return std::nullopt;
  return value;
}

}  // namespace

std::string to_text(const ManifestProblem& problem) {
  const auto& at = problem.place;
  std::string out = at.file;
  if (at.line != 0) out += fmt::format(":{}:{}", at.line, at.column);
  if (!at.pointer.empty()) out += fmt::format(": {}", at.pointer);
  return out + ": " + problem.error.message;
}

const ManifestWaiver* find_waiver(const Manifest& manifest, bool budget, std::uint32_t index, std::uint32_t target) {
  const ManifestWaiver* found = nullptr;
  for (const auto& waiver : manifest.waivers) {
    if (!has(budget ? waiver.budgets : waiver.models, index) || !has(waiver.targets, target)) continue;
    if (found == nullptr || waiver.expires > found->expires) found = &waiver;
  }
  return found;
}

void apply_waiver(const ManifestWaiver& waiver, std::chrono::year_month_day today, Outcome& outcome) {
  if (outcome.status != OutcomeStatus::failed && outcome.status != OutcomeStatus::unknown) return;
  if (waiver.expires < today) {
    outcome.message +=
        fmt::format("; waived until {} by {}: {}", format_day(waiver.expires), waiver.owner, waiver.reason);
    return;
  }
  outcome.status = OutcomeStatus::waived;
  outcome.waiver = fmt::format("{} ({}, until {})", waiver.reason, waiver.owner, format_day(waiver.expires));
}

std::optional<std::chrono::year_month_day> parse_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits(text.substr(0, 4)), month = digits(text.substr(5, 2)), day = digits(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day out{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                        std::chrono::day(static_cast<unsigned>(*day))};
  return out.ok() ? std::optional(out) : std::nullopt;
}

std::string format_day(std::chrono::year_month_day day) {
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                     static_cast<unsigned>(day.day()));
}

bool matches_pattern(std::string_view name, std::string_view pattern) {
  std::size_t n = 0, p = 0, star = pattern.npos, after = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++n, ++p;
    } else if (star != pattern.npos) {
      // The last star takes one more.
      p = star + 1;
      n = ++after;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

}  // namespace willitrun
