#include "willitrun/model.hpp"

#include "support/catch.hpp"
#include "support/model_case.hpp"
#include "willitrun/architecture.hpp"

using namespace willitrun;
using nlohmann::json;

namespace {

const json llama_8b = {{"block_count", 32},          {"context_length", 8192},
                       {"embedding_length", 4096},   {"feed_forward_length", 14336},
                       {"attention.head_count", 32}, {"attention.head_count_kv", 8},
                       {"vocab_size", 128256}};

Result<ModelSpec> llama_with(const json& changes, const std::string& prefix = "llama.") {
  json keys = llama_8b;
  keys.update(changes);
  return spec_from_metadata(test::metadata_from(keys, prefix), "llama", prefix);
}

std::string error_of(const json& changes) {
  const auto spec = llama_with(changes);
  return spec ? "" : spec.error().message;
}

}  // namespace

TEST_CASE("layer values: one for all, or one per layer") {
  CHECK(LayerValues().max() == 0);
  CHECK(LayerValues().at(7) == 0);
  CHECK(LayerValues(8).at(7) == 8);
  const LayerValues values(std::vector<std::uint32_t>{0, 8, 4});
  CHECK(values.max() == 8);
  CHECK(values.at(0) == 0);
  CHECK(values.at(2) == 4);
}

TEST_CASE("missing keys take llama.cpp's defaults") {
  const auto spec = *spec_from_metadata(
      test::metadata_from({{"block_count", 2}, {"embedding_length", 4096}, {"attention.head_count", 32}}), "llama", "");
  CHECK(spec.n_head_kv.at(1) == 32);
  CHECK(spec.head_dim_k == 128);
  CHECK(spec.head_dim_v == 128);
  CHECK(spec.n_rot == 128);
  CHECK(spec.n_layer_trunk() == 2);
  CHECK(spec.causal);
}

TEST_CASE("stated head sizes win over the default") {
  const auto spec =
      *llama_with({{"attention.key_length", 192}, {"attention.value_length", 96}, {"rope.dimension_count", 64}});
  CHECK(spec.head_dim_k == 192);
  CHECK(spec.head_dim_v == 96);
  CHECK(spec.n_rot == 64);
}

TEST_CASE("impossible keys are named with their value") {
  CHECK(error_of({{"block_count", 0}}) == "llama.block_count is missing or 0");
  CHECK(error_of({{"block_count", 513}}) == "llama.block_count is 513, outside 0 to 512");
  CHECK(error_of({{"block_count", {1, 2}}}) == "llama.block_count is a list, not one number");
  CHECK(error_of({{"embedding_length", -1}}) == "llama.embedding_length is -1, outside 0 to 1048576");
  CHECK(error_of({{"embedding_length", 0}}) == "llama.embedding_length is missing or 0");
  CHECK(error_of({{"attention.head_count_kv", {8, 8, 8}}}) ==
        "llama.attention.head_count_kv has 3 values for 32 layers");
  CHECK(error_of({{"expert_count", 4}, {"expert_used_count", 8}}) ==
        "llama.expert_used_count is 8, more than the 4 experts");
  CHECK(error_of({{"nextn_predict_layers", 32}}) == "llama.nextn_predict_layers is 32, of 32 layers");
  CHECK(error_of({{"attention.shared_kv_layers", 32}}) == "llama.attention.shared_kv_layers is 32, of 32 layers");
  CHECK(error_of({{"attention.head_count", 4096}, {"attention.key_length", 65536}}) ==
        "llama.attention.head_count is 4096, too many heads of 65536 elements");
}

TEST_CASE("a key that is no whole number is refused") {
  auto metadata = test::metadata_from(llama_8b, "llama.");
  metadata.set("llama.vocab_size", std::string("many"));
  CHECK(spec_from_metadata(metadata, "llama", "llama.").error().message == "llama.vocab_size is not a whole number");
  metadata.set("llama.vocab_size", 1.5);
  CHECK(spec_from_metadata(metadata, "llama", "llama.").error().code == "bad_model");
}

TEST_CASE("a model beyond all bounds is refused, not overflowed") {
  const auto spec = llama_with({{"block_count", 512},
                                {"embedding_length", 1U << 20},
                                {"feed_forward_length", 1U << 20},
                                {"expert_count", 4096},
                                {"expert_used_count", 1}});
  REQUIRE(spec.has_value());
  const auto tensors = tensor_inventory(*spec);
  REQUIRE_FALSE(tensors.has_value());
  CHECK(tensors.error().code == "bad_model");
  CHECK(tensors.error().message.find("takes the model beyond 2^56 parameters") != std::string::npos);
}
