// The messages we know, as data.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace willitrun {

/// What a number in a message can stand for when the fit is checked again.
enum class Meaning : std::uint8_t { none, free_vram, ram, ctx };

struct KnownMessage {
  std::string_view code, title;
  std::array<std::string_view, 6> patterns;  ///< see log_pattern.hpp; the first that matches counts, the fullest first
  std::string_view meaning;                  ///< {NAME} stands for what the pattern took; {a-b} for a difference
  std::array<std::string_view, 4> advice;
  /// What may be used: the sum of these captures, where all are there.
  Meaning usable = Meaning::none;
  std::array<std::string_view, 2> usable_sum{};
};

/// The most telling first: a log may hold several.
[[nodiscard]] std::span<const KnownMessage> known_messages();

}  // namespace willitrun
