// The tables that lookups use: the embedded ones, or those with a catalog file's entries laid over them.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <vector>

#include "willitrun/catalog_data.hpp"
#include "willitrun/catalog_index.hpp"

namespace willitrun {

struct CatalogTables {
  catalog_data::Table models, devices, cpus;
};
[[nodiscard]] const CatalogTables& catalog_tables();

/// An entry to lay over a table.
struct AddedEntry {
  IndexItem names;  ///< `product` empty for models and processors
  std::string json;
  std::uint8_t vendor = 0;
  bool default_variant = false;
};

/// A table with entries laid over it, and what it points into.
class LayeredTable {
 public:
  LayeredTable(const catalog_data::Table& base, std::span<const AddedEntry> added, std::span<const IndexRow> rows);
  LayeredTable(const LayeredTable&) = delete;
  LayeredTable& operator=(const LayeredTable&) = delete;
  [[nodiscard]] catalog_data::Table table() const { return {names_, chunks_, entries_}; }

 private:
  [[nodiscard]] const char* keep(std::string text) { return texts_.emplace_back(std::move(text)).c_str(); }
  void lay_entries(const catalog_data::Table& base, std::span<const AddedEntry> added);
  void lay_names(const catalog_data::Table& base, std::span<const IndexRow> rows);
  void settle_defaults(std::span<const AddedEntry> added);

  std::deque<std::string> texts_;
  std::vector<std::uint16_t> base_at_, added_at_;  // where each entry of the base and of the file has gone
  std::vector<catalog_data::Name> names_;
  std::vector<const char*> chunks_;
  std::vector<catalog_data::Entry> entries_;
};

}  // namespace willitrun
