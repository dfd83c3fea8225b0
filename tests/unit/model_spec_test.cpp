#include "willitrun/model_spec.hpp"

#include "support/catch.hpp"
#include "willitrun/weights.hpp"

using namespace willitrun;

namespace {

constexpr std::string_view tiny_llama = R"({
  "name": "Tiny", "architecture": "llama",  // as in general.architecture
  "hparams": {"block_count": 2, "context_length": 2048, "embedding_length": 256, "feed_forward_length": 512,
              "attention.head_count": 4, "attention.head_count_kv": [2, 1], "rope.dimension_count": 64,
              "rope.freq_base": 1e4, "attention.layer_norm_rms_epsilon": 1e-5, "vocab_size": 1000},
  "optional": {"tied_embeddings": true}
})";

std::string problem(std::string_view json) {
  const auto model = parse_model_spec(json, "m.json");
  return model ? "" : model.error().message;
}

std::string problem_with(std::string_view from, std::string_view to) {
  std::string json(tiny_llama);
  json.replace(json.find(from), from.size(), to);
  return problem(json);
}

}  // namespace

TEST_CASE("a language model spec gives shapes and tensors") {
  const auto parsed = parse_model_spec(tiny_llama, "m.json");
  REQUIRE(parsed);
  const auto& model = std::get<Model>(*parsed);
  CHECK(model.spec.name == "Tiny");
  CHECK(model.spec.architecture == "llama");
  CHECK(model.spec.n_head_kv.at(1) == 1);
  CHECK(model.source == "m.json");
  CHECK(model.quant.empty());
  // Embedding; per layer q, o, three feed-forward matrices, two norms; k and v of 2 heads and of 1; output norm.
  CHECK(model.parameters == 1000 * 256 + 2 * (2 * 256 * 256 + 3 * 256 * 512 + 2 * 256) + 2 * 256 * (128 + 64) + 256);
}

TEST_CASE("what is wrong with a language model spec is named with its place") {
  CHECK(problem("[]") == "m.json:1:1: must be an object, is an array");
  CHECK(problem("{}") == "m.json:1:1: 'architecture' is missing");
  CHECK(problem(R"({"kind": "llama"})") == "m.json:1:10: /kind: must be one of llm, recommender, is 'llama'");
  CHECK(problem_with("\"llama\"", "\"lama\"")
            .find("m.json:2:35: /architecture: architecture 'lama' is not known; "
                  "did you mean ") == 0);
  CHECK(problem_with("\"block_count\": 2", "\"block_count\": -2") ==
        "m.json:3:14: /hparams: block_count is -2, outside 0 to 512");
  CHECK(problem_with("\"block_count\": 2", "\"block_count\": 1.5") ==
        "m.json:3:14: /hparams: block_count is not a whole number");
  CHECK(problem_with("\"block_count\": 2", "\"block_cuont\": 2") ==
        "m.json:3:30: /hparams/block_cuont: unknown key 'block_cuont'; did you mean block_count?");
  CHECK(problem_with("rope.dimension_count", "rope.dimension_cuont").find("unknown key") != std::string::npos);
  CHECK(problem_with("\"vocab_size\": 1000", "\"vocab_size\": 0").find("needs a key that is missing or 0") !=
        std::string::npos);
  CHECK(problem_with("tied_embeddings", "tied_embedding") ==
        "m.json:6:34: /optional/tied_embedding: unknown key 'tied_embedding'; did you mean tied_embeddings?");
  CHECK(problem_with("true}", "1}") == "m.json:6:35: /optional/tied_embeddings: must be true or false, is 1");
  CHECK(problem_with("[2, 1]", "[2, 1.5]") ==
        "m.json:4:73: /hparams/attention.head_count_kv/1: must be a whole number, is 1.5");
  CHECK(problem_with("[2, 1]", "[]") == "m.json:4:69: /hparams/attention.head_count_kv: must have elements");
}

TEST_CASE("a recommender spec gives its tables") {
  const auto parsed = parse_model_spec(R"({"kind": "recommender", "name": "shop",
      "tables": [{"name": "users", "rows": 10000000, "dim": 100},
                 {"name": "items", "rows": "1M", "dim": 64, "dtype": "int8", "row_scales": true, "replicas": 2},
                 {"name": "words", "rows": "1B", "dim": 32, "dtype": "f16", "buckets": 1000}],
      "dense_parameters": 1000, "dense_dtype": "bf16", "optimizer": "adam"})",
                                       "r.json");
  REQUIRE(parsed);
  const auto& model = std::get<Recommender>(*parsed);
  CHECK(model.name == "shop");
  REQUIRE(model.tables.size() == 3);
  CHECK(table_bytes(model.tables[0])->total() == 4'000'000'000);
  CHECK(table_bytes(model.tables[1])->weights == 128'000'000);
  CHECK(table_bytes(model.tables[1])->scales == 16'000'000);
  CHECK(table_bytes(model.tables[2])->weights == 64'000);
  CHECK(dense_bytes(model)->total() == 10'000);
  CHECK(model.optimizer == Optimizer::adam);
}

TEST_CASE("what is wrong with a recommender spec is named with its place") {
  const auto with = [](std::string_view table) {
    return problem(R"({"kind": "recommender", "tables": [)" + std::string(table) + "]}");
  };
  CHECK(with(R"({"name": "u", "rows": -1, "dim": 4})") ==
        "m.json:1:58: /tables/0/rows: must be a whole number >= 1, is -1");
  CHECK(with(R"({"name": "u", "rows": 1.9, "dim": 4})") ==
        "m.json:1:58: /tables/0/rows: must be a whole number >= 1, is 1.9");
  CHECK(with(R"({"name": "u", "rows": "lots", "dim": 4})") ==
        "m.json:1:58: /tables/0/rows: count 'lots': needs a whole number, such as 150000, 100k, 10M or 1.5B");
  CHECK(with(R"({"name": "u", "rows": 1, "dmi": 4})") ==
        "m.json:1:68: /tables/0/dmi: unknown key 'dmi'; did you mean dim?");
  CHECK(with(R"({"name": "u", "rows": 1, "dim": 4, "dtype": "f33"})")
            .find("m.json:1:80: /tables/0/dtype: dtype 'f33' is not known") == 0);
  CHECK(with(R"({"name": "u", "rows": 1, "dim": 4, "row_scales": true})") ==
        "m.json:1:36: /tables/0: table 'u': row scales belong to int8 and int4 rows, not to f32");
  CHECK(with(R"({"name": "u", "rows": 1, "dim": 4}, {"name": "u", "rows": 1, "dim": 4})") ==
        "m.json:1:72: /tables/1: table 'u' is there twice");
  CHECK(with("") == "m.json:1:35: /tables: must have tables");
  CHECK(problem(R"({"kind": "recommender"})") == "m.json:1:1: 'tables' is missing");
  CHECK(parse_recommender(R"({"tables": []})", "m.json").error().message ==
        "m.json:1:1: \"kind\" must be \"recommender\" for embedding tables");
}
