// Near misses for a name nobody knows.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace willitrun {

/// Up to `limit` candidates nearest to `text` by edit distance over their normalised spellings, nearest first;
/// those too far to be a typo are left out.
[[nodiscard]] std::vector<std::string> nearest(std::string_view text, std::span<const std::string_view> candidates,
                                               std::size_t limit = 3);

/// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// "; did you mean a, b or c?", or nothing.
[[nodiscard]] std::string did_you_mean(const std::vector<std::string>& suggestions);

}  // namespace willitrun
