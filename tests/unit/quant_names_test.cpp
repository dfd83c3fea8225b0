// Quants by any usual spelling, and the sizes of formats that are not ggml's, by hand.
#include "support/catch.hpp"
#include "support/truth.hpp"
#include "willitrun/quant.hpp"

using namespace willitrun;
using test::catalog_model;

namespace {

std::string id_of(std::string_view text) {
  const auto preset = find_quant(text);
  return preset ? std::string(preset->id) : preset.error().message;
}

Bytes llama_at(const std::string& quant) { return catalog_model("llama3.1-8b", quant)->weights.file_bytes; }

// Llama 3.1 8B: 32 layers of width 4096, 8 key/value heads of 128, feed-forward 14336, 128,256 tokens.
constexpr Bytes in_layers = 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * Bytes{4096} * 14336);
constexpr Bytes table = Bytes{128256} * 4096;                         // token embedding; the output is as large
constexpr Bytes norms = (32 * 2 * 4096 + 4096 + 64) * sizeof(float);  // rope factors included

}  // namespace

TEST_CASE("a quant is found in every usual spelling") {
  for (const auto* text : {"q4_k_m", "Q4_K_M", "Q4KM", "q4-k-m", "Q4 K M"}) CHECK(id_of(text) == "q4_k_m");
  for (const auto* text : {"f16", "fp16", "FP16", "float16"}) CHECK(id_of(text) == "f16");
  for (const auto* text : {"bf16", "BFloat16"}) CHECK(id_of(text) == "bf16");
  for (const auto* text : {"q8_0", "Q80", "q8-0"}) CHECK(id_of(text) == "q8_0");
  CHECK(id_of("Q3_K") == "q3_k_m");
  CHECK(id_of("Q4_K") == "q4_k_m");
  CHECK(id_of("Q5_K") == "q5_k_m");
  CHECK(id_of("mxfp4") == "mxfp4_moe");
  CHECK(id_of("GPTQ") == "gptq-4bit-128g");
  CHECK(id_of("awq") == "awq-4bit-128g");
  CHECK(id_of("MLX-4bit") == "mlx-4bit");
  CHECK(id_of("exl-4.25bpw") == "exl-4.25bpw");
  CHECK(id_of("bnb-4bit") == "nf4");
  for (const auto* text : {"GPTQ-Int4", "w4a16", "quantized.w4a16"}) CHECK(id_of(text) == "gptq-4bit-128g");
  CHECK(id_of("FP4") == "nvfp4");
  CHECK(id_of("FP8-dynamic") == "fp8");
  CHECK(id_of("MXFP4-Q8") == "mxfp4_moe");
}

TEST_CASE("every preset is found by its id and by its name") {
  for (const auto& preset : quant_presets()) {
    CHECK(id_of(preset.id) == preset.id);
    CHECK(id_of(preset.name) == preset.id);
  }
}

TEST_CASE("a number of bits is not a quant: those that have it are offered") {
  CHECK(id_of("4bit") == "unknown quant '4bit'; did you mean q4_k_m, q4_k_s, q4_1, q4_0 or iq4_nl?");
  CHECK(id_of("q4") == "unknown quant 'q4'; did you mean q4_k_m, q4_k_s, q4_1, q4_0 or iq4_nl?");
  CHECK(id_of("8-bit") == "unknown quant '8-bit'; did you mean q8_0 or mlx-8bit?");
  CHECK(id_of("q4_k_n") == "unknown quant 'q4_k_n'; did you mean q4_k_m, q4_k_s or q2_k?");
  CHECK(id_of("completely wrong") == "unknown quant 'completely wrong'; `willitrun list quants` shows all");
}

TEST_CASE("formats of other engines leave tables at 16 bits, most of them") {
  CHECK(llama_at("f16") == 2 * in_layers + 4 * table + norms);
  CHECK(llama_at("fp8") == in_layers + 4 * table + norms);
  CHECK(llama_at("int8") == in_layers + 4 * table + norms);
  CHECK(llama_at("gptq-4bit-128g") == in_layers / 256 * 133 + 4 * table + norms);
  CHECK(llama_at("awq-4bit-128g") == llama_at("gptq-4bit-128g"));
  CHECK(llama_at("nf4") == in_layers / 64 * 36 + 4 * table + norms);
  CHECK(llama_at("nf4-dq") == in_layers / 16384 * 8452 + 4 * table + norms);
  CHECK(llama_at("fp8-block") == in_layers / 16384 * 16388 + 4 * table + norms);
  CHECK(llama_at("mlx-4bit") == (in_layers + 2 * table) / 64 * 36 + norms);
  CHECK(llama_at("exl-4.25bpw") == in_layers / 32 * 17 + 2 * table + table / 32 * 24 + norms);
}

TEST_CASE("the same sizes as plain numbers") {
  CHECK(llama_at("fp8") == 9081733376);
  CHECK(llama_at("gptq-4bit-128g") == 5728387328);
  CHECK(llama_at("nf4") == 6028280064);
  CHECK(llama_at("mlx-4bit") == 4517937408);
}
