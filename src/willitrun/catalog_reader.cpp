#include "willitrun/catalog_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "willitrun/json_fields.hpp"
#include "willitrun/name_match.hpp"
#include "willitrun/suggest.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

constexpr std::array<std::string_view, 2> schemas{"willitrun.models/1", "willitrun.hardware/1"};
constexpr std::size_t most_entries = 10'000;  // indices of the tables have 16 bits

AddedEntry added_model(const ModelEntry& entry) {
  AddedEntry out;
  out.names = {entry.id, entry.name, {}, {}, {}, {}};
  return out;
}

AddedEntry added_device(const DeviceEntry& entry) {
  AddedEntry out;
  const auto gib_count = static_cast<double>(entry.spec.memory_bytes) / static_cast<double>(gib);
  const auto memory = entry.options.empty() ? fmt::format("{}gb", gib_count) : std::string();
  out.names = {entry.id, entry.name, entry.spec.product, memory, {}, {}};
  out.vendor = static_cast<std::uint8_t>(vendor_from_id(entry.spec.vendor));
  out.default_variant = entry.default_variant;
  return out;
}

/// Variants of the same products that the tables in use have: what tells the file's own apart from them.
std::vector<IndexItem> known_variants(std::span<const AddedEntry> added) {
  std::set<std::string_view> ids, products;
  for (const auto& entry : added) {
    ids.insert(entry.names.id);
    products.insert(entry.names.product);
  }
  std::vector<IndexItem> out;
  for (const auto& row : catalog_tables().devices.entries) {
    if (products.count(row.product_name) == 0 || ids.count(row.id) != 0) continue;
    const auto entry = read_device({row.json, row.json_size});
    out.push_back(added_device(entry).names);
  }
  return out;
}

/// Reads one kind's entries and its names.
template <class Entry>
class Collector {
 public:
  Collector(EntryKind kind, std::vector<PlacedEntry<Entry>>& entries, AddedTable& table, std::vector<Error>& problems)
      : kind_(kind), entries_(entries), table_(table), problems_(problems) {}

  void add(const JsonValue& value, Entry entry, AddedEntry added, std::span<const std::string> names) {
    for (const auto& name : claim_names(added.names, kind_, names))
      problems_.push_back(value.error(fmt::format("{} cannot be used as a name", in_quotes(name))));
    added.json = value.source();
    table_.entries.push_back(std::move(added));
    entries_.push_back({value, std::move(entry), true});
  }

  void finish() {
    auto& added = table_.entries;
    std::set<std::string_view> ids;
    std::vector<IndexItem> items;
    for (std::size_t i = 0; i < added.size(); ++i) {
      const auto& id = added[i].names.id;
      if (!id.empty() && !ids.insert(id).second)
        problems_.push_back(entries_[i].value.error(fmt::format("id {} is there twice", in_quotes(id))));
      items.push_back(added[i].names);
    }
    if (kind_ == EntryKind::device)
      for (auto& variant : known_variants(added)) items.push_back(std::move(variant));
    std::vector<IndexClash> clashes;
    table_.rows = index_rows(items, clashes);
    for (const auto& clash : clashes) {
      if (added[clash.entry].names.id == added[clash.other].names.id) continue;
      problems_.push_back(entries_[clash.entry].value.error(
          fmt::format("name '{}' is also one of {}", clash.key, entries_[clash.other].value.path())));
    }
  }

 private:
  EntryKind kind_;
  std::vector<PlacedEntry<Entry>>& entries_;
  AddedTable& table_;
  std::vector<Error>& problems_;
};

/// All names that find an entry, apart from its id and name.
std::vector<std::string> names_of(const ModelEntry& entry) {
  auto names = registry_names(entry.hf_id, entry.ollama);
  names.insert(names.end(), entry.aliases.begin(), entry.aliases.end());
  for (const auto& tune : entry.fine_tunes)
    for (auto& name : fine_tune_names(tune.name, tune.hf_id, tune.ollama, tune.aliases))
      names.push_back(std::move(name));
  return names;
}

void read_models(const JsonValue& list, CatalogFile& out) {
  Collector<ModelEntry> collector(EntryKind::model, out.models, out.model_table, out.problems);
  for (const auto& value : list.children()) {
    const auto before = out.problems.size();
    auto entry = read_model(value, out.problems);
    const bool readable = out.problems.size() == before;
    const auto names = names_of(entry);
    const auto added = added_model(entry);
    collector.add(value, std::move(entry), added, names);
    out.models.back().readable = readable;
  }
  collector.finish();
}

bool is_cpu(const JsonValue& entry) {
  const auto kind = entry.find("kind");
  const auto text = kind ? kind->text() : Result<std::string>(Error{});
  return text && *text == "system-memory";
}

void read_hardware(const JsonValue& list, CatalogFile& out) {
  Collector<DeviceEntry> devices(EntryKind::device, out.devices, out.device_table, out.problems);
  Collector<CpuEntry> cpus(EntryKind::cpu, out.cpus, out.cpu_table, out.problems);
  std::set<std::string> with_default;
  for (const auto& value : list.children()) {
    if (is_cpu(value)) {
      auto entry = read_cpu(value, out.problems);
      AddedEntry added;
      added.names = {entry.spec.id, entry.spec.name, {}, {}, {}, {}};
      const auto names = entry.aliases;
      cpus.add(value, std::move(entry), added, names);
      continue;
    }
    auto entry = read_device(value, out.problems);
    auto names = entry.aliases;
    if (entry.default_variant) names.push_back(entry.spec.product);
    if (entry.default_variant && !with_default.insert(entry.spec.product).second)
      out.problems.push_back(
          value.error(fmt::format("product {} has another default_variant", in_quotes(entry.spec.product))));
    const auto added = added_device(entry);
    devices.add(value, std::move(entry), added, names);
  }
  devices.finish();
  cpus.finish();
}

}  // namespace

CatalogFile read_catalog_file(std::string_view json, std::string_view what) {
  CatalogFile out;
  const auto root = JsonValue::parse(json, what);
  if (!root) {
    out.problems.push_back(root.error());
    return out;
  }
  JsonFields fields(*root);
  (void)fields.optional("$schema");
  (void)fields.text("source_note", "");
  const auto schema = fields.required("schema");
  const auto name = schema ? fields.take(schema->text()) : std::string();
  const bool known = std::find(schemas.begin(), schemas.end(), name) != schemas.end();
  if (schema && schema->is(JsonKind::text) && !known)
    fields.keep(schema->mismatch(fmt::format("one of {}", fmt::join(schemas, ", "))));
  // Without a schema, the list that is there tells.
  const bool models = known ? name == schemas[0] : root->find("models").has_value();
  const auto list =
      known ? fields.required(models ? "models" : "devices") : fields.optional(models ? "models" : "devices");
  if (list && !list->is(JsonKind::array)) fields.keep(list->mismatch("a list of entries"));
  if (list && list->children().size() > most_entries)
    fields.keep(list->error(fmt::format("has more than {} entries", most_entries)));
  out.problems = fields.problems();
  if (list && list->children().size() <= most_entries) models ? read_models(*list, out) : read_hardware(*list, out);
  return out;
}

}  // namespace willitrun
