// A catalog file read: its entries, with the place of each, and what is wrong with it.
#pragma once

#include <vector>

#include "willitrun/catalog_lookup.hpp"
#include "willitrun/catalog_tables.hpp"

namespace willitrun {

template <class Entry>
struct PlacedEntry {
  JsonValue value;
  Entry entry;
};

/// Entries of one kind as they go over a table.
struct AddedTable {
  std::vector<AddedEntry> entries;
  std::vector<IndexRow> rows;
};

struct CatalogFile {
  std::vector<PlacedEntry<ModelEntry>> models;
  std::vector<PlacedEntry<DeviceEntry>> devices;
  std::vector<PlacedEntry<CpuEntry>> cpus;
  AddedTable model_table, device_table, cpu_table;
  std::vector<Error> problems;
};
[[nodiscard]] CatalogFile read_catalog_file(std::string_view json, std::string_view what);

}  // namespace willitrun
