#include "willitrun/name_match.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

namespace willitrun {
namespace {

// ASCII only, whatever the locale.
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
constexpr bool is_alnum(char c) { return is_digit(c) || is_letter(c); }
constexpr bool is_mark(char c) { return c == '.' || c == '-'; }

bool all_digits(std::string_view word) { return !word.empty() && std::all_of(word.begin(), word.end(), is_digit); }

constexpr std::array<std::string_view, 20> brand_words{
    "nvidia", "geforce", "tesla",      "amd",  "ati",    "radeon", "instinct",    "intel",   "apple",    "qualcomm",
    "tm",     "r",       "generation", "card", "series", "gpu",    "accelerator", "adapter", "graphics", "corporation"};

constexpr std::array<std::string_view, 9> cpu_words{"amd", "intel", "core", "processor", "cpu",
                                                    "tm",  "r",     "gen",  "cores"};
constexpr std::array<std::string_view, 6> core_count_words{"four", "six", "eight", "twelve", "sixteen", "dual"};

struct VendorWord {
  std::string_view word;
  Vendor vendor;
};
constexpr std::array vendor_words{
    VendorWord{"nvidia", Vendor::nvidia},     VendorWord{"geforce", Vendor::nvidia},
    VendorWord{"tesla", Vendor::nvidia},      VendorWord{"quadro", Vendor::nvidia},
    VendorWord{"rtx", Vendor::nvidia},        VendorWord{"gtx", Vendor::nvidia},
    VendorWord{"jetson", Vendor::nvidia},     VendorWord{"amd", Vendor::amd},
    VendorWord{"radeon", Vendor::amd},        VendorWord{"instinct", Vendor::amd},
    VendorWord{"ryzen", Vendor::amd},         VendorWord{"intel", Vendor::intel},
    VendorWord{"arc", Vendor::intel},         VendorWord{"apple", Vendor::apple},
    VendorWord{"macbook", Vendor::apple},     VendorWord{"mac", Vendor::apple},
    VendorWord{"qualcomm", Vendor::qualcomm}, VendorWord{"snapdragon", Vendor::qualcomm},
};
constexpr std::array<std::string_view, 6> vendor_ids{"other", "nvidia", "amd", "intel", "apple", "qualcomm"};

/// "12P" and "4E" of "Apple M4 Max 12P+4E".
bool is_core_kind_count(std::string_view word) {
  return word.size() >= 2 && word.size() <= 3 && (word.back() == 'p' || word.back() == 'e') &&
         all_digits(word.substr(0, word.size() - 1));
}

}  // namespace

std::vector<std::string> name_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto flush = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_alnum(c)) {
      word += lower(c);
    } else if ((c == '.' || c == '_') && !word.empty() && is_digit(word.back()) && i + 1 < text.size() &&
               is_digit(text[i + 1])) {
      word += '.';
    } else {
      flush();
      if (c == '+') words.emplace_back("plus");
    }
  }
  flush();
  return words;
}

std::string spelled_key(std::span<const std::string> words) {
  std::string key;
  for (const auto& word : words) {
    if (!key.empty() && !word.empty() && is_digit(key.back()) && is_digit(word.front())) key += '-';
    key += word;
  }
  return key;
}

std::string spelled_key(std::string_view text) { return spelled_key(name_words(text)); }

std::string squeezed_key(std::string_view key) {
  std::string out;
  for (const char c : key)
    if (!is_mark(c)) out += c;
  return out;
}

int compare_squeezed(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (true) {
    while (i < a.size() && is_mark(a[i])) ++i;
    while (j < b.size() && is_mark(b[j])) ++j;
    if (i == a.size() || j == b.size()) return (i == a.size() ? 0 : 1) - (j == b.size() ? 0 : 1);
    if (a[i] != b[j]) return a[i] < b[j] ? -1 : 1;
    ++i;
    ++j;
  }
}

KeyMatch match_keys(std::string_view typed, std::string_view indexed) {
  if (typed == indexed) return KeyMatch::same;
  if (compare_squeezed(typed, indexed) != 0) return KeyMatch::none;
  bool all_places = true, same_kinds = true;
  std::size_t i = 0, j = 0;
  while (i < typed.size() || j < indexed.size()) {
    const bool typed_mark = i < typed.size() && is_mark(typed[i]);
    const bool indexed_mark = j < indexed.size() && is_mark(indexed[j]);
    if (typed_mark && !indexed_mark) return KeyMatch::none;
    if (indexed_mark && !typed_mark) all_places = false;
    if (indexed_mark && typed_mark && typed[i] != indexed[j]) same_kinds = false;
    i += typed_mark ? 1 : 0;
    j += indexed_mark ? 1 : 0;
    if (!typed_mark && !indexed_mark) {
      ++i;
      ++j;
    }
  }
  if (all_places) return KeyMatch::same_places;
  return same_kinds ? KeyMatch::marks_dropped : KeyMatch::none;
}

std::vector<std::string> without_brand(std::span<const std::string> words) {
  std::vector<std::string> out;
  for (const auto& word : words) {
    if (is_one_of(brand_words, word)) continue;
    out.push_back(word == "mobile" || word == "notebook" ? "laptop" : word);
  }
  return out;
}

std::vector<std::string> without_cpu_noise(std::string_view text) {
  // "@ 2.40GHz" and what follows, "(tigerlake)", "with Radeon Graphics", "w/ Radeon 780M Graphics".
  std::string plain;
  int depth = 0;
  const auto end = std::min(text.find('@'), text.find(" w/"));
  for (const char c : text.substr(0, end)) {
    if (c == '(') ++depth;
    plain += depth == 0 ? c : ' ';
    if (c == ')' && depth > 0) --depth;
  }
  std::vector<std::string> out;
  const auto words = name_words(plain);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    const bool before_core = i + 1 < words.size() && (words[i + 1] == "core" || words[i + 1] == "cores");
    if (word == "with") break;
    if (is_one_of(cpu_words, word)) continue;
    if (before_core && (all_digits(word) || is_one_of(core_count_words, word))) continue;
    if (word.size() == 4 && all_digits(word.substr(0, 2)) && word.ends_with("th")) continue;  // "11th Gen"
    if (is_core_kind_count(word) || (word == "plus" && i > 0 && is_core_kind_count(words[i - 1]))) continue;
    if (word == "0") continue;  // "Xeon E5-2670 0": the first version
    out.push_back(word);
  }
  return out;
}

std::vector<std::string> without_tuning(std::span<const std::string> words) {
  std::vector<std::string> out(words.begin(), words.end());
  while (out.size() > 1 && (out.back() == "instruct" || out.back() == "it" || out.back() == "chat")) out.pop_back();
  return out;
}

Vendor vendor_from_id(std::string_view id) {
  const auto it = std::find(vendor_ids.begin(), vendor_ids.end(), id);
  return it == vendor_ids.end() ? Vendor::other : static_cast<Vendor>(it - vendor_ids.begin());
}

std::string_view vendor_id(Vendor vendor) { return vendor_ids[static_cast<std::size_t>(vendor)]; }

std::uint32_t vendors_named(std::span<const std::string> words) {
  std::uint32_t named = 0;
  for (const auto& word : words)
    for (const auto& [text, vendor] : vendor_words)
      if (word == text) named |= 1U << static_cast<unsigned>(vendor);
  return named;
}

double size_in_words(std::span<const std::string> words, std::size_t at, std::size_t& used) {
  const auto& word = words[at];
  double value = 0;
  const auto [rest, code] = std::from_chars(word.data(), word.data() + word.size(), value, std::chars_format::fixed);
  if (code != std::errc() || value <= 0) return 0;
  std::string_view unit(rest, static_cast<std::size_t>(word.data() + word.size() - rest));
  used = 1;
  if (unit.empty() && at + 1 < words.size()) {
    unit = words[at + 1];
    used = 2;
    if (unit == "g") return 0;  // "80 g" is no size, "80g" is
  }
  return unit == "gb" || unit == "gib" || unit == "g" ? value : 0;
}

std::vector<std::string> name_tokens(std::string_view text) {
  std::vector<std::string> tokens;
  for (const auto& word : name_words(text)) {
    std::size_t start = 0;
    for (std::size_t i = 1; i < word.size(); ++i)
      if (is_digit(word[i]) && is_letter(word[i - 1])) {
        tokens.push_back(word.substr(start, i - start));
        start = i;
      }
    tokens.push_back(word.substr(start));
  }
  return tokens;
}

unsigned key_distance(std::string_view a, std::string_view b) {
  // Optimal string alignment; weights chosen so that one wrong digit counts like one and a half wrong letters.
  const auto weight = [](char c) { return is_digit(c) ? 3U : is_mark(c) ? 1U : 2U; };
  std::vector<unsigned> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 1; j <= b.size(); ++j) previous[j] = previous[j - 1] + weight(b[j - 1]);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = previous[0] + weight(a[i - 1]);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const unsigned swap = a[i - 1] == b[j - 1] ? 0U : std::max(weight(a[i - 1]), weight(b[j - 1]));
      row[j] = std::min({previous[j] + weight(a[i - 1]), row[j - 1] + weight(b[j - 1]), previous[j - 1] + swap});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 2U);
    }
    before.swap(previous);
    previous.swap(row);
  }
  return previous[b.size()];
}

}  // namespace willitrun
