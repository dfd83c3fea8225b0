#include "willitrun/llama_bench.hpp"

#include <fmt/format.h>

#include "support/catch.hpp"

using namespace willitrun;

namespace {

constexpr std::string_view needed =
    R"("model_type":"llama 8B Q4_K - Medium","model_size":4912898304,"model_n_params":8030261312,"n_gen":128,"n_prompt":0)";

std::string with(std::string_view more) { return fmt::format("{{{},{}}}", needed, more); }

std::string problem(const std::string& text) {
  const auto rows = read_llama_bench(text, "b.json");
  return rows ? "none" : rows.error().message;
}

}  // namespace

TEST_CASE("llama-bench of every version is read") {
  const auto current = with(
      R"("avg_ts":62.4,"backends":"CUDA","gpu_info":"NVIDIA GeForce RTX 3060","n_gpu_layers":-1,"flash_attn":-1,"n_depth":512,"test_time":"2026-10-04T11:58:50Z","something_new":[1])");
  const auto rows = read_llama_bench("[" + current + "]", "b.json");
  REQUIRE(rows);
  REQUIRE(rows->size() == 1);
  const auto& row = rows->front();
  CHECK(row.n_gen == 128);
  CHECK(row.n_depth == 512);
  CHECK(row.flash_attn);
  CHECK(row.n_gpu_layers == -1);
  CHECK(row.date == "2026-10-04");
  CHECK(row.avg_ts == 62.4);

  const auto old = read_llama_bench(
      "[" + with(R"("avg_ts":5,"cuda":true,"metal":false,"gpu_info":"AMD Radeon VII","flash_attn":false)") + "]", "b");
  REQUIRE(old);
  CHECK(old->front().backends == "ROCm");
  CHECK_FALSE(old->front().flash_attn);
  CHECK(old->front().n_depth == 0);
  CHECK(old->front().date.empty());

  const auto lines = read_llama_bench(current + "\n\n" + current + "\n", "b.jsonl");
  REQUIRE(lines);
  CHECK(lines->size() == 2);
  CHECK(lines->back().number == 2);
}

TEST_CASE("what llama-bench did not write is refused in one line") {
  CHECK(problem("") == "b.json: is empty");
  CHECK(problem("[]") == "b.json: holds no tests of llama-bench");
  CHECK(problem("| model | size |") == "b.json: is llama-bench's table; run it with -o json");
  CHECK(problem("build_commit,build_number") == "b.json: is llama-bench's table; run it with -o json");
  CHECK(problem("[3]") == "b.json:1:2: /0: must be an object, one test of llama-bench, is 3");
  CHECK(problem("[{}]") == "b.json:1:2: /0: 'model_type' is missing: is this what llama-bench -o json prints?");
  CHECK(problem("[" + with(R"("avg_ts":0)") + "]").ends_with("/0/avg_ts: must be tokens per second above 0"));
  CHECK(problem("[" + with(R"("avg_ts":1,"n_gpu_layers":"all")") + "]").find("/0/n_gpu_layers") != std::string::npos);
  CHECK(problem(with(R"("avg_ts":1)") + "\n{\"model_type\":").starts_with("b.json: line 2"));
}

TEST_CASE("file types are read out of model descriptions") {
  CHECK(quant_of_model_type("qwen2 7B Q4_K - Medium") == "q4_k_m");
  CHECK(quant_of_model_type("LLaMA 7B mostly Q4_0") == "q4_0");
  CHECK(quant_of_model_type("llama 8B Q3_K - Large") == "q3_k_l");
  CHECK(quant_of_model_type("llama 8B Q2_K - Medium") == "q2_k");
  CHECK(quant_of_model_type("llama 8B Q6_K") == "q6_k");
  CHECK(quant_of_model_type("llama 8B (guessed) IQ3_S mix - 3.66 bpw") == "iq3_m");
  CHECK(quant_of_model_type("qwen3moe 30B.A3B IQ4_XS - 4.25 bpw") == "iq4_xs");
  CHECK(quant_of_model_type("gpt-oss 20B MXFP4 MoE") == "mxfp4");
  CHECK(quant_of_model_type("llama 8B all F32") == "f32");
  CHECK(quant_of_model_type("gemma3 4B BF16") == "bf16");
  CHECK(quant_of_model_type("bitnet 2B TQ2_0 - 2.06 bpw ternary") == "tq2_0");
  CHECK(quant_of_model_type("llama ?B").empty());
}
