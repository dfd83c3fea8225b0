// Typed text to numbers, with errors that name the option.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "willitrun/result.hpp"

namespace willitrun::cli {

/// A whole number in [low, high].
[[nodiscard]] inline Result<std::uint32_t> parse_whole(std::string_view text, std::string_view option,
                                                       std::uint32_t low, std::uint32_t high) {
  std::uint32_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || rest != end || value < low || value > high)
    return Error{"bad_value", fmt::format("{} '{}': must be a whole number from {} to {}", option, text, low, high)};
  return value;
}

/// A positive number.
[[nodiscard]] inline Result<double> parse_positive(std::string_view text, std::string_view option) {
  double value = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || rest != end || !std::isfinite(value) || value <= 0)
    return Error{"bad_value", fmt::format("{} '{}': must be a number above 0", option, text)};
  return value;
}

}  // namespace willitrun::cli
