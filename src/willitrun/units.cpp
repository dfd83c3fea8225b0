#include "willitrun/units.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace willitrun {
namespace {

struct Suffix {
  std::string_view text;  // lower case
  std::uint64_t factor;
};

constexpr std::array size_suffixes{
    Suffix{"b", 1},
    Suffix{"kib", kib},
    Suffix{"mib", mib},
    Suffix{"gib", gib},
    Suffix{"tib", gib << 10},
    Suffix{"kb", 1'000},
    Suffix{"mb", 1'000'000},
    Suffix{"gb", 1'000'000'000},
    Suffix{"tb", 1'000'000'000'000},
    Suffix{"k", kib},
    Suffix{"m", mib},
    Suffix{"g", gib},
    Suffix{"t", gib << 10},
};
constexpr std::array count_suffixes{
    Suffix{"", 1},
    Suffix{"k", 1'000},
    Suffix{"m", 1'000'000},
    Suffix{"b", 1'000'000'000},
    Suffix{"g", 1'000'000'000},
    Suffix{"t", 1'000'000'000'000},
};
constexpr std::array token_suffixes{Suffix{"", 1}, Suffix{"k", 1024}, Suffix{"m", 1024 * 1024}};

Error bad_value(std::string_view what, std::string_view text, std::string_view expected) {
  return Error{"bad_value", fmt::format("{} '{}': {}", what, text, expected)};
}

/// Of what there is no half: "1.5B" rows are whole, "8192.5" tokens are not. Decimals are seldom exact in binary.
bool is_whole(double value) { return std::abs(value - std::round(value)) <= value * 1e-9; }

/// A decimal number and its suffix; the product must fit 64 bits and, where `whole_only`, be a whole number.
template <std::size_t N>
Result<std::uint64_t> parse_scaled(std::string_view text, std::string_view what, const std::array<Suffix, N>& suffixes,
                                   std::string_view expected, bool whole_only) {
  double number = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (code != std::errc() || text.empty() || text[0] == '-') return bad_value(what, text, expected);
  std::string suffix;
  for (const char* p = rest; p != end; ++p)
    if (*p != ' ') suffix += static_cast<char>(std::tolower(static_cast<unsigned char>(*p)));
  for (const auto& s : suffixes) {
    if (suffix != s.text) continue;
    // Whole numbers stay exact; fractions ("1.5GiB") round to the nearest byte.
    std::uint64_t whole = 0;
    const auto [whole_end, whole_code] = std::from_chars(text.data(), rest, whole);
    if (whole_code == std::errc() && whole_end == rest) {
      const auto product = checked_mul(whole, s.factor);
      if (product) return *product;
    } else if (const double product = number * static_cast<double>(s.factor); product < 1.8e19) {
      if (whole_only && !is_whole(product)) return bad_value(what, text, expected);
      return static_cast<std::uint64_t>(std::llround(product));
    }
    return bad_value(what, text, "is too large");
  }
  return bad_value(what, text, expected);
}

std::string scaled(Bytes bytes, double step, const std::array<std::string_view, 5>& names) {
  if (static_cast<double>(bytes) < step) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= step * 0.9995 && unit + 1 < names.size()) {
    value /= step;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, names[unit]);
}

}  // namespace

std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  return a > UINT64_MAX - b ? std::nullopt : std::optional(a + b);
}

std::optional<std::uint64_t> checked_mul(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > UINT64_MAX / b ? std::nullopt : std::optional(a * b);
}

Result<Bytes> parse_size(std::string_view text, std::string_view what) {
  if (text == "0") return Bytes{0};
  return parse_scaled(text, what, size_suffixes, "needs a number and a unit, such as 12GiB, 12GB or 512MiB", false);
}

Result<std::uint64_t> parse_count(std::string_view text, std::string_view what) {
  return parse_scaled(text, what, count_suffixes, "needs a whole number, such as 150000, 100k, 10M or 1.5B", true);
}

Result<std::uint64_t> parse_tokens(std::string_view text, std::string_view what) {
  return parse_scaled(text, what, token_suffixes, "needs a number of tokens, such as 8192 or 32k", true);
}

std::string format_bytes(Bytes bytes) { return scaled(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB"}); }

std::string format_decimal_bytes(Bytes bytes) { return scaled(bytes, 1000, {"B", "kB", "MB", "GB", "TB"}); }

std::string format_grouped(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (auto i = static_cast<std::ptrdiff_t>(text.size()) - 3; i > 0; i -= 3)
    text.insert(static_cast<std::size_t>(i), 1, ',');
  return text;
}

}  // namespace willitrun
