#include "willitrun/log_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "willitrun/units.hpp"

namespace willitrun {
namespace {

constexpr std::size_t longest_capture = 80, longest_skip = 200, longest_number = 24;

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Characters of `text` that the literal takes from its start, or npos.
std::size_t literal_at(std::string_view literal, std::string_view text) {
  std::size_t at = 0;
  for (const char c : literal) {
    if (c == ' ') {
      const auto from = at;
      while (at < text.size() && is_space(text[at])) ++at;
      if (at == from) return std::string_view::npos;
    } else if (at < text.size() && small(text[at]) == small(c)) {
      ++at;
    } else {
      return std::string_view::npos;
    }
  }
  return at;
}

struct Number {
  double value = 0;
  std::size_t length = 0;
};
/// Digits with commas between and perhaps a fraction.
std::optional<Number> number_at(std::string_view text, bool fraction) {
  std::string digits;
  std::size_t at = 0;
  for (; at < text.size() && at < longest_number; ++at) {
    const char c = text[at];
    if (c == ',' && at + 1 < text.size() && is_digit(text[at + 1])) continue;
    const bool point = fraction && c == '.' && at + 1 < text.size() && is_digit(text[at + 1]);
    if (!is_digit(c) && !point) break;
    digits += c;
  }
  Number out;
  out.length = at;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), out.value);
  if (digits.empty() || code != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return out;
}

struct Unit {
  std::string_view name;
  Bytes bytes;
};
constexpr std::array units{Unit{"TiB", gib << 10}, Unit{"GiB", gib}, Unit{"MiB", mib}, Unit{"KiB", kib},
                           Unit{"TB", gib << 10},  Unit{"GB", gib},  Unit{"MB", mib},  Unit{"KB", kib},
                           Unit{"bytes", 1},       Unit{"B", 1}};

std::size_t size_at(std::string_view text, std::string_view name, Captures& out) {
  const auto number = number_at(text, true);
  if (!number) return std::string_view::npos;
  auto at = number->length;
  if (at < text.size() && text[at] == ' ') ++at;
  for (const auto& unit : units) {
    const auto length = literal_at(unit.name, text.substr(at));
    if (length == std::string_view::npos) continue;
    const double bytes = number->value * static_cast<double>(unit.bytes);
    if (!(bytes < 1e18)) return std::string_view::npos;
    out.numbers.insert_or_assign(std::string(name), static_cast<std::uint64_t>(bytes));
    out.shown.insert_or_assign(std::string(name), format_bytes(static_cast<Bytes>(bytes)));
    return at + length;
  }
  return std::string_view::npos;
}

/// A number whose unit, GiB, stands further on.
std::size_t gibibytes_at(std::string_view text, std::string_view name, Captures& out) {
  const auto number = number_at(text, true);
  if (!number || !(number->value < 1e9)) return std::string_view::npos;
  const auto bytes = static_cast<Bytes>(number->value * static_cast<double>(gib));
  out.numbers.insert_or_assign(std::string(name), bytes);
  out.shown.insert_or_assign(std::string(name), format_bytes(bytes));
  return number->length;
}

std::size_t count_at(std::string_view text, std::string_view name, bool is_bytes, Captures& out) {
  const auto number = number_at(text, false);
  if (!number || !(number->value < 1e18)) return std::string_view::npos;
  const auto value = static_cast<std::uint64_t>(number->value);
  out.numbers.insert_or_assign(std::string(name), value);
  out.shown.insert_or_assign(std::string(name), is_bytes ? format_bytes(value) : format_grouped(value));
  return number->length;
}

struct Piece {
  std::string_view kind, text;  // kind empty: a literal
};
std::vector<Piece> pieces_of(std::string_view pattern) {
  std::vector<Piece> out;
  while (!pattern.empty()) {
    const auto open = std::min(pattern.find('{'), pattern.size());
    if (open > 0) out.push_back({{}, pattern.substr(0, open)});
    pattern.remove_prefix(open);
    if (pattern.empty()) break;
    const auto close = pattern.find('}');
    const auto inside = pattern.substr(1, close - 1);
    const auto colon = std::min(inside.find(':'), inside.size());
    out.push_back({inside.substr(0, colon), inside.substr(std::min(colon + 1, inside.size()))});
    pattern.remove_prefix(close + 1);
  }
  return out;
}

/// Where the literal begins within the next `most` characters, or npos.
std::size_t ahead(std::string_view literal, std::string_view text, std::size_t most) {
  for (std::size_t at = 0; at <= most && at < text.size(); ++at)
    if (literal_at(literal, text.substr(at)) != std::string_view::npos) return at;
  return std::string_view::npos;
}

bool match_here(const std::vector<Piece>& pieces, std::string_view text, Captures& out) {
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto& [kind, name] = pieces[i];
    std::size_t taken = 0;
    if (kind.empty()) {
      taken = literal_at(name, text);
    } else if (kind == "size") {
      taken = size_at(text, name, out);
    } else if (kind == "gib") {
      taken = gibibytes_at(text, name, out);
    } else if (kind == "count" || kind == "bytes") {
      taken = count_at(text, name, kind == "bytes", out);
    } else {
      const auto next = i + 1 < pieces.size() ? pieces[i + 1].text : std::string_view("\n");
      taken = ahead(next, text, kind == "text" ? longest_capture : longest_skip);
      if (kind == "text" && taken != std::string_view::npos)
        out.shown.insert_or_assign(std::string(name), std::string(text.substr(0, taken)));
    }
    if (taken == std::string_view::npos) return false;
    text.remove_prefix(taken);
  }
  return true;
}

}  // namespace

std::optional<Captures> find_pattern(std::string_view pattern, std::string_view text) {
  const auto pieces = pieces_of(pattern);
  const char first = small(pieces.front().text.front());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (small(text[at]) != first) continue;
    Captures captures;
    if (match_here(pieces, text.substr(at), captures)) return captures;
  }
  return std::nullopt;
}

}  // namespace willitrun
