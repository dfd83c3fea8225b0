#include "willitrun/catalog.hpp"

#include "willitrun/catalog_data.hpp"
#include "willitrun/catalog_lookup.hpp"
#include "willitrun/catalog_tables.hpp"
#include "willitrun/name_match.hpp"

namespace willitrun {

std::string normalize_name(std::string_view text) { return squeezed_key(spelled_key(text)); }

std::string_view catalog_version() { return catalog_data::version(); }

std::string_view catalog_sha256() { return catalog_data::sha256(); }

std::vector<ModelEntry> all_models() {
  std::vector<ModelEntry> out;
  const auto table = catalog_tables().models;
  out.reserve(table.entries.size());
  for (const auto& entry : table.entries) out.push_back(read_model({entry.json, entry.json_size}));
  return out;
}

std::vector<DeviceSpec> all_devices() {
  std::vector<DeviceSpec> out;
  for (const auto& row : catalog_tables().devices.entries) {
    const auto entry = read_device({row.json, row.json_size});
    if (entry.options.empty()) out.push_back(entry.spec);
    for (const double option : entry.options) out.push_back(with_memory(entry, option));
  }
  return out;
}

std::vector<CpuSpec> all_cpus() {
  std::vector<CpuSpec> out;
  for (const auto& entry : catalog_tables().cpus.entries) out.push_back(read_cpu({entry.json, entry.json_size}));
  return out;
}

Result<CpuSpec> find_cpu(std::string_view name) {
  constexpr Wanted wanted{"cpu", "CPU"};
  if (name_words(name).empty()) return blank_name(wanted, name);
  const auto table = catalog_tables().cpus;
  auto hits = lookup(table, spelled_key(name));
  const auto words = without_cpu_noise(name);
  if (hits.empty()) hits = lookup(table, spelled_key(words));
  if (hits.empty()) return not_found(table, wanted, name, words);
  if (hits.size() > 1) return ambiguous(wanted, name, ids_of(table, hits));
  const auto& entry = table.entries[hits[0].entry];
  return read_cpu({entry.json, entry.json_size});
}

}  // namespace willitrun
