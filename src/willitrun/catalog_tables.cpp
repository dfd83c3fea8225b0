#include "willitrun/catalog_tables.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "willitrun/name_match.hpp"

namespace willitrun {
namespace {

using catalog_data::Entry;
using catalog_data::Name;
using catalog_data::Table;

constexpr std::size_t longest_chunk = 60'000;  // offsets have 16 bits

std::string_view product_of(const Entry& entry) { return *entry.product_name == '\0' ? entry.id : entry.product_name; }

}  // namespace

LayeredTable::LayeredTable(const Table& base, std::span<const AddedEntry> added, std::span<const IndexRow> rows) {
  lay_entries(base, added);
  settle_defaults(added);
  lay_names(base, rows);
}

void LayeredTable::lay_entries(const Table& base, std::span<const AddedEntry> added) {
  struct Source {
    std::string_view id;
    const Entry* base = nullptr;
    const AddedEntry* added = nullptr;
  };
  std::map<std::string_view, Source> by_id;
  for (const auto& entry : base.entries) by_id[entry.id] = {entry.id, &entry, nullptr};
  for (const auto& entry : added) by_id[entry.names.id].added = &entry;
  base_at_.resize(base.entries.size());
  added_at_.resize(added.size());
  std::map<std::string, std::uint16_t, std::less<>> products;
  for (const auto& [id, source] : by_id) {
    const auto at = static_cast<std::uint16_t>(entries_.size());
    if (source.base != nullptr) base_at_[static_cast<std::size_t>(source.base - base.entries.data())] = at;
    if (source.added == nullptr) {
      entries_.push_back(*source.base);
    } else {
      const auto& entry = *source.added;
      added_at_[static_cast<std::size_t>(source.added - added.data())] = at;
      const bool was_default = source.base != nullptr && source.base->default_variant;
      entries_.push_back({keep(entry.names.id), keep(entry.json), static_cast<std::uint32_t>(entry.json.size()), 0,
                          entry.vendor, entry.default_variant || was_default, keep(entry.names.product)});
    }
    auto& entry = entries_.back();
    const auto next = static_cast<std::uint16_t>(products.size());
    entry.product = products.emplace(product_of(entry), next).first->second;
  }
}

/// One default in every product a file touches: the last one it states, else the one there was, else its first.
void LayeredTable::settle_defaults(std::span<const AddedEntry> added) {
  for (std::size_t i = 0; i < added.size(); ++i) {
    const auto at = added_at_[i];
    const auto of_product = [&](const Entry& entry) { return entry.product == entries_[at].product; };
    const bool none = std::none_of(entries_.begin(), entries_.end(),
                                   [&](const Entry& entry) { return of_product(entry) && entry.default_variant; });
    if (!added[i].default_variant && !none) continue;
    for (auto& entry : entries_)
      if (of_product(entry)) entry.default_variant = false;
    entries_[at].default_variant = true;
  }
}

void LayeredTable::lay_names(const Table& base, std::span<const IndexRow> rows) {
  std::set<std::string_view> taken;
  for (const auto& row : rows) taken.insert(row.key);
  chunks_.assign(base.chunks.begin(), base.chunks.end());
  std::vector<Name> kept, fresh;
  for (auto name : base.names) {
    if (taken.count(base.key(name)) != 0) continue;
    name.entry = base_at_[name.entry];
    kept.push_back(name);
  }
  std::string chunk;
  const auto close_chunk = [&] {
    chunks_.push_back(keep(std::move(chunk)));
    chunk.clear();
  };
  for (const auto& row : rows) {
    if (chunk.size() + row.key.size() > longest_chunk) close_chunk();
    fresh.push_back({static_cast<std::uint16_t>(chunks_.size()), static_cast<std::uint16_t>(chunk.size()),
                     static_cast<std::uint8_t>(row.key.size()),
                     row.names_variant ? catalog_data::names_variant : std::uint8_t{0}, added_at_[row.entry]});
    chunk += row.key;
  }
  close_chunk();
  const auto key = [&](const Name& name) { return std::string_view(chunks_[name.chunk] + name.offset, name.size); };
  std::merge(kept.begin(), kept.end(), fresh.begin(), fresh.end(), std::back_inserter(names_),
             [&](const Name& a, const Name& b) {
               const int order = compare_squeezed(key(a), key(b));
               return order != 0 ? order < 0 : key(a) < key(b);
             });
}

}  // namespace willitrun
