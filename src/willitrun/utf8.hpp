// Text from outside: whether it is UTF-8, and a spelling of it that is safe to print.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace willitrun {

/// Bytes of `text` before the first that is not part of valid UTF-8 (RFC 3629); `text.size()` when all of it is.
[[nodiscard]] std::size_t valid_utf8_prefix(std::string_view text);
[[nodiscard]] inline bool is_valid_utf8(std::string_view text) { return valid_utf8_prefix(text) == text.size(); }

struct Utf8Character {
  char32_t code_point = 0;
  std::size_t length = 0;  ///< in bytes; 0: broken
};
/// The first character of a text that is not empty.
[[nodiscard]] Utf8Character first_character(std::string_view text);

/// 'text' in quotes for a message: control characters and broken UTF-8 as \xNN, long text cut with "...".
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace willitrun
