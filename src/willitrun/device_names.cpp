// Device names as people and drivers write them: counts, vendor words, memory sizes, driver remarks.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "willitrun/catalog.hpp"
#include "willitrun/catalog_lookup.hpp"
#include "willitrun/catalog_tables.hpp"
#include "willitrun/name_match.hpp"
#include "willitrun/pci_lookup.hpp"

namespace willitrun {
namespace {

using Words = std::vector<std::string>;
constexpr Wanted wanted{"gpu", "GPU"};
constexpr std::uint32_t max_count = 1024;

/// Words that say nothing about which device is meant; dropped only where the name is not known with them.
constexpr std::array<std::string_view, 16> filler_words{"quadro", "desktop", "vram",  "ram",   "memory", "unified",
                                                        "hbm2",   "hbm2e",   "hbm3",  "hbm3e", "igpu",   "chip",
                                                        "imac",   "edition", "gddr6", "gddr7"};
/// Machines that are named along with their chip.
constexpr std::array<std::array<std::string_view, 2>, 5> machine_names{
    {{"macbook", "pro"}, {"macbook", "air"}, {"mac", "studio"}, {"mac", "mini"}, {"mac", "pro"}}};
/// What a driver puts in parentheses behind a name starts with one of these.
constexpr std::array<std::string_view, 8> driver_words{"radv",   "amdvlk", "aco",   "llvm",
                                                       "nvidia", "amd",    "intel", "apple"};

struct Counted {
  std::uint32_t count = 1;
  std::string_view name;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The length of a multiplication sign ("x", "X", "*", U+00D7) at the front.
std::size_t times_sign(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] == 'x' || text[0] == 'X' || text[0] == '*') return 1;
  return text.starts_with("\xC3\x97") ? 2 : 0;
}

/// Counts in words, before the name.
struct CountWord {
  std::string_view word;
  std::uint32_t count;
};
constexpr std::array count_words{CountWord{"dual ", 2},   CountWord{"two ", 2},   CountWord{"twin ", 2},
                                 CountWord{"triple ", 3}, CountWord{"three ", 3}, CountWord{"quad ", 4},
                                 CountWord{"four ", 4},   CountWord{"six ", 6},   CountWord{"eight ", 8}};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// "dual 3090", "two 3090s", "2x 3090s": of several cards people speak in the plural.
std::string_view without_plural(std::string_view name) {
  const bool plural = name.size() > 2 && (name.back() == 's' || name.back() == 'S') && is_digit(name[name.size() - 2]);
  if (plural) name.remove_suffix(1);
  return name;
}

/// "2x rtx 3090", "4xA100-80GB", "2 x rtx 3090", "rtx3090 x2", "dual 3090". Nothing when there is no count.
std::optional<Counted> split_count(std::string_view text) {
  Counted out;
  const auto begins = lower(text.substr(0, 8));
  for (const auto& [word, count] : count_words)
    if (begins.starts_with(word)) return Counted{count, trimmed(text.substr(word.size()))};
  std::size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  auto rest = trimmed(text.substr(digits));
  const auto sign = times_sign(rest);
  const auto after = trimmed(rest.substr(sign));
  // Between two numbers the smaller one counts: "2x3090" and "3090x2" are both two cards.
  const bool two_numbers = sign > 0 && !after.empty() && std::all_of(after.begin(), after.end(), is_digit);
  const bool counts_name = two_numbers && after.size() < digits;
  if (digits > 0 && digits <= 4 && sign > 0 && !counts_name) {
    std::from_chars(text.data(), text.data() + digits, out.count);
    out.name = trimmed(rest.substr(sign));
    if (!out.name.empty()) return out;
  }
  digits = 0;
  while (digits < text.size() && is_digit(text[text.size() - 1 - digits])) ++digits;
  const auto before = trimmed(text.substr(0, text.size() - digits));
  for (const std::size_t width : {std::size_t{1}, std::size_t{2}}) {
    if (digits == 0 || digits > 4 || before.size() <= width ||
        times_sign(before.substr(before.size() - width)) != width)
      continue;
    const auto name = before.substr(0, before.size() - width);
    // "rx2" is a name, "rtx3090 x2" and "3090x2" are counts.
    if (trimmed(name).size() == name.size() && !is_digit(name.back())) continue;
    std::from_chars(text.data() + text.size() - digits, text.data() + text.size(), out.count);
    out.name = trimmed(name);
    return out;
  }
  return std::nullopt;
}

/// The text without parentheses that hold a driver's remark.
std::string without_driver_remarks(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto open = text.find('(');
    const auto close = open == std::string_view::npos ? open : text.find(')', open);
    if (close == std::string_view::npos) break;
    const auto inside = name_words(text.substr(open + 1, close - open - 1));
    const bool remark = !inside.empty() && std::any_of(driver_words.begin(), driver_words.end(),
                                                       [&](auto word) { return inside[0].starts_with(word); });
    out += text.substr(0, remark ? open : close + 1);
    out += ' ';
    text.remove_prefix(close + 1);
  }
  return out + std::string(text);
}

Words without_filler(const Words& words) {
  Words out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    const bool machine =
        i + 1 < words.size() && std::any_of(machine_names.begin(), machine_names.end(),
                                            [&](auto& name) { return word == name[0] && words[i + 1] == name[1]; });
    if (machine) {
      ++i;
      continue;
    }
    if (std::find(filler_words.begin(), filler_words.end(), word) != filler_words.end()) continue;
    if (word.size() > 3 && word.starts_with("cc") && is_digit(word[2])) continue;  // "cc8.6", llama.cpp's capability
    out.push_back(word);
  }
  return out;
}

struct Sized {
  Words words;
  double gib_count = 0;
};

/// The words without the memory size among them.
std::optional<Sized> split_size(const Words& words) {
  for (std::size_t i = words.size(); words.size() > 1 && i-- > 0;) {
    std::size_t used = 0;
    const double size = size_in_words(words, i, used);
    if (size <= 0 || used == words.size()) continue;
    Sized out{words, size};
    const auto at = out.words.begin() + static_cast<std::ptrdiff_t>(i);
    out.words.erase(at, at + static_cast<std::ptrdiff_t>(used));
    return out;
  }
  return std::nullopt;
}

struct Match {
  NameHit hit;
  double gib_count = 0;  // 0 = not said
};

std::vector<NameHit> lookup_vendor(const Words& words, std::uint32_t vendors) {
  const auto table = catalog_tables().devices;
  auto hits = lookup(table, spelled_key(words));
  hits.erase(std::remove_if(
                 hits.begin(), hits.end(),
                 [&](const NameHit& hit) { return vendors != 0 && vendors != 1U << table.entries[hit.entry].vendor; }),
             hits.end());
  return hits;
}

/// The name as typed, then with less and less around it; the first form the catalog knows decides.
Result<std::optional<Match>> search(std::string_view name) {
  const auto typed = name_words(name);
  const auto vendors = vendors_named(typed);
  const auto plain = without_brand(typed);
  const auto remarkless = without_brand(name_words(without_driver_remarks(name)));
  for (const auto& words : {typed, plain, remarkless, without_filler(remarkless)}) {
    std::vector<Match> found;
    for (const auto& hit : lookup_vendor(words, vendors)) found.push_back({hit});
    if (const auto sized = split_size(words); found.empty() && sized)
      for (const auto& hit : lookup_vendor(sized->words, vendors)) found.push_back({hit, sized->gib_count});
    if (found.size() == 1) return std::optional(found[0]);
    if (found.size() > 1) {
      std::vector<NameHit> hits;
      for (const auto& match : found) hits.push_back(match.hit);
      return ambiguous(wanted, name, ids_of(catalog_tables().devices, hits));
    }
  }
  return std::optional<Match>();
}

struct Variant {
  DeviceSpec spec;
  std::size_t entry;
  bool default_variant;
};

/// Every variant of the entry's product, each memory size on its own.
std::vector<Variant> variants_of(std::size_t entry) {
  const auto table = catalog_tables().devices;
  std::vector<Variant> out;
  for (std::size_t i = 0; i < table.entries.size(); ++i) {
    const auto& row = table.entries[i];
    if (row.product != table.entries[entry].product) continue;
    const auto read = read_device({row.json, row.json_size});
    if (read.options.empty()) out.push_back({read.spec, i, row.default_variant});
    for (const double option : read.options) {
      auto spec = with_memory(read, option);
      const bool chosen = row.default_variant && spec.memory_bytes == read.spec.memory_bytes;
      out.push_back({std::move(spec), i, chosen});
    }
  }
  return out;
}

Bytes bytes_of_gib(double gib_count) { return static_cast<Bytes>(gib_count * static_cast<double>(gib) + 0.5); }

Error no_such_size(std::string_view name, double gib_count, const std::vector<Variant>& variants) {
  std::vector<Bytes> sizes;
  Error error{"unknown_gpu", {}};
  for (const auto& variant : variants) {
    sizes.push_back(variant.spec.memory_bytes);
    if (error.suggestions.size() < 6) error.suggestions.push_back(variant.spec.id);
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  std::string list;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    list += fmt::format("{}{}",
                        i == 0                  ? ""
                        : i + 1 == sizes.size() ? " or "
                                                : ", ",
                        static_cast<double>(sizes[i]) / static_cast<double>(gib));
  error.message = fmt::format("GPU '{}': {} comes with {} GB, not {} GB", name.substr(0, 200),
                              variants.front().spec.product, list, gib_count);
  return error;
}

Result<Found<DeviceSpec>> choose(std::string_view name, const Match& match, std::uint32_t count) {
  const auto table = catalog_tables().devices;
  const auto& row = table.entries[match.hit.entry];
  const auto named = read_device({row.json, row.json_size});
  const bool settled = match.hit.names_variant && named.options.empty();
  if (settled && match.gib_count <= 0) return Found<DeviceSpec>{named.spec, {}, {}, count};

  auto variants = variants_of(match.hit.entry);
  const auto keep = [&](auto&& wanted_variant) {
    variants.erase(
        std::remove_if(variants.begin(), variants.end(), [&](const Variant& v) { return !wanted_variant(v); }),
        variants.end());
  };
  if (match.hit.names_variant) keep([&](const Variant& v) { return v.entry == match.hit.entry; });
  const auto all = variants;
  if (match.gib_count > 0) keep([&](const Variant& v) { return v.spec.memory_bytes == bytes_of_gib(match.gib_count); });
  if (variants.empty()) return no_such_size(name, match.gib_count, all);

  // The named entry first (an alias such as "a100-pcie" stands for one), then the product's default.
  const auto rank = [&](const Variant& v) {
    const bool own = v.entry == match.hit.entry;
    const bool own_size = own && (named.options.empty() || v.spec.memory_bytes == named.spec.memory_bytes);
    return own_size ? 0 : own ? 1 : v.default_variant ? 2 : 3;
  };
  const auto best = std::min_element(variants.begin(), variants.end(),
                                     [&](const Variant& a, const Variant& b) { return rank(a) < rank(b); });
  Found<DeviceSpec> found{best->spec, {}, {}, count};
  for (const auto& variant : variants)
    if (variant.spec.id != found.entry.id) found.other_variants.push_back(variant.spec.id);
  return found;
}

}  // namespace

Result<Found<DeviceSpec>> find_device(std::string_view name) {
  auto rest = trimmed(name);
  if (name_words(rest).empty()) return blank_name(wanted, name);
  std::uint32_t count = 1;
  auto match = search(rest);
  if (!match) return match.error();
  if (const auto counted = split_count(rest); !*match && counted) {
    if (counted->count == 0 || counted->count > max_count)
      return Error{"bad_value",
                   fmt::format("GPU '{}': the count must be between 1 and {}", name.substr(0, 200), max_count)};
    count = counted->count;
    rest = counted->name;
    match = search(rest);
    if (!match) return match.error();
    // The plural only when the singular is no name of its own: "1660s" is a GTX 1660 Super.
    if (!*match && count > 1) match = search(without_plural(rest));
    if (!match) return match.error();
  }
  if (!*match)
    if (auto by_id = find_by_pci_id(rest)) {
      if (*by_id) (*by_id)->count = count;
      return *std::move(by_id);
    }
  if (const auto cpu = *match ? Result<CpuSpec>(Error{}) : find_cpu(rest); cpu)
    return Error{"unknown_gpu",
                 fmt::format("'{}' is a processor; its own graphics are not listed under this name: name "
                             "those, or give --gpu none --cpu {}",
                             rest.substr(0, 200), cpu->id)};
  if (!*match) {
    auto words = without_filler(without_brand(name_words(rest)));
    if (const auto sized = split_size(words)) words = sized->words;
    return not_found(catalog_tables().devices, wanted, rest, words, vendors_named(name_words(rest)));
  }
  return choose(rest, **match, count);
}

}  // namespace willitrun
