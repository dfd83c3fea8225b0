#include "willitrun/suggest.hpp"

#include <algorithm>
#include <cctype>

namespace willitrun {
namespace {

std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Optimal string alignment over three rolling rows.
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(previous);
    previous.swap(row);
  }
  return previous[b.size()];
}

std::vector<std::string> nearest(std::string_view text, std::span<const std::string_view> candidates,
                                 std::size_t limit) {
  struct Scored {
    std::size_t distance;
    std::string_view name;
  };
  const auto wanted = squeezed(text.substr(0, 200));
  std::vector<Scored> scored;
  for (const auto name : candidates) {
    const auto have = squeezed(name);
    auto distance = edit_distance(wanted, have);
    // A name that starts with what was typed is near, however long its tail.
    if (wanted.size() >= 3 && have.starts_with(wanted)) distance = std::min<std::size_t>(distance, 2);
    const auto bound = std::max<std::size_t>(2, std::max(wanted.size(), have.size()) / 3);
    if (distance <= bound) scored.push_back({distance, name});
  }
  std::stable_sort(scored.begin(), scored.end(), [](const Scored& a, const Scored& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.name < b.name;
  });
  std::vector<std::string> out;
  for (const auto& s : scored) {
    if (out.size() == limit) break;
    if (std::find(out.begin(), out.end(), s.name) == out.end()) out.emplace_back(s.name);
  }
  return out;
}

std::string did_you_mean(const std::vector<std::string>& suggestions) {
  if (suggestions.empty()) return {};
  std::string out = "; did you mean ";
  for (std::size_t i = 0; i < suggestions.size(); ++i) {
    if (i > 0) out += i + 1 == suggestions.size() ? " or " : ", ";
    out += suggestions[i];
  }
  return out + "?";
}

}  // namespace willitrun
