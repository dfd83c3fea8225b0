// Bytes, counts and their spelling. GB is 10^9 and GiB is 2^30, everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "willitrun/result.hpp"

namespace willitrun {

using Bytes = std::uint64_t;

inline constexpr Bytes kib = Bytes{1} << 10;
inline constexpr Bytes mib = Bytes{1} << 20;
inline constexpr Bytes gib = Bytes{1} << 30;

/// Sum or product, or nothing when it does not fit 64 bits.
[[nodiscard]] std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b);
[[nodiscard]] std::optional<std::uint64_t> checked_mul(std::uint64_t a, std::uint64_t b);

/// Smallest multiple of `step` (> 0) that is >= `value`.
[[nodiscard]] constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t step) {
  return (value + step - 1) / step * step;
}

/// "12GiB", "12GB", "12G" (= GiB), "512MiB", "0". A bare number other than 0 is refused; `what` names it in the error.
[[nodiscard]] Result<Bytes> parse_size(std::string_view text, std::string_view what);

/// Rows and the like, in decimal steps: "10M" = 10,000,000, "100k" = 100,000, "1.5B".
[[nodiscard]] Result<std::uint64_t> parse_count(std::string_view text, std::string_view what);

/// Tokens, in binary steps as the field writes them: "32k" = 32,768, "8192", "1M" = 1,048,576.
[[nodiscard]] Result<std::uint64_t> parse_tokens(std::string_view text, std::string_view what);

/// "4.31 GiB", "640 MiB", "17 B": three or four significant digits, for people.
[[nodiscard]] std::string format_bytes(Bytes bytes);
/// "4.0 GB", "25.6 MB": decimal units, for people.
[[nodiscard]] std::string format_decimal_bytes(Bytes bytes);
/// "8,192".
[[nodiscard]] std::string format_grouped(std::uint64_t value);

}  // namespace willitrun
