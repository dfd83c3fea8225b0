// Lines for a terminal: colour, bars, wrapping. Widths are counted in characters, not bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "willitrun/report.hpp"
#include "willitrun/units.hpp"

namespace willitrun {

enum class Color : std::uint8_t { none, bold, dim, red, green, yellow, blue };

/// Characters of UTF-8 text, as far as one takes one column.
[[nodiscard]] std::size_t characters(std::string_view text);

[[nodiscard]] std::string colored(std::string_view text, Color color, const TextStyle& style);

struct BarPart {
  Bytes bytes = 0;
  std::string_view glyph, ascii;
};
/// A bar of `cells` characters in which the parts and what is free have their share of `capacity`.
[[nodiscard]] std::string bar(const std::vector<BarPart>& parts, Bytes capacity, unsigned cells, bool unicode);

/// `items` joined by `separator`, wrapped at the style's width; the first line after `lead`, the others indented to it.
[[nodiscard]] std::string wrapped(std::string_view lead, const std::vector<std::string>& items,
                                  std::string_view separator, const TextStyle& style);

}  // namespace willitrun
