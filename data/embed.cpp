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

#include "willitrun/name_match.hpp"

namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

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
  std::vector<std::pair<std::string, std::string>> declared;  // key -> spelling the entry claims; no other may have it
  std::vector<std::pair<std::string, std::string>>
      derived;  // what follows from those; dropped where two would share it
};

struct Kind {
  const char* name;
  Words (*reduce)(const std::string&);
  std::vector<Item> items;
};

Words reduce_model(const std::string& text) { return willitrun::without_tuning(willitrun::name_words(text)); }
Words reduce_device(const std::string& text) { return willitrun::without_brand(willitrun::name_words(text)); }
Words reduce_cpu(const std::string& text) { return willitrun::without_cpu_noise(text); }

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

void claim(Item& item, const std::string& spelling, Words (*reduce)(const std::string&)) {
  if (spelling.empty()) return;
  const auto key = willitrun::spelled_key(spelling);
  if (key.empty() || key.size() > 250) return problem(item.where, "unusable name '" + spelling + "'");
  item.declared.emplace_back(key, spelling);
  const auto words = reduce(spelling);
  const auto reduced = willitrun::spelled_key(words);
  // "Intel Arc Graphics" is a name, the bare "arc" that is left of it is not.
  const bool vendor_only = words.size() == 1 && willitrun::vendors_named(words) != 0;
  if (!reduced.empty() && reduced != key && !vendor_only) item.derived.emplace_back(reduced, spelling);
}

void check_number(const Item& item, const char* key, double low, double high) {
  const auto it = item.entry.find(key);
  if (it == item.entry.end()) return;
  if (!it->is_number() || it->get<double>() < low || it->get<double>() > high)
    problem(item.where,
            std::string(key) + " is not a number between " + std::to_string(low) + " and " + std::to_string(high));
}

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
  check_number(item, "memory_gib", 0.25, 4096);
  check_number(item, "bandwidth_gb_s", 1, 100'000);
  for (const char* key : {"fp16_matrix_tflops", "fp16_tflops", "fp32_tflops"}) check_number(item, key, 0.01, 100'000);
  check_number(item, "compute_units", 1, 4096);
  check_number(item, "tdp_w", 1, 10'000);
  check_number(item, "release_year", 2006, 2100);
}

void read_entry(const std::string& file, json entry, Kind& kind) {
  Item item;
  item.id = entry.is_object() ? text_of(entry, "id") : std::string();
  item.where = file + ": " + (item.id.empty() ? "an entry" : item.id);
  if (item.id.empty()) return problem(item.where, "no id");
  if (text_of(entry, "name").empty()) problem(item.where, "no name");
  if (!has_source(entry)) problem(item.where, "no source");
  std::vector<std::string> spellings{item.id, text_of(entry, "name")};
  for (const char* key : {"hf_id", "ollama"}) spellings.push_back(text_of(entry, key));
  if (const auto hf = text_of(entry, "hf_id"); hf.find('/') != std::string::npos)
    spellings.push_back(hf.substr(hf.rfind('/') + 1));
  if (entry.value("default_variant", json(false)) == json(true)) spellings.push_back(text_of(entry, "product"));
  const auto aliases = entry.find("aliases");
  if (aliases != entry.end()) {
    if (!aliases->is_array()) return problem(item.where, "aliases is not a list");
    for (const auto& alias : *aliases)
      if (alias.is_string())
        spellings.push_back(alias.get<std::string>());
      else
        problem(item.where, "an alias is not a string");
  }
  for (const auto& spelling : spellings) claim(item, spelling, kind.reduce);
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

struct Row {
  std::string key;
  std::size_t entry;
  bool variant;
};

Words words_of(const Item& item) {
  auto words = willitrun::name_tokens(item.id + " " + text_of(item.entry, "name"));
  words.push_back(item.entry.value("memory_gib", json()).dump() + "gb");
  return words;
}

/// Whether a spelling tells an entry from its product's other variants: its own id or name, or for each of them a word
/// ("pcie", "12gb", "server") that it has and the other has not.
bool names_variant(const std::vector<Item>& items, std::size_t at, const std::string& key,
                   const std::string& spelling) {
  const auto& item = items[at];
  const auto product = text_of(item.entry, "product");
  if (key == willitrun::spelled_key(item.id) || key == willitrun::spelled_key(text_of(item.entry, "name"))) return true;
  const auto tokens = willitrun::name_tokens(spelling);
  const auto own = words_of(item);
  const auto has = [](const Words& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (product.empty() || i == at || text_of(items[i].entry, "product") != product) continue;
    const auto other = words_of(items[i]);
    const auto tells = [&](const std::string& word) { return has(own, word) && !has(other, word); };
    if (std::none_of(tokens.begin(), tokens.end(), tells)) return false;
  }
  return true;
}

/// Spelling -> entry. Declared ones must be unique; derived ones yield to them and to each other.
std::vector<Row> make_rows(const std::vector<Item>& items) {
  struct Claim {
    std::size_t entry;
    std::string spelling;
  };
  std::map<std::string, Claim> claims;
  for (std::size_t i = 0; i < items.size(); ++i)
    for (const auto& [key, spelling] : items[i].declared)
      if (const auto [it, fresh] = claims.emplace(key, Claim{i, spelling}); !fresh && it->second.entry != i)
        problem(items[i].where, "name '" + key + "' is also one of " + items[it->second.entry].where);
  std::map<std::string, std::vector<Claim>> derived;
  for (std::size_t i = 0; i < items.size(); ++i)
    for (const auto& [key, spelling] : items[i].derived)
      if (claims.count(key) == 0) derived[key].push_back({i, spelling});
  for (const auto& [key, owners] : derived) {
    const auto& first = owners.front();
    if (std::all_of(owners.begin(), owners.end(), [&first](const Claim& c) { return c.entry == first.entry; }))
      claims.emplace(key, first);
  }

  std::vector<Row> rows;
  for (const auto& [key, claim] : claims)
    rows.push_back({key, claim.entry, names_variant(items, claim.entry, key, claim.spelling)});
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    const int order = willitrun::compare_squeezed(a.key, b.key);
    return order != 0 ? order < 0 : a.key < b.key;
  });
  return rows;
}

void write_json(std::ostream& out, const std::string& text) {
  for (std::size_t at = 0; at < text.size(); at += max_piece)
    out << (at > 0 ? "\n    " : "") << "R\"~(" << text.substr(at, max_piece) << ")~\"";
}

void write_names(std::ostream& out, const std::string& kind, const std::vector<Row>& rows) {
  std::vector<std::string> chunks(1);
  std::ostringstream names;
  for (const auto& row : rows) {
    if (chunks.back().size() + row.key.size() > max_piece) chunks.emplace_back();
    names << '{' << chunks.size() - 1 << ',' << chunks.back().size() << ',' << row.key.size() << ',' << row.variant
          << ',' << row.entry << "},\n";
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
            << ',' << (chosen ? "true" : "false") << "},\n";
  }
  out << "constexpr Entry " << name << "_entries[] = {\n"
      << (kind.items.empty() ? "{\"\",\"\",0,0,0,false},\n" : entries.str()) << "};\n";
  return rows.size();
}

void write_getter(std::ostream& out, const Kind& kind, std::size_t names) {
  out << "Table " << kind.name << "() { return {std::span(" << kind.name << "_names).first(" << names << "), "
      << kind.name << "_chunks, std::span(" << kind.name << "_entries).first(" << kind.items.size() << ")}; }\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fprintf(stderr, "usage: embed OUTPUT VERSION SHA256 FILE...\n"), 2;
  Kind models{"models", reduce_model, {}}, devices{"devices", reduce_device, {}}, cpus{"cpus", reduce_cpu, {}};
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
