// Every bundled model, held against what its own shapes say: the tensors must add up to the published total.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "willitrun/architecture.hpp"
#include "willitrun/metadata.hpp"
#include "willitrun/model.hpp"

using namespace willitrun;
using nlohmann::json;

namespace {

struct Entry {
  std::string file;
  json value;
  [[nodiscard]] std::string id() const { return value.at("id"); }
};

std::vector<json> model_files(std::vector<std::string>& names) {
  std::vector<std::filesystem::path> paths;
  for (const auto& item : std::filesystem::directory_iterator(WILLITRUN_DATA "/models"))
    if (item.path().extension() == ".json") paths.push_back(item.path());
  std::sort(paths.begin(), paths.end());
  std::vector<json> files;
  for (const auto& path : paths) {
    std::ifstream in(path);
    files.push_back(json::parse(in));
    names.push_back(path.filename().string());
  }
  return files;
}

const std::vector<Entry>& entries() {
  static const auto all = [] {
    std::vector<Entry> list;
    std::vector<std::string> names;
    const auto files = model_files(names);
    for (std::size_t i = 0; i < files.size(); ++i)
      for (const auto& model : files[i].at("models")) list.push_back({names[i], model});
    return list;
  }();
  return all;
}

// The lookup's own rule: lower case, letters and digits only.
std::string normalized(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    const auto c = static_cast<unsigned char>(letter);
    if (std::isalnum(c) != 0) out += static_cast<char>(std::tolower(c));
  }
  return out;
}

Metadata metadata_of(const json& hparams) {
  Metadata metadata;
  for (const auto& [key, value] : hparams.items()) {
    if (value.is_array())
      metadata.set(key, value.get<std::vector<std::int64_t>>());
    else if (value.is_boolean())
      metadata.set(key, value.get<bool>());
    else
      metadata.set(key, value.get<std::uint64_t>());
  }
  return metadata;
}

constexpr std::pair<const char*, bool OptionalTensors::*> optional_fields[] = {
    {"tied_embeddings", &OptionalTensors::tied_embeddings},
    {"attention_bias", &OptionalTensors::attention_bias},
    {"attention_output_bias", &OptionalTensors::attention_output_bias},
    {"ffn_bias", &OptionalTensors::ffn_bias},
    {"qk_norm", &OptionalTensors::qk_norm},
    {"rope_freqs", &OptionalTensors::rope_freqs},
    {"rope_long_short", &OptionalTensors::rope_long_short},
    {"attention_gate", &OptionalTensors::attention_gate},
    {"expert_bias", &OptionalTensors::expert_bias},
    {"second_attention_norm", &OptionalTensors::second_attention_norm},
    {"keys_as_values", &OptionalTensors::keys_as_values},
    {"ssm_norm", &OptionalTensors::ssm_norm},
};

OptionalTensors optional_of(const json& stated) {
  OptionalTensors optional;
  for (const auto& [key, value] : stated.items()) {
    INFO("optional " << key);
    const auto* const field = std::find_if(std::begin(optional_fields), std::end(optional_fields),
                                           [&name = key](const auto& candidate) { return candidate.first == name; });
    REQUIRE(field != std::end(optional_fields));
    REQUIRE(value == true);
    optional.*(field->second) = true;
  }
  return optional;
}

// Elements over all tensors, and how many of them are rope tables, which published totals leave out.
struct Count {
  std::uint64_t all = 0, rope_tables = 0;
};

Count count_parameters(const json& model) {
  auto spec = spec_from_metadata(metadata_of(model.at("hparams")), model.at("architecture"), "");
  if (!spec.has_value()) {
    FAIL_CHECK(spec.error().message);
    return {};
  }
  spec->optional = optional_of(model.at("optional"));
  const auto tensors = tensor_inventory(*spec);
  Count count;
  if (!tensors.has_value()) {
    FAIL_CHECK(tensors.error().message);
    return count;
  }
  for (const auto& tensor : *tensors) {
    std::uint64_t elements = 1;
    for (const auto extent : tensor.shape) elements *= static_cast<std::uint64_t>(extent);
    count.all += elements;
    if (tensor.name.rfind("rope_", 0) == 0) count.rope_tables += elements;
  }
  return count;
}

}  // namespace

TEST_CASE("each model file states its schema and lists its models by id", "[catalog]") {
  std::vector<std::string> names;
  const auto files = model_files(names);
  REQUIRE(files.size() > 40);
  for (std::size_t i = 0; i < files.size(); ++i) {
    INFO(names[i]);
    CHECK(files[i].at("schema") == "willitrun.models/1");
    CHECK(!files[i].at("source_note").get<std::string>().empty());
    std::vector<std::string> ids;
    for (const auto& model : files[i].at("models")) ids.push_back(model.at("id"));
    CHECK(!ids.empty());
    CHECK(std::is_sorted(ids.begin(), ids.end()));
  }
}

TEST_CASE("no name means two models", "[catalog]") {
  std::map<std::string, std::string> owners;
  for (const auto& entry : entries()) {
    std::vector<std::string> names{entry.id()};
    for (const auto& alias : entry.value.at("aliases")) names.push_back(alias);
    for (const auto& name : names) {
      INFO(entry.file << ": " << entry.id() << ": " << name);
      const auto [place, is_new] = owners.emplace(normalized(name), entry.id());
      INFO("also " << place->second);
      CHECK(is_new);
    }
  }
  for (const auto& entry : entries())
    for (const auto* field : {"hf_id", "ollama"}) {
      if (entry.value.at(field).is_null()) continue;
      const auto owner = owners.find(normalized(entry.value.at(field).get<std::string>()));
      INFO(entry.id() << ": " << field);
      CHECK((owner == owners.end() || owner->second == entry.id()));
    }
}

TEST_CASE("each model states what it is and where that comes from", "[catalog]") {
  for (const auto& entry : entries()) {
    INFO(entry.file << ": " << entry.id());
    const auto& model = entry.value;
    for (const auto* field : {"name", "family", "hf_id", "task", "native_quant"})
      CHECK(!model.at(field).get<std::string>().empty());
    for (const auto* field : {"license", "released", "ollama"})
      CHECK((model.at(field).is_null() || !model.at(field).get<std::string>().empty()));
    CHECK(is_known_architecture(model.at("architecture").get<std::string>()));
    CHECK(model.at("hparams").value("context_length", 0) > 0);
    CHECK(model.at("hparams").value("vocab_size", 0) > 0);
    std::set<std::string> what;
    for (const auto& source : model.at("sources")) {
      what.insert(source.at("what").get<std::string>());
      CHECK(!source.at("source").get<std::string>().empty());
    }
    CHECK(what.count("parameters") == 1);
    CHECK(what.count("shapes") == 1);
    const bool has_experts = model.at("hparams").contains("expert_count");
    CHECK(has_experts == model.contains("active_parameters"));
    if (has_experts)
      CHECK(model.at("active_parameters").get<std::uint64_t>() < model.at("parameters").get<std::uint64_t>());
  }
}

TEST_CASE("the shapes of each model add up to its published total", "[catalog]") {
  std::size_t exact = 0;
  for (const auto& entry : entries()) {
    INFO(entry.file << ": " << entry.id());
    const auto published = entry.value.at("parameters").get<std::uint64_t>();
    const auto count = count_parameters(entry.value);
    const auto difference = count.all > published ? count.all - published : published - count.all;
    INFO("shapes " << count.all << ", published " << published);
    CHECK(difference * 1000 <= published);
    if (count.all == published || count.all - count.rope_tables == published) ++exact;
  }
  INFO(exact << " of " << entries().size() << " to the element");
  CHECK(exact * 100 >= entries().size() * 97);
}
