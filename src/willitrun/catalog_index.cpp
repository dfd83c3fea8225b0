#include "willitrun/catalog_index.hpp"

#include <algorithm>
#include <map>

#include "willitrun/name_match.hpp"

namespace willitrun {
namespace {

using Words = std::vector<std::string>;

constexpr std::size_t longest_key = 250;

Words reduced_words(EntryKind kind, const std::string& text) {
  switch (kind) {
    case EntryKind::model: return without_tuning(name_words(text));
    case EntryKind::device: return without_brand(name_words(text));
    case EntryKind::cpu: return without_cpu_noise(text);
  }
  return {};
}

Words words_of(const IndexItem& item) {
  auto words = name_tokens(item.id + " " + item.name);
  words.push_back(item.memory);
  return words;
}

/// Whether a spelling tells an entry from its product's other variants: its own id or name, or for each of them a word
/// ("pcie", "12gb", "server") that it has and the other has not.
bool names_variant(std::span<const IndexItem> items, std::size_t at, const Spelling& spelling) {
  const auto& item = items[at];
  if (spelling.key == spelled_key(item.id) || spelling.key == spelled_key(item.name)) return true;
  const auto tokens = name_tokens(spelling.text);
  const auto own = words_of(item);
  const auto has = [](const Words& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (item.product.empty() || i == at || items[i].product != item.product) continue;
    const auto other = words_of(items[i]);
    const auto tells = [&](const std::string& word) { return has(own, word) && !has(other, word); };
    if (std::none_of(tokens.begin(), tokens.end(), tells)) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> claim_names(IndexItem& item, EntryKind kind, std::span<const std::string> others) {
  std::vector<std::string> all{item.id, item.name}, unusable;
  all.insert(all.end(), others.begin(), others.end());
  for (const auto& spelling : all) {
    if (spelling.empty()) continue;
    const auto key = spelled_key(spelling);
    if (key.empty() || key.size() > longest_key) {
      unusable.push_back(spelling);
      continue;
    }
    item.declared.push_back({key, spelling});
    const auto words = reduced_words(kind, spelling);
    const auto reduced = spelled_key(words);
    // "Intel Arc Graphics" is a name, the bare "arc" that is left of it is not.
    const bool vendor_only = words.size() == 1 && vendors_named(words) != 0;
    if (!reduced.empty() && reduced != key && !vendor_only) item.derived.push_back({reduced, spelling});
  }
  return unusable;
}

std::vector<std::string> registry_names(const std::string& hf_id, const std::string& ollama) {
  std::vector<std::string> out{hf_id, ollama};
  if (const auto slash = hf_id.rfind('/'); slash != std::string::npos) out.push_back(hf_id.substr(slash + 1));
  return out;
}

std::vector<std::string> fine_tune_names(const std::string& name, const std::string& hf_id, const std::string& ollama,
                                         std::span<const std::string> aliases) {
  auto out = registry_names(hf_id, ollama);
  out.push_back(name);
  out.insert(out.end(), aliases.begin(), aliases.end());
  return out;
}

std::vector<IndexRow> index_rows(std::span<const IndexItem> items, std::vector<IndexClash>& clashes) {
  struct Claim {
    std::size_t entry;
    std::string text;
  };
  std::map<std::string, Claim> claims;
  for (std::size_t i = 0; i < items.size(); ++i)
    for (const auto& [key, text] : items[i].declared)
      if (const auto [it, fresh] = claims.emplace(key, Claim{i, text}); !fresh && it->second.entry != i)
        clashes.push_back({key, i, it->second.entry});
  std::map<std::string, std::vector<Claim>> derived;
  for (std::size_t i = 0; i < items.size(); ++i)
    for (const auto& [key, text] : items[i].derived)
      if (claims.count(key) == 0) derived[key].push_back({i, text});
  for (const auto& [key, owners] : derived) {
    const auto& first = owners.front();
    if (std::all_of(owners.begin(), owners.end(), [&first](const Claim& c) { return c.entry == first.entry; }))
      claims.emplace(key, first);
  }
  std::vector<IndexRow> rows;
  for (const auto& [key, claim] : claims)
    rows.push_back({key, claim.entry, names_variant(items, claim.entry, {key, claim.text})});
  std::stable_sort(rows.begin(), rows.end(), [](const IndexRow& a, const IndexRow& b) {
    const int order = compare_squeezed(a.key, b.key);
    return order != 0 ? order < 0 : a.key < b.key;
  });
  return rows;
}

}  // namespace willitrun
