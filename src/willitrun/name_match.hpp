// How names are compared: one spelling per name, exact matches only. Shared by the library and the embed step.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace willitrun {

template <std::size_t N>
[[nodiscard]] bool is_one_of(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// Lower-case words of letters and digits. A point or underscore between two digits is a decimal point and stays,
/// '+' is the word "plus".
[[nodiscard]] std::vector<std::string> name_words(std::string_view text);

/// The key a name is indexed by: its words run together, except that two digits that were apart stay apart:
/// "Llama 3.1 8B" -> "llama3.1-8b", "llama-3-18b" -> "llama3-18b", "RTX 3060 12GB" -> "rtx3060-12gb".
[[nodiscard]] std::string spelled_key(std::span<const std::string> words);
[[nodiscard]] std::string spelled_key(std::string_view text);

/// The key without its marks ('.' and '-'), which is the index's sort order.
[[nodiscard]] std::string squeezed_key(std::string_view key);
[[nodiscard]] int compare_squeezed(std::string_view a, std::string_view b);

/// How well a typed key names an indexed one of the same letters and digits; smaller is better, `none` is no match.
/// Dropping marks is common ("llama31-8b", "rtx306012gb"), setting them elsewhere means another name ("llama3-18b").
enum class KeyMatch : std::uint8_t { same, same_places, marks_dropped, none };
[[nodiscard]] KeyMatch match_keys(std::string_view typed, std::string_view indexed);

/// A device name's words without vendor and marketing words; "mobile" and "notebook" read "laptop".
[[nodiscard]] std::vector<std::string> without_brand(std::span<const std::string> words);

/// A processor's words without vendor words, clock, core count and graphics.
[[nodiscard]] std::vector<std::string> without_cpu_noise(std::string_view text);

/// A model name's words without a trailing "instruct", "it" or "chat".
[[nodiscard]] std::vector<std::string> without_tuning(std::span<const std::string> words);

enum class Vendor : std::uint8_t { other, nvidia, amd, intel, apple, qualcomm };
[[nodiscard]] Vendor vendor_from_id(std::string_view id);
[[nodiscard]] std::string_view vendor_id(Vendor vendor);
/// Bit 1 << vendor for every vendor the words speak of ("geforce", "radeon"), 0 for none.
[[nodiscard]] std::uint32_t vendors_named(std::span<const std::string> words);

/// "80gb", "80g" or "80" "gb" as a size in GiB at `at`; `used` words. 0 when there is none.
[[nodiscard]] double size_in_words(std::span<const std::string> words, std::size_t at, std::size_t& used);

/// Pieces that carry meaning on their own: "RTX 3060-12GB" -> rtx 3060 12gb, "llama3.1-8b" -> llama 3.1 8b.
[[nodiscard]] std::vector<std::string> name_tokens(std::string_view text);

/// Weighted edit distance of two keys: a digit weighs more than a letter, a mark less.
[[nodiscard]] unsigned key_distance(std::string_view a, std::string_view b);

}  // namespace willitrun
