#include "willitrun/catalog_lookup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "willitrun/name_match.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun {
namespace {

using catalog_data::Name;
using catalog_data::Table;

constexpr std::size_t max_listed = 6;
constexpr std::size_t max_name = 200;  // longer ones are cut in messages and near-miss searches

bool is_of(const catalog_data::Entry& entry, std::uint32_t vendors) {
  return vendors == 0 || (vendors & 1U << entry.vendor) != 0;
}

/// Products with a variant whose id has every one of these tokens, by their default variant.
std::vector<NameHit> with_tokens(const Table& table, const std::vector<std::string>& tokens, std::uint32_t vendors) {
  std::vector<NameHit> hits;
  if (tokens.empty() && vendors == 0) return hits;
  for (std::size_t i = 0; i < table.entries.size(); ++i) {
    if (!is_of(table.entries[i], vendors)) continue;
    const auto have = name_tokens(table.entries[i].id);
    const bool all = std::all_of(tokens.begin(), tokens.end(), [&](const std::string& token) {
      return std::find(have.begin(), have.end(), token) != have.end();
    });
    if (!all) continue;
    const auto product = table.entries[i].product;
    const auto same = std::find_if(hits.begin(), hits.end(),
                                   [&](const NameHit& hit) { return table.entries[hit.entry].product == product; });
    if (same == hits.end())
      hits.push_back({i, true});
    else if (table.entries[i].default_variant)
      same->entry = i;
  }
  return hits;
}

/// A name's first size ("9b", "0.6b", "270m") in billions of parameters, and the name without it.
struct Sized {
  std::string rest;
  double billions = 0;
};

Sized split_size(std::string_view key) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_number = [&](char c) { return is_digit(c) || c == '.'; };
  for (std::size_t end = 1; end < key.size(); ++end) {
    const bool unit = key[end] == 'b' || key[end] == 'm';
    if (!unit || !is_digit(key[end - 1]) || (end + 1 < key.size() && key[end + 1] != '-')) continue;
    auto start = end;
    while (start > 0 && is_number(key[start - 1])) --start;
    double value = 0;
    std::from_chars(key.data() + start, key.data() + end, value, std::chars_format::fixed);
    if (value <= 0) continue;
    return {squeezed_key(key.substr(0, start)) + "#" + squeezed_key(key.substr(end + 1)),
            key[end] == 'b' ? value : value / 1000};
  }
  return {};
}

/// Entries named as `key` is but for the size, the nearest size first.
std::vector<std::string> other_sizes(const Table& table, std::string_view key) {
  const auto typed = split_size(key);
  std::vector<std::pair<double, std::size_t>> sizes;
  if (typed.billions <= 0) return {};
  for (const auto& name : table.names) {
    const auto have = split_size(table.key(name));
    if (have.billions > 0 && have.rest == typed.rest)
      sizes.emplace_back(std::abs(std::log(have.billions / typed.billions)), name.entry);
  }
  std::stable_sort(sizes.begin(), sizes.end());
  std::vector<std::string> out;
  for (const auto& [away, entry] : sizes) {
    const std::string id = table.entries[entry].id;
    if (out.size() < 3 && std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
  }
  return out;
}

/// `out`, filled up with entries that have a spelling close to `key`, closest first.
std::vector<std::string> near_misses(const Table& table, std::string_view key, std::uint32_t vendors,
                                     std::vector<std::string> out) {
  struct Scored {
    unsigned distance;
    std::size_t entry;
  };
  const auto bound = std::max<unsigned>(3, static_cast<unsigned>(key.size()) / 2);
  std::vector<Scored> scored;
  for (const auto& name : table.names) {
    if (!is_of(table.entries[name.entry], vendors)) continue;
    const auto have = table.key(name);
    const auto longer = std::max(have.size(), key.size()), shorter = std::min(have.size(), key.size());
    // A name with more behind it ("gtx1650maxq") is near the name it starts with.
    const bool tail = have.size() >= 6 && key.starts_with(have);
    // And so is one of a series ("rx7900").
    const bool head = key.size() >= 5 && have.starts_with(key);
    if (longer - shorter > bound && !tail && !head) continue;
    const auto rest = static_cast<unsigned>(longer - shorter);
    const auto distance = head   ? std::min(bound, rest / 2)
                          : tail ? std::min(bound, 1 + (rest + 1) / 2)
                                 : key_distance(key, have);
    if (distance <= bound) scored.push_back({distance, name.entry});
  }
  std::stable_sort(scored.begin(), scored.end(),
                   [](const Scored& a, const Scored& b) { return a.distance < b.distance; });
  for (const auto& [distance, entry] : scored) {
    const std::string id = table.entries[entry].id;
    if (out.size() < 3 && std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
  }
  return out;
}

}  // namespace

std::vector<NameHit> lookup(const Table& table, std::string_view key) {
  std::vector<NameHit> hits;
  if (key.empty()) return hits;
  auto it = std::lower_bound(
      table.names.begin(), table.names.end(), key,
      [&](const Name& name, std::string_view wanted) { return compare_squeezed(table.key(name), wanted) < 0; });
  auto best = KeyMatch::none;
  for (; it != table.names.end() && compare_squeezed(table.key(*it), key) == 0; ++it) {
    const auto match = match_keys(key, table.key(*it));
    if (match == KeyMatch::none || match > best) continue;
    if (match < best) hits.clear();
    best = match;
    const NameHit hit{it->entry, (it->flags & catalog_data::names_variant) != 0};
    const auto same = [&](const NameHit& have) { return have.entry == hit.entry; };
    if (std::none_of(hits.begin(), hits.end(), same)) hits.push_back(hit);
  }
  return hits;
}

std::vector<std::string> ids_of(const Table& table, const std::vector<NameHit>& hits) {
  std::vector<std::string> ids;
  for (const auto& hit : hits) {
    const std::string id = table.entries[hit.entry].id;
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

Error blank_name(const Wanted& wanted, std::string_view name) {
  const bool empty = name.find_first_not_of(" \t\r\n") == name.npos;
  return Error{fmt::format("unknown_{}", wanted.code),
               empty ? fmt::format("a {} name is empty", wanted.word)
                     : fmt::format("unknown {} '{}'; `willitrun list {}s` shows all", wanted.word,
                                   name.substr(0, max_name), wanted.code)};
}

Error ambiguous(const Wanted& wanted, std::string_view name, std::vector<std::string> candidates) {
  std::string list;
  for (std::size_t i = 0; i < std::min(candidates.size(), max_listed); ++i)
    list += (i == 0 ? "" : ", ") + candidates[i];
  if (candidates.size() > max_listed) list += fmt::format(" and {} more", candidates.size() - max_listed);
  auto message = fmt::format("{} '{}' could be any of {}", wanted.word, name.substr(0, max_name), list);
  if (candidates.size() > max_listed) candidates.resize(max_listed);
  return Error{fmt::format("ambiguous_{}", wanted.code), std::move(message), std::move(candidates)};
}

Error not_found(const Table& table, const Wanted& wanted, std::string_view name, const std::vector<std::string>& words,
                std::uint32_t vendors) {
  const auto key = spelled_key(words).substr(0, max_name);
  std::vector<std::string> tokens;
  for (const auto& word : words)
    for (auto& token : name_tokens(word)) tokens.push_back(std::move(token));
  if (tokens.size() > 32) tokens.clear();
  auto candidates = ids_of(table, with_tokens(table, tokens, vendors));
  if (candidates.size() > 1) return ambiguous(wanted, name, std::move(candidates));
  auto near =
      near_misses(table, key, vendors, wanted.code == "model" ? other_sizes(table, key) : std::vector<std::string>());
  if (candidates.size() == 1) {
    near.erase(std::remove(near.begin(), near.end(), candidates[0]), near.end());
    near.insert(near.begin(), candidates[0]);
    near.resize(std::min<std::size_t>(near.size(), 3));
  }
  const auto hint = near.empty() ? fmt::format("; `willitrun list {}s` shows all", wanted.code) : did_you_mean(near);
  return Error{fmt::format("unknown_{}", wanted.code),
               fmt::format("unknown {} '{}'{}", wanted.word, name.substr(0, max_name), hint), near};
}

}  // namespace willitrun
