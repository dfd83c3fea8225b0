// Build step: reads the catalogs' JSON files, checks them and writes them as one C++ source of constants.
// usage: embed OUTPUT VERSION SHA256 FILE...
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "willitrun/catalog_index.hpp"
#include "willitrun/name_match.hpp"

namespace {

using nlohmann::json;
using willitrun::EntryKind;
using willitrun::IndexItem;
using willitrun::IndexRow;

// MSVC takes 16,380 bytes per literal piece; ISO C++ asks compilers for 65,536 in all.
constexpr std::size_t max_piece = 15'000;
constexpr std::size_t max_entry = 60'000;

int problems = 0;

void problem(const std::string& where, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", where.c_str(), what.c_str());
  ++problems;
}

struct Item {
  std::string where;  // file and id, for messages
  std::string id;
  json entry;
  IndexItem names;
};

struct Kind {
  const char* name;
  EntryKind kind;
  std::vector<Item> items;
};

std::string text_of(const json& entry, const char* key) {
  const auto it = entry.find(key);
  return it != entry.end() && it->is_string() ? it->get<std::string>() : std::string();
}

bool has_source(const json& entry) {
  if (!text_of(entry, "source").empty()) return true;
  const auto it = entry.find("sources");
  if (it == entry.end() || !it->is_array() || it->empty()) return false;
  return std::all_of(it->begin(), it->end(), [](const json& s) {
    return s.is_string() ? !s.get<std::string>().empty() : !text_of(s, "source").empty();
  });
}

// Values are held by the entry reader, which a test runs over all of them.
void check_device(const Item& item) {
  for (const char* key : {"product", "vendor", "kind"})
    if (text_of(item.entry, key).empty()) problem(item.where, std::string("no ") + key);
  const bool one = item.entry.contains("memory_gib");
  const auto options = item.entry.find("memory_options_gib");
  if (one == (options != item.entry.end())) problem(item.where, "needs memory_gib or memory_options_gib");
  if (options != item.entry.end() &&
      (!options->is_array() ||
       std::find(options->begin(), options->end(), item.entry.value("memory_default_gib", json())) == options->end()))
    problem(item.where, "memory_default_gib is not one of memory_options_gib");
}

std::vector<std::string> aliases_of(const std::string& where, const json& entry) {
  std::vector<std::string> out;
  const auto aliases = entry.find("aliases");
  if (aliases == entry.end()) return out;
  if (!aliases->is_array()) return problem(where, "aliases is not a list"), out;
  for (const auto& alias : *aliases)
    if (alias.is_string())
      out.push_back(alias.get<std::string>());
    else
      problem(where, "an alias is not a string");
  return out;
}

std::vector<std::string> names_of_fine_tunes(const std::string& where, const json& entry) {
  std::vector<std::string> out;
  const auto tunes = entry.find("fine_tunes");
  if (tunes == entry.end()) return out;
  for (const auto& tune : *tunes) {
    if (text_of(tune, "name").empty()) problem(where, "a fine-tune has no name");
    if (text_of(tune, "source").empty()) problem(where, "a fine-tune has no source");
    for (auto& name : willitrun::fine_tune_names(text_of(tune, "name"), text_of(tune, "hf_id"), text_of(tune, "ollama"),
                                                 aliases_of(where, tune)))
      out.push_back(std::move(name));
  }
  return out;
}

void read_entry(const std::string& file, json entry, Kind& kind) {
  Item item;
  item.id = entry.is_object() ? text_of(entry, "id") : std::string();
  item.where = file + ": " + (item.id.empty() ? "an entry" : item.id);
  if (item.id.empty()) return problem(item.where, "no id");
  if (text_of(entry, "name").empty()) problem(item.where, "no name");
  if (!has_source(entry)) problem(item.where, "no source");
  auto spellings = willitrun::registry_names(text_of(entry, "hf_id"), text_of(entry, "ollama"));
  if (entry.value("default_variant", json(false)) == json(true)) spellings.push_back(text_of(entry, "product"));
  for (auto& alias : aliases_of(item.where, entry)) spellings.push_back(std::move(alias));
  for (auto& spelling : names_of_fine_tunes(item.where, entry)) spellings.push_back(std::move(spelling));
  item.names.id = item.id;
  item.names.name = text_of(entry, "name");
  item.names.product = text_of(entry, "product");
  item.names.memory = entry.value("memory_gib", json()).dump() + "gb";
  for (const auto& spelling : willitrun::claim_names(item.names, kind.kind, spellings))
    problem(item.where, "unusable name '" + spelling + "'");
  item.entry = std::move(entry);
  kind.items.push_back(std::move(item));
}

json parse_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return problem(path, "cannot be read"), json();
  // Duplicate keys would silently keep the last value.
  std::vector<std::set<std::string>> keys;
  const auto callback = [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
      problem(path, "key " + value.dump() + " appears twice in one object");
    return true;
  };
  try {
    return json::parse(text.str(), callback);
  } catch (const json::exception& error) {
    problem(path, error.what());
    return json();
  }
}

void read_file(const std::string& path, Kind& models, Kind& devices, Kind& cpus) {
  auto root = parse_file(path);
  if (root.is_discarded() || root.is_null()) return;
  const auto file = path.substr(path.find_last_of('/') + 1);
  if (!root.is_object()) return problem(file, "is not an object");
  const auto schema = text_of(root, "schema");
  const char* list = schema.starts_with("willitrun.hardware/") ? "devices" : "models";
  if (!schema.starts_with("willitrun.hardware/") && !schema.starts_with("willitrun.models/"))
    return problem(file, "schema is neither willitrun.hardware/1 nor willitrun.models/1");
  if (!root.contains(list) || !root[list].is_array()) return problem(file, std::string("has no list '") + list + "'");
  for (auto& entry : root[list]) {
    const bool cpu = entry.is_object() && text_of(entry, "kind") == "system-memory";
    read_entry(file, std::move(entry), *list == 'm' ? models : cpu ? cpus : devices);
  }
}

void check_products(const std::vector<Item>& items) {
  std::map<std::string, int> defaults;
  for (const auto& item : items)
    defaults[text_of(item.entry, "product")] += item.entry.value("default_variant", json(false)) == json(true) ? 1 : 0;
  for (const auto& [product, count] : defaults)
    if (count != 1) problem("product '" + product + "'", "has " + std::to_string(count) + " default variants, not one");
}

std::vector<IndexRow> make_rows(const std::vector<Item>& items) {
  std::vector<IndexItem> names;
  for (const auto& item : items) names.push_back(item.names);
  std::vector<willitrun::IndexClash> clashes;
  auto rows = willitrun::index_rows(names, clashes);
  for (const auto& clash : clashes)
    problem(items[clash.entry].where, "name '" + clash.key + "' is also one of " + items[clash.other].where);
  return rows;
}

void write_json(std::ostream& out, const std::string& text) {
  for (std::size_t at = 0; at < text.size(); at += max_piece)
    out << (at > 0 ? "\n    " : "") << "R\"~(" << text.substr(at, max_piece) << ")~\"";
}

void write_names(std::ostream& out, const std::string& kind, const std::vector<IndexRow>& rows) {
  std::vector<std::string> chunks(1);
  std::ostringstream names;
  for (const auto& row : rows) {
    if (chunks.back().size() + row.key.size() > max_piece) chunks.emplace_back();
    names << '{' << chunks.size() - 1 << ',' << chunks.back().size() << ',' << row.key.size() << ','
          << row.names_variant << ',' << row.entry << "},\n";
    chunks.back() += row.key;
  }
  out << "constexpr const char* " << kind << "_chunks[] = {\n";
  for (const auto& chunk : chunks) out << "    \"" << chunk << "\",\n";
  out << "};\nconstexpr Name " << kind << "_names[] = {\n" << (rows.empty() ? "{0,0,0,0,0},\n" : names.str()) << "};\n";
}

/// Returns how many names there are.
std::size_t write_kind(std::ostream& out, Kind& kind) {
  const std::string name = kind.name;
  std::stable_sort(kind.items.begin(), kind.items.end(), [](const Item& a, const Item& b) { return a.id < b.id; });
  const auto rows = make_rows(kind.items);
  if (kind.items.size() > 65'535) problem(name, "has too many entries for 16-bit indices");
  write_names(out, name, rows);
  std::map<std::string, std::size_t> products;
  std::ostringstream entries;
  for (std::size_t i = 0; i < kind.items.size(); ++i) {
    const auto& item = kind.items[i];
    auto entry = item.entry;
    // Models and processors have no variants: each is its own product.
    const auto named = text_of(entry, "product");
    const auto product = products.emplace(named.empty() ? item.id : named, products.size()).first->second;
    const auto vendor = static_cast<unsigned>(willitrun::vendor_from_id(text_of(entry, "vendor")));
    const bool chosen = entry.value("default_variant", json(false)) == json(true);
    const auto text = entry.dump(-1, ' ', true);
    if (text.size() > max_entry || text.find(")~\"") != std::string::npos) problem(item.where, "cannot be embedded");
    out << "constexpr char " << name << '_' << i << "[] = ";
    write_json(out, text);
    out << ";\n";
    entries << "{\"" << item.id << "\"," << name << '_' << i << ',' << text.size() << ',' << product << ',' << vendor
            << ',' << (chosen ? "true" : "false") << ",\"" << named << "\"},\n";
  }
  out << "constexpr Entry " << name << "_entries[] = {\n"
      << (kind.items.empty() ? "{\"\",\"\",0,0,0,false,\"\"},\n" : entries.str()) << "};\n";
  return rows.size();
}

void write_getter(std::ostream& out, const Kind& kind, std::size_t names) {
  out << "Table " << kind.name << "() { return {std::span(" << kind.name << "_names).first(" << names << "), "
      << kind.name << "_chunks, std::span(" << kind.name << "_entries).first(" << kind.items.size() << ")}; }\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fprintf(stderr, "usage: embed OUTPUT VERSION SHA256 FILE...\n"), 2;
  Kind models{"models", EntryKind::model, {}}, devices{"devices", EntryKind::device, {}},
      cpus{"cpus", EntryKind::cpu, {}};
  for (int i = 4; i < argc; ++i) read_file(argv[i], models, devices, cpus);
  for (const auto& item : devices.items) check_device(item);
  check_products(devices.items);

  std::ostringstream out;
  out << "// Generated by data/embed.cpp; do not edit.\n#include \"willitrun/catalog_data.hpp\"\n\n"
         "namespace willitrun::catalog_data {\nnamespace {\n\n";
  std::ostringstream getters;
  for (auto* kind : {&models, &devices, &cpus}) write_getter(getters, *kind, write_kind(out, *kind));
  out << "\n}  // namespace\n\n" << getters.str();
  out << "std::string_view version() { return \"" << argv[2] << "\"; }\nstd::string_view sha256() { return \""
      << argv[3] << "\"; }\n\n}  // namespace willitrun::catalog_data\n";
  if (problems > 0) return std::fprintf(stderr, "embed: %d problem(s) in the catalogs\n", problems), 1;
  std::ofstream file(argv[1], std::ios::binary);
  file << out.str();
  file.close();
  if (!file) return std::fprintf(stderr, "embed: cannot write %s\n", argv[1]), 1;
  return 0;
}
