#include "willitrun/architecture.hpp"

#include <algorithm>

#include "support/catch.hpp"
#include "support/model_case.hpp"

using namespace willitrun;
using nlohmann::json;

namespace {

Result<ModelSpec> try_spec(const std::string& architecture, const json& changes) {
  json keys = {{"block_count", 8},          {"context_length", 4096},      {"embedding_length", 1024},
               {"attention.head_count", 8}, {"feed_forward_length", 2048}, {"vocab_size", 1000}};
  if (!changes.is_null()) keys.update(changes);
  return spec_from_metadata(test::metadata_from(keys), architecture, "");
}

// "SSSF": a letter per layer for those that slide and those that attend in full.
std::string sliding(const std::string& architecture, const json& changes) {
  const auto spec = *try_spec(architecture, changes);
  std::string letters;
  for (std::uint32_t i = 0; i < spec.n_layer; ++i) letters += spec.slides(i) ? 'S' : 'F';
  return letters;
}

std::string recurrent(const std::string& architecture, const json& changes) {
  const auto spec = *try_spec(architecture, changes);
  std::string letters;
  for (std::uint32_t i = 0; i < spec.n_layer; ++i) letters += spec.recurrent(i) ? 'R' : 'A';
  return letters;
}

const json window = {{"attention.sliding_window", 512}};

}  // namespace

TEST_CASE("architecture names are sorted and known") {
  const auto names = architecture_names();
  CHECK(std::is_sorted(names.begin(), names.end()));
  CHECK(names.size() >= 85);
  CHECK(is_known_architecture("llama"));
  CHECK_FALSE(is_known_architecture("lama"));
}

TEST_CASE("an unknown architecture has no inventory, and near misses") {
  const auto tensors = tensor_inventory(*try_spec("lama", {}));
  REQUIRE_FALSE(tensors.has_value());
  CHECK(tensors.error().code == "unknown_architecture");
  CHECK(tensors.error().suggestions.front() == "llama");
}

TEST_CASE("a model that lacks a key its family needs is refused") {
  const auto tensors = tensor_inventory(*try_spec("mamba2", {}));
  REQUIRE_FALSE(tensors.has_value());
  CHECK(tensors.error().message == "mamba2.ssm.time_step_rank is missing or 0, and no mamba2 model is without");
  const auto lacks = [](const char* architecture, const json& keys, const char* key) {
    const auto error = check_needed_keys(*try_spec(architecture, keys));
    return error && error->message.find(std::string(architecture) + "." + key + " is missing") == 0;
  };
  CHECK(lacks("qwen3moe", json{{"expert_count", 8}}, "expert_used_count"));
  CHECK(lacks("rwkv7", json(), "wkv.head_size"));
  CHECK(lacks("qwen3next", json(), "ssm.group_count"));
  CHECK_FALSE(check_needed_keys(*try_spec("llama", json())));
}

TEST_CASE("sliding layers follow each family's period") {
  CHECK(sliding("gemma2", window) == "SFSFSFSF");
  CHECK(sliding("gemma3", window) == "SSSSSFSS");
  CHECK(sliding("cohere2", window) == "SSSFSSSF");
  CHECK(sliding("gpt-oss", window) == "SFSFSFSF");
  CHECK(sliding("modern-bert", window) == "FSSFSSFS");
  CHECK(sliding("llama", window) == "FFFFFFFF");
  CHECK(sliding("phi3", window) == "FFFFFFFF");
  CHECK(sliding("exaone4", {}) == "FFFFFFFF");
  CHECK(sliding("exaone4", {{"block_count", 64}}).substr(0, 8) == "SSSFSSSF");
}

TEST_CASE("the sliding window has each family's default") {
  CHECK(try_spec("gemma2", {})->n_swa == 4096);
  CHECK(try_spec("gemma2", window)->n_swa == 512);
  CHECK(try_spec("gemma3", {})->n_swa == 0);
  CHECK(try_spec("llama4", {})->n_swa == 8192);
  CHECK(try_spec("llama4", window)->n_swa == 8192);
  CHECK(try_spec("llama4", {{"attention.sliding_window", 0}})->n_swa == 0);
  CHECK(try_spec("phi3", window)->n_swa == 0);
}

TEST_CASE("a stated sliding pattern wins over the period") {
  json keys = window;
  keys["attention.sliding_window_pattern"] = {true, true, false, true, true, false, true, false};
  CHECK(sliding("gemma3", keys) == "SSFSSFSF");
  keys["attention.sliding_window_pattern"] = 3;
  CHECK(sliding("gemma3", keys) == "SSFSSFSS");
  keys["attention.sliding_window_pattern"] = {1, 0};
  CHECK(try_spec("gemma3", keys).error().message == "attention.sliding_window_pattern has 2 values for 8 layers");
  CHECK(try_spec("gemma4", window).error().message ==
        "attention.sliding_window_pattern must list every layer of a gemma4 model");
}

TEST_CASE("recurrent layers follow each family's rule") {
  CHECK(recurrent("qwen3next", {}) == "RRRARRRA");
  CHECK(recurrent("qwen35", {{"full_attention_interval", 2}}) == "RARARARA");
  CHECK(recurrent("qwen35", {{"attention.recurrent_layers", {1, 1, 0, 0, 0, 0, 0, 1}}}) == "RRAAAAAR");
  CHECK(recurrent("mamba2", {}) == "RRRRRRRR");
  CHECK(recurrent("lfm2", {{"attention.head_count_kv", {0, 0, 8, 0, 0, 8, 0, 0}}}) == "RRARRARR");
  CHECK(recurrent("nemotron_h", {{"attention.head_count_kv", {0, 0, 8, 0, 0, 8, 0, 0}},
                                 {"feed_forward_length", {0, 9, 0, 0, 9, 0, 0, 9}}}) == "RAARAARA");
  CHECK(recurrent("llama", {}) == "AAAAAAAA");
}

TEST_CASE("next-token-prediction blocks neither slide nor recur") {
  CHECK(recurrent("qwen35", {{"block_count", 5}, {"nextn_predict_layers", 1}}) == "RRRAA");
}

TEST_CASE("an unknown architecture follows its keys alone") {
  json keys = {{"ssm.inner_size", 2048}, {"attention.head_count_kv", {0, 0, 8, 0, 0, 8, 0, 0}}};
  CHECK(recurrent("newcomer", keys) == "RRARRARR");
  keys = {{"ssm.inner_size", 2048}, {"full_attention_interval", 4}};
  CHECK(recurrent("newcomer", keys) == "RRRARRRA");
  keys = window;
  CHECK(sliding("newcomer", keys) == "FFFFFFFF");
  keys["attention.sliding_window_pattern"] = 4;
  CHECK(sliding("newcomer", keys) == "SSSFSSSF");
  CHECK(try_spec("newcomer", {{"attention.shared_kv_layers", 4}})->n_layer_kv_shared == 4);
}

TEST_CASE("falcon-h1 keeps a cache and a state in every layer") {
  const auto spec = *try_spec("falcon-h1", {});
  CHECK(spec.recurrent(3));
  CHECK(spec.attends(3));
  CHECK_FALSE(try_spec("jamba", {{"attention.head_count_kv", 0}})->attends(0));
}

TEST_CASE("encoders keep no cache") {
  for (const auto* name : {"bert", "nomic-bert", "modern-bert", "gemma-embedding"}) {
    INFO(name);
    CHECK_FALSE(try_spec(name, window)->keeps_cache);
    CHECK_FALSE(try_spec(name, window)->causal);
  }
}

TEST_CASE("late layers share caches as each family has it") {
  CHECK(try_spec("gemma3n", {{"block_count", 35}, {"attention.sliding_window", 512}})->n_layer_kv_shared == 15);
  CHECK(try_spec("gemma3n", {{"block_count", 30}, {"attention.sliding_window", 512}})->n_layer_kv_shared == 10);
  CHECK(try_spec("llama", {{"attention.shared_kv_layers", 4}})->n_layer_kv_shared == 0);
}

TEST_CASE("tensors live where llama.cpp puts them") {
  CHECK(tensor_place("token_embd.weight", "llama") == TensorPlace::input);
  CHECK(tensor_place("per_layer_token_embd.weight", "gemma3n") == TensorPlace::input);
  CHECK(tensor_place("position_embd.weight", "gpt2") == TensorPlace::input);
  CHECK(tensor_place("output.weight", "llama") == TensorPlace::output);
  CHECK(tensor_place("output_norm.bias", "gpt2") == TensorPlace::output);
  CHECK(tensor_place("altup_proj.weight", "gemma3n") == TensorPlace::output);
  CHECK(tensor_place("token_embd_norm.weight", "lfm2") == TensorPlace::output);
  CHECK(tensor_place("token_embd_norm.weight", "bert") == TensorPlace::layer);
  CHECK(tensor_place("blk.3.attn_q.weight", "llama") == TensorPlace::layer);
}

TEST_CASE("layer numbers come from names, and the first layer holds what has none") {
  CHECK(tensor_layer("blk.31.attn_q.weight", "llama") == 31);
  CHECK(tensor_layer("token_embd_norm.bias", "bert") == 0);
  CHECK(tensor_layer("per_layer_model_proj.weight", "gemma3n") == 0);
  CHECK(tensor_layer("rope_freqs.weight", "llama") == 0);
  CHECK(tensor_layer("output.weight", "llama") == -1);
  CHECK(tensor_layer("blk.99999999.x.weight", "llama") == 0);
  CHECK(is_shared_by_layers("rope_freqs.weight"));
  CHECK_FALSE(is_shared_by_layers("blk.0.attn_q.weight"));
}

TEST_CASE("routed experts are those that --n-cpu-moe moves") {
  CHECK(is_routed_expert("blk.0.ffn_up_exps.weight"));
  CHECK(is_routed_expert("blk.0.ffn_down_exps.bias"));
  CHECK(is_routed_expert("blk.0.ffn_gate_up_exps.weight"));
  CHECK_FALSE(is_routed_expert("blk.0.ffn_up_shexp.weight"));
  CHECK_FALSE(is_routed_expert("blk.0.ffn_gate_inp.weight"));
}

TEST_CASE("source types are those of the converter") {
  CHECK(source_type("blk.0.attn_q.weight", 2, TensorType::bf16) == TensorType::bf16);
  CHECK(source_type("blk.0.attn_norm.weight", 1, TensorType::f16) == TensorType::f32);
  CHECK(source_type("blk.0.ssm_norm.weight", 2, TensorType::f16) == TensorType::f32);
  CHECK(source_type("blk.0.ffn_gate_inp.weight", 2, TensorType::f16) == TensorType::f32);
  CHECK(source_type("blk.0.ssm_a", 2, TensorType::f16) == TensorType::f32);
  CHECK(source_type("blk.0.ffn_down_exps.bias", 2, TensorType::f16) == TensorType::f32);
  CHECK(source_type("position_embd.weight", 2, TensorType::f16) == TensorType::f32);
}
