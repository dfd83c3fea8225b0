#include "willitrun/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace willitrun {
namespace {

constexpr std::size_t max_quoted = 100;  // bytes of a foreign name that a message shows

// Well-formed sequences (Unicode 15, table 3-7): lead bytes, length, and the range of the second byte.
struct Sequence {
  unsigned char first_lead, last_lead;
  std::size_t length;
  unsigned char first_second, last_second;
};
constexpr std::array sequences{
    Sequence{0x00, 0x7F, 1, 0x00, 0x00}, Sequence{0xC2, 0xDF, 2, 0x80, 0xBF}, Sequence{0xE0, 0xE0, 3, 0xA0, 0xBF},
    Sequence{0xE1, 0xEC, 3, 0x80, 0xBF}, Sequence{0xED, 0xED, 3, 0x80, 0x9F}, Sequence{0xEE, 0xEF, 3, 0x80, 0xBF},
    Sequence{0xF0, 0xF0, 4, 0x90, 0xBF}, Sequence{0xF1, 0xF3, 4, 0x80, 0xBF}, Sequence{0xF4, 0xF4, 4, 0x80, 0x8F},
};

// Length of the sequence that starts `text`, 0 when it is broken.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto s = std::find_if(sequences.begin(), sequences.end(), [&](const Sequence& candidate) {
    return byte(0) >= candidate.first_lead && byte(0) <= candidate.last_lead;
  });
  if (s == sequences.end() || s->length > text.size()) return 0;
  if (s->length > 1 && (byte(1) < s->first_second || byte(1) > s->last_second)) return 0;
  for (std::size_t i = 2; i < s->length; ++i)
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  return s->length;
}

}  // namespace

std::size_t valid_utf8_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto length = sequence_length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

Utf8Character first_character(std::string_view text) {
  constexpr std::array<unsigned char, 5> lead_bits{0, 0x7F, 0x1F, 0x0F, 0x07};  // by length
  const auto length = sequence_length(text);
  if (length == 0) return {};
  char32_t code_point = static_cast<unsigned char>(text[0]) & lead_bits[length];
  for (std::size_t i = 1; i < length; ++i) code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {code_point, length};
}

std::string in_quotes(std::string_view text) {
  std::string out = "'";
  std::size_t at = 0;
  while (at < text.size() && at < max_quoted) {
    const auto length = sequence_length(text.substr(at));
    const auto byte = static_cast<unsigned char>(text[at]);
    // C1 control characters (U+0080 to U+009F) steer terminals as C0 ones do.
    const bool c1 = length == 2 && byte == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0;
    if (length == 0 || byte < 0x20 || byte == 0x7F || c1) {
      for (std::size_t i = 0; i < (c1 ? 2U : 1U); ++i)
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at + i]));
      at += c1 ? 2 : 1;
    } else {
      out += text.substr(at, length);
      at += length;
    }
  }
  return out + (at < text.size() ? "...'" : "'");
}

}  // namespace willitrun
