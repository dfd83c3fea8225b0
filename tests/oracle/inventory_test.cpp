// Inventories against inventory.json. Its "measured" rows are sizes that llama-quantize of llama.cpp 0.7.0 reports and
// tensor lists read from GGUF headers; its "loaded" rows are models written with our inventory that llama.cpp 0.7.0
// loaded without a missing, misshapen or unused tensor, and for which it allocated the cache our layer rules predict;
// "small-" ones were loaded so by 0.5.0. The "published" row is what whisper.cpp's file holds: 3,095,033,483 bytes with
// 0.7 MB of vocabulary and filters.
#include <algorithm>
#include <fstream>
#include <set>

#include "support/catch.hpp"
#include "support/model_case.hpp"
#include "willitrun/architecture.hpp"

using namespace willitrun;
using nlohmann::json;

namespace {

const json& truth() {
  static const json rows = json::parse(std::ifstream(WILLITRUN_TEST_DATA "/oracle/inventory.json"));
  return rows;
}

Result<ModelSpec> spec_of(const json& row, const std::string& prefix = "") {
  auto spec = spec_from_metadata(test::metadata_from(row["hparams"], prefix), row["architecture"], prefix);
  if (spec) spec->optional = test::optional_from(row["optional"]);
  return spec;
}

// FNV-1a over the sorted lines "name:ne0,ne1,ne2", as inventory.json has it.
std::string fingerprint(const std::vector<TensorInfo>& tensors) {
  std::vector<std::string> lines;
  for (const auto& t : tensors)
    lines.push_back(t.name + ":" + std::to_string(t.shape[0]) + "," + std::to_string(t.shape[1]) + "," +
                    std::to_string(t.shape[2]));
  std::sort(lines.begin(), lines.end());
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (const char c : (i == 0 ? "" : "\n") + lines[i]) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

}  // namespace

TEST_CASE("inventories agree with llama.cpp tensor by tensor and byte by byte") {
  REQUIRE(truth().size() > 100);
  for (const auto& row : truth()) {
    INFO(row["id"].get<std::string>());
    const auto spec = spec_of(row);
    REQUIRE(spec.has_value());
    const auto tensors = tensor_inventory(*spec);
    REQUIRE(tensors.has_value());

    std::uint64_t parameters = 0;
    Bytes f16 = 0, f32 = 0;
    for (const auto& tensor : *tensors) {
      parameters += *element_count(tensor.shape);
      (tensor.type == TensorType::f32 ? f32 : f16) += tensor.bytes();
    }
    CHECK(parameters == row["parameters"].get<std::uint64_t>());
    CHECK(f16 == row["f16_bytes"].get<std::uint64_t>());
    CHECK(f32 == row["f32_bytes"].get<std::uint64_t>());
    CHECK(tensors->size() == row["tensors"].get<std::size_t>());
    CHECK(fingerprint(*tensors) == row["hash"].get<std::string>());
  }
}

TEST_CASE("every architecture has a model in the truth table") {
  std::set<std::string> proven;
  for (const auto& row : truth()) proven.insert(row["architecture"].get<std::string>());
  for (const auto name : architecture_names()) {
    INFO(name);
    CHECK(proven.count(std::string(name)) == 1);
  }
}

TEST_CASE("prefixed keys, as files have them, mean the same as bare ones") {
  for (const auto& row : truth()) {
    if (row["hparams"].contains("tokenizer.ggml.token_type_count")) continue;
    INFO(row["id"].get<std::string>());
    const auto prefix = row["architecture"].get<std::string>() + ".";
    const auto bare = tensor_inventory(*spec_of(row));
    const auto prefixed = tensor_inventory(*spec_of(row, prefix));
    REQUIRE(prefixed.has_value());
    CHECK(fingerprint(*bare) == fingerprint(*prefixed));
  }
}
