// Catalog files laid over the bundled entries, and what is said about broken ones.
#include "willitrun/catalog_file.hpp"

#include "support/catch.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/catalog_lookup.hpp"
#include "willitrun/catalog_tables.hpp"

using namespace willitrun;

namespace {

/// Bundled entries again at the end of a test, however it ends.
struct Restore {
  ~Restore() { remove_added_catalogs(); }
};

std::string hardware(const std::string& entries) {
  return R"({"schema": "willitrun.hardware/1", "devices": [)" + entries + "]}";
}
std::string device(const std::string& id, const std::string& more) {
  return R"({"id": ")" + id + R"(", "name": ")" + id +
         R"( card", "vendor": "other", "kind": "discrete", "source": "s", )" + more + "}";
}

constexpr auto tiny_model = R"({"schema": "willitrun.models/1", "models": [{
  "id": "house-tiny", "name": "House Tiny", "aliases": ["our model"], "source": "s", "architecture": "llama",
  "parameters": 4195584, "optional": {"tied_embeddings": true},
  "hparams": {"block_count": 2, "context_length": 4096, "embedding_length": 256, "feed_forward_length": 1024,
              "attention.head_count": 4, "attention.head_count_kv": 4, "vocab_size": 8192}}]})";

std::vector<std::string> messages(const CatalogCheck& check) {
  std::vector<std::string> out;
  for (const auto& problem : check.problems) out.push_back(problem.text);
  return out;
}

}  // namespace

TEST_CASE("bundled entries pass the reader of catalog files") {
  const auto tables = catalog_tables();
  std::vector<Error> problems;
  const auto parsed = [](const catalog_data::Entry& row) {
    return *JsonValue::parse({row.json, row.json_size}, row.id);
  };
  for (const auto& row : tables.models.entries) (void)read_model(parsed(row), problems);
  for (const auto& row : tables.devices.entries) (void)read_device(parsed(row), problems);
  for (const auto& row : tables.cpus.entries) (void)read_cpu(parsed(row), problems);
  for (const auto& problem : problems) UNSCOPED_INFO(problem.message);
  CHECK(problems.empty());
}

TEST_CASE("an added device is found by its names and lies beside the bundled ones") {
  const Restore restore;
  const auto before = all_devices().size();
  REQUIRE(!add_catalog(hardware(device("house-card", R"("memory_gib": 20, "aliases": ["the big one"])")), "mine.json"));
  CHECK(added_catalogs() == std::vector<std::string>{"mine.json"});
  CHECK(all_devices().size() == before + 1);
  for (const auto* name : {"house-card", "House Card card", "the BIG one", "2x the big one"}) {
    const auto found = find_device(name);
    INFO(name);
    REQUIRE(found);
    CHECK(found->entry.id == "house-card");
    CHECK(found->entry.memory_bytes == 20 * gib);
  }
  CHECK(find_device("rtx3060")->entry.id == "rtx3060-12gb");
  remove_added_catalogs();
  CHECK(!find_device("house-card"));
  CHECK(all_devices().size() == before);
}

TEST_CASE("an entry with a known id replaces it and keeps its names") {
  const Restore restore;
  const auto before = all_devices().size();
  REQUIRE(!add_catalog(hardware(R"({"id": "rtx3060-12gb", "name": "My 3060", "product": "rtx3060", "vendor": "nvidia",
                                    "kind": "discrete", "memory_gib": 12, "bandwidth_gb_s": 350, "source": "s"})"),
                       "mine.json"));
  CHECK(all_devices().size() == before);
  for (const auto* name : {"rtx3060", "NVIDIA GeForce RTX 3060 12GB", "rtx3060-12gb", "my 3060"}) {
    const auto found = find_device(name);
    INFO(name);
    REQUIRE(found);
    CHECK(found->entry.name == "My 3060");
    CHECK(found->entry.bandwidth_gb_s == 350.0);
  }
  CHECK(find_device("rtx3060")->other_variants == std::vector<std::string>{"rtx3060-8gb"});
}

TEST_CASE("a variant joins a bundled product, and may become its default") {
  const Restore restore;
  const std::string variant =
      R"({"id": "rtx3060-16gb", "name": "RTX 3060 16 GB", "product": "rtx3060", "vendor": "nvidia", "kind": "discrete",
          "memory_gib": 16, "source": "s")";
  REQUIRE(!add_catalog(hardware(variant + "}"), "a.json"));
  CHECK(find_device("rtx3060")->entry.id == "rtx3060-12gb");
  CHECK(find_device("rtx 3060 16gb")->entry.id == "rtx3060-16gb");
  REQUIRE(!add_catalog(hardware(variant + R"(, "default_variant": true})"), "b.json"));
  CHECK(find_device("rtx3060")->entry.id == "rtx3060-16gb");
  CHECK(find_device("rtx3060")->other_variants.size() == 2);
}

TEST_CASE("an added device may come with several sizes") {
  const Restore restore;
  REQUIRE(!add_catalog(
      hardware(
          device("house-chip", R"("memory_options_gib": [16, 32], "memory_default_gib": 16, "default_variant": true)")),
      "mine.json"));
  CHECK(find_device("house chip")->entry.id == "house-chip-16gb");
  CHECK(find_device("house-chip 32gb")->entry.memory_bytes == 32 * gib);
}

TEST_CASE("an added name wins over a bundled one") {
  const Restore restore;
  REQUIRE(!add_catalog(hardware(device("house-card", R"("memory_gib": 20, "aliases": ["rtx4090"])")), "mine.json"));
  CHECK(find_device("rtx4090")->entry.id == "house-card");
  // The other entry is still there by its full name.
  CHECK(find_device("GeForce RTX 4090")->entry.id == "rtx4090");
}

TEST_CASE("models and processors are added too; a later file wins") {
  const Restore restore;
  REQUIRE(!add_catalog(tiny_model, "tiny.json"));
  const auto found = find_model("Our Model");
  REQUIRE(found);
  CHECK(found->entry.id == "house-tiny");
  CHECK(model_from_entry(found->entry));
  CHECK(find_model("llama3.1-8b"));
  const std::string cpu =
      R"({"id": "house-cpu", "name": "House CPU", "kind": "system-memory", "source": "s", "bandwidth_gb_s": )";
  REQUIRE(!add_catalog(hardware(cpu + "50}"), "a.json"));
  REQUIRE(!add_catalog(hardware(cpu + "60}"), "b.json"));
  CHECK(find_cpu("House CPU")->bandwidth_gb_s == 60.0);
}

TEST_CASE("a broken file is refused whole") {
  const Restore restore;
  const auto before = all_devices().size();
  const auto error =
      add_catalog(hardware(device("good", R"("memory_gib": 20)") + "," + device("bad", R"("x": 1)")), "m");
  REQUIRE(error);
  CHECK(error->code == "bad_catalog");
  CHECK(all_devices().size() == before);
}

TEST_CASE("every problem is reported at once, in the file's order") {
  const auto check = check_catalog(R"({"schema": "willitrun.hardware/1", "devices": [
 {"id": "A", "name": "", "vendor": "nvidya", "kind": "discrete", "memory_gib": 9999, "bandwith_gb_s": 3},
 {"id": "b", "name": "Two", "vendor": "other", "kind": "discrete", "memory_gib": 8, "pcie": "fast", "source": "s"},
 {"id": "c", "name": "two", "vendor": "other", "kind": "discrete", "memory_gib": 8, "source": "s"}]})",
                                   "bad.json");
  CHECK(check.devices == 3);
  for (const auto& text : messages(check)) UNSCOPED_INFO(text);
  REQUIRE(check.problems.size() == 8);
  CHECK(check.problems[1].path == "/devices/0/id");
  CHECK(check.problems[1].line == 2);
  CHECK(check.problems.back().path == "/devices/2");
  CHECK(check.problems.back().message == "name 'two' is also one of /devices/1");
}

TEST_CASE("shapes are held against the stated total") {
  CHECK(messages(check_catalog(tiny_model, "tiny.json")).empty());
  std::string off = tiny_model;
  off.replace(off.find("4195584"), 7, "4300000");
  const auto check = check_catalog(off, "tiny.json");
  REQUIRE(check.problems.size() == 1);
  CHECK(check.problems[0].path == "/models/0/parameters");
  std::string unknown = tiny_model;
  unknown.replace(unknown.find("\"llama\""), 7, "\"lama\"");
  const auto other = check_catalog(unknown, "tiny.json");
  REQUIRE(other.problems.size() == 1);
  CHECK(other.problems[0].path == "/models/0/architecture");
}
