// The small words of driver and system texts: lines, numbers, pairs, sizes.
#include <algorithm>
#include <charconv>

#include "willitrun/detect_parse.hpp"

namespace willitrun {
namespace {

constexpr std::size_t most_lines = 100000, longest_name = 120;

}  // namespace

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < most_lines) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string_view trimmed_text(std::string_view text) {
  constexpr std::string_view blank(" \t\r\n\0", 5);  // device-tree strings end in a zero byte
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::optional<std::uint64_t> hex_number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto* end = digits.data() + digits.size();
  const auto [rest, code] = std::from_chars(digits.data(), end, value, 16);
  return code == std::errc() && rest == end && !digits.empty() ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  text = trimmed_text(text);
  if (text.starts_with("0x") || text.starts_with("0X")) return hex_number(text.substr(2));
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value);
  return code == std::errc() && rest == end && !text.empty() ? std::optional(value) : std::nullopt;
}

KeyValues key_values(std::string_view text, char separator) {
  KeyValues out;
  for (const auto line : lines_of(text)) {
    const auto at = line.find(separator);
    if (at == std::string_view::npos) continue;
    out.emplace(trimmed_text(line.substr(0, at)), trimmed_text(line.substr(at + 1)));
  }
  return out;
}

std::string clean_name(std::string_view text) {
  std::string out;
  for (const char c : trimmed_text(text)) {
    if (out.size() >= longest_name) break;
    const bool printable = c >= ' ' && c <= '~';
    if (printable && !(c == ' ' && out.ends_with(' '))) out += c;
  }
  return std::string(trimmed_text(out));
}

std::optional<Bytes> plausible_bytes(std::optional<std::uint64_t> count, Bytes unit) {
  constexpr Bytes most = Bytes{64} << 40;
  if (!count || *count == 0 || *count > most / unit) return std::nullopt;
  return *count * unit;
}

}  // namespace willitrun
