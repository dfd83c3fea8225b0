#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "support/catch.hpp"
#include "support/gguf_builder.hpp"
#include "willitrun/architecture.hpp"

using namespace willitrun;
using test::GgufBuilder;

namespace {

GgufBuilder keys(std::uint32_t layers = 1) {
  return GgufBuilder()
      .str("general.architecture", "llama")
      .str("general.name", "Tiny")
      .u32("general.file_type", 15)
      .u32("llama.block_count", layers)
      .u32("llama.embedding_length", 256)
      .u32("llama.feed_forward_length", 512)
      .u32("llama.attention.head_count", 4);
}

GgufBuilder whole() {
  return keys()
      .tensor("token_embd.weight", {256, 10}, TensorType::q4_k)
      .tensor("blk.0.attn_k.weight", {256, 256}, TensorType::q4_k);
}

Result<Model> model_of(const std::vector<GgufBuilder>& files, std::string_view what = "dir/m.gguf") {
  std::vector<GgufHeader> headers;
  for (const auto& file : files) headers.push_back(*file.read());
  return model_from_gguf(std::move(headers), what);
}

std::string problem(const std::vector<GgufBuilder>& files) {
  const auto model = model_of(files, "m.gguf");
  return model ? "" : model.error().message;
}

GgufBuilder shard(std::uint32_t number, std::uint32_t count, std::uint32_t tensors, GgufBuilder file = {}) {
  return file.u32("split.no", number).u32("split.count", count).u32("split.tensors.count", tensors);
}

Result<Model> model_from_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  auto header = read_gguf(read_at_from_memory(std::as_bytes(std::span(bytes))), path.filename().string());
  if (!header) return header.error();
  std::vector<GgufHeader> headers;
  headers.push_back(*std::move(header));
  return model_from_gguf(std::move(headers), path.filename().string());
}

}  // namespace

TEST_CASE("a file's model has its own tensors and what its keys say") {
  const auto model = model_of({whole()}, "dir/tiny-00001-of-00001.gguf");
  REQUIRE(model);
  CHECK(model->spec.id == "tiny");
  CHECK(model->spec.name == "Tiny");
  CHECK(model->spec.architecture == "llama");
  CHECK(model->spec.n_vocab == 10);
  CHECK(model->spec.optional.tied_embeddings);
  CHECK(model->quant == "Q4_K_M");
  CHECK(model->parameters == 2560 + 65536);
  CHECK_FALSE(model->generic);
  CHECK(model->tensors[0].place == TensorPlace::input);
  CHECK(model->tensors[0].layer == -1);
  CHECK(model->tensors[1].layer == 0);
}

TEST_CASE("tensor lists of the converter come out as the architecture builds them") {
  for (const auto& entry : std::filesystem::directory_iterator(WILLITRUN_TEST_DATA "/oracle/gguf")) {
    INFO(entry.path().filename());
    const auto model = model_from_file(entry.path());
    REQUIRE(model);
    const auto built = tensor_inventory(model->spec);
    REQUIRE(built);
    std::map<std::string, Shape> file, ours;
    for (const auto& tensor : model->tensors) file[tensor.name] = tensor.shape;
    for (const auto& tensor : *built) ours[tensor.name] = tensor.shape;
    CHECK(file == ours);
    CHECK(model->quant == "Q4_K_M");
  }
}

TEST_CASE("optional tensors show by name") {
  const auto model = model_of({keys()
                                   .tensor("token_embd.weight", {256, 10})
                                   .tensor("output.weight", {256, 10})
                                   .tensor("blk.0.attn_q.bias", {256})
                                   .tensor("blk.0.attn_v.weight", {256, 256})
                                   .tensor("blk.0.ffn_gate_exps.weight", {256, 512, 4})
                                   .tensor("rope_freqs.weight", {32})});
  REQUIRE(model);
  const auto& optional = model->spec.optional;
  CHECK_FALSE(optional.tied_embeddings);
  CHECK(optional.attention_bias);
  CHECK(optional.rope_freqs);
  CHECK_FALSE(optional.qk_norm);
  CHECK_FALSE(optional.keys_as_values);
  CHECK(model->tensors[4].routed_expert);
}

TEST_CASE("shards join in any order") {
  const auto first = shard(0, 2, 2, keys().tensor("token_embd.weight", {256, 10}));
  const auto second = shard(1, 2, 2).tensor("blk.0.attn_k.weight", {256, 256});
  const auto model = model_of({second, first});
  REQUIRE(model);
  CHECK(model->tensors[0].name == "token_embd.weight");
  CHECK(model->tensors[1].name == "blk.0.attn_k.weight");

  CHECK(problem({}) == "m.gguf: no shards");
  CHECK(problem({first}) == "m.gguf: 1 of 2 shards is missing: 2");
  CHECK(problem({shard(3, 9, 2)}) == "m.gguf: 8 of 9 shards are missing: 1, 2, 3, 5, 6 and 3 more");
  CHECK(problem({first, first}) == "m.gguf: shard 1 of 2 is there twice");
  CHECK(problem({whole(), whole()}) == "m.gguf: several whole models, not shards of one");
  CHECK(problem({first, shard(1, 3, 2)}) ==
        "m.gguf: shards of different models: one says it is one of 2, another one of 3");
  CHECK(problem({first, shard(1, 2, 3).tensor("blk.0.attn_k.weight", {256, 256})}) ==
        "m.gguf: shard 2 says the model has 3 tensors, but the 2 shards have 2");
  CHECK(problem({first, shard(1, 2, 2).str("general.architecture", "bert").tensor("b", {1})}) ==
        "m.gguf: shards of different models: architecture 'llama' in one, 'bert' in another");
  CHECK(problem({first, shard(1, 2, 2).tensor("token_embd.weight", {256, 10})}) ==
        "m.gguf: tensor 'token_embd.weight' is in two shards");
}

TEST_CASE("a file that contradicts itself is refused with both numbers") {
  CHECK(problem({whole().tensor("blk.40.attn_k.weight", {256, 256})}) ==
        "m.gguf: tensor 'blk.40.attn_k.weight' lies in layer 40, but llama.block_count is 1");
  CHECK(problem({keys(2).tensor("token_embd.weight", {256, 10}).tensor("blk.0.attn_k.weight", {256, 256})}) ==
        "m.gguf: llama.block_count is 2, but layer 1 has no tensors");
  CHECK(problem({keys().tensor("token_embd.weight", {512, 10})}) ==
        "m.gguf: token_embd.weight is 512 wide, but llama.embedding_length is 256");
  CHECK(problem({keys().u32("llama.vocab_size", 11).tensor("token_embd.weight", {256, 10})}) ==
        "m.gguf: token_embd.weight has 10 rows, but llama.vocab_size is 11");
  CHECK(problem({keys().strs("tokenizer.ggml.tokens", 12, "t").tensor("token_embd.weight", {256, 10})}) ==
        "m.gguf: token_embd.weight has 10 rows, but tokenizer.ggml.tokens has 12 tokens");
  CHECK(problem({GgufBuilder()
                     .str("general.architecture", "llama")
                     .u32("llama.block_count", 1)
                     .u32("llama.embedding_length", 256)
                     .tensor("blk.0.attn_k.weight", {256, 256})}) ==
        "m.gguf: llama.attention.head_count is missing or 0, but tensor 'blk.0.attn_k.weight' is there");
  CHECK(problem({whole().u32("llama.expert_count", 8)}) ==
        "m.gguf: llama.expert_used_count is missing or 0, and no llama model is without");
  CHECK(problem({GgufBuilder().str("general.architecture", "llama").tensor("a", {1})}) ==
        "m.gguf: llama.block_count is missing or 0");
  CHECK(problem({GgufBuilder().tensor("a", {1})}) == "m.gguf: general.architecture is missing or not text");
  CHECK(problem({GgufBuilder().str("general.architecture", "llama")}) == "m.gguf: has no tensors");
  CHECK(problem({keys().strs("llama.attention.head_count_kv", 2, "x").tensor("a", {1})}) ==
        "m.gguf: llama.attention.head_count_kv is not a whole number");
}

TEST_CASE("a tokenizer's list rules over a wrong vocab_size") {
  const auto model = model_of({whole().u32("llama.vocab_size", 11).strs("tokenizer.ggml.tokens", 10, "t")});
  REQUIRE(model);
  CHECK(model->spec.n_vocab == 10);
}

TEST_CASE("an unknown architecture keeps exact weights and what its keys say") {
  const auto model = model_of({GgufBuilder()
                                   .str("general.architecture", "novel")
                                   .u32("novel.attention.head_count", 4)
                                   .u32("novel.attention.head_count_kv", 2)
                                   .tensor("token_embd.weight", {256, 10}, TensorType::q4_k)
                                   .tensor("blk.3.attn_k.weight", {256, 128}, TensorType::q6_k)});
  REQUIRE(model);
  CHECK(model->generic);
  CHECK(model->spec.n_layer == 4);
  CHECK(model->spec.n_embd == 256);
  CHECK(model->spec.head_dim_k == 64);
  CHECK(model->spec.n_head_kv.at(0) == 2);
  CHECK(model->quant == "Q6_K mix");
  CHECK(problem({GgufBuilder().str("general.architecture", "novel").tensor("a", {1})}) ==
        "m.gguf: novel.embedding_length is missing or 0");
}
