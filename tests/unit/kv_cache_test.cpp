// Contexts as llama.cpp allocates them, by hand.
#include "willitrun/kv_cache.hpp"

#include "support/catch.hpp"
#include "support/truth.hpp"

using namespace willitrun;
using test::catalog_model;

namespace {

ResolvedContext resolved(const std::string& model, const ContextParams& params) {
  return resolve_context(catalog_model(model, "q4_k_m")->model.spec, params);
}

std::vector<LayerCache> caches(const std::string& model, const ContextParams& params) {
  return measure(catalog_model(model, "q4_k_m"), params).caches;
}

ContextParams with_ctx(std::uint32_t n_ctx, std::uint32_t slots = 1, bool unified = false) {
  ContextParams params;
  params.n_ctx = n_ctx;
  params.n_seq_max = slots;
  params.kv_unified = unified;
  return params;
}

std::string message(std::string_view text) {
  const auto type = find_cache_type(text);
  return type ? "" : type.error().message;
}

}  // namespace

TEST_CASE("a context is padded to 256 cells") {
  CHECK(resolved("llama3.1-8b", with_ctx(1)).n_ctx == 256);
  CHECK(resolved("llama3.1-8b", with_ctx(1000)).n_ctx == 1024);
  CHECK(resolved("llama3.1-8b", with_ctx(1024)).n_ctx == 1024);
  CHECK(resolved("llama3.1-8b", with_ctx(0)).n_ctx == 131072);
}

TEST_CASE("a batch is no longer than the context") {
  const auto small = resolved("llama3.1-8b", with_ctx(100));
  CHECK(small.n_batch == 100);
  CHECK(small.n_ubatch == 100);
  const auto usual = resolved("llama3.1-8b", with_ctx(8192));
  CHECK(usual.n_batch == 2048);
  CHECK(usual.n_ubatch == 512);
}

TEST_CASE("slots share the context out, each padded again") {
  const auto even = resolved("llama3.1-8b", with_ctx(10000, 4));
  CHECK(even.n_ctx_seq == 2560);
  CHECK(even.n_ctx == 10240);
  CHECK(even.n_stream == 4);
  CHECK(even.n_outputs == 4);
  const auto uneven = resolved("llama3.1-8b", with_ctx(8448, 4));
  CHECK(uneven.n_ctx_seq == 2304);
  CHECK(uneven.n_ctx == 9216);
}

TEST_CASE("slots on one stream each reach the whole context") {
  const auto context = resolved("llama3.1-8b", with_ctx(10000, 4, true));
  CHECK(context.n_stream == 1);
  CHECK(context.n_ctx_seq == 10240);
  CHECK(context.n_ctx == 10240);
}

TEST_CASE("sliding layers keep their window and the batch in flight") {
  CHECK(resolved("gemma3-4b", with_ctx(32768)).n_swa_cells == 1024 + 512);
  CHECK(resolved("gemma3-4b", with_ctx(1024)).n_swa_cells == 1024);
  CHECK(resolved("gemma3-4b", with_ctx(65536, 2)).n_swa_cells == 1024 + 512);
  CHECK(resolved("gemma3-4b", with_ctx(65536, 2, true)).n_swa_cells == 2 * 1024 + 512);
  auto full = with_ctx(32768);
  full.swa_full = true;
  CHECK(resolved("gemma3-4b", full).n_swa_cells == 32768);
  CHECK(resolved("llama3.1-8b", with_ctx(32768)).n_swa_cells == 0);
}

TEST_CASE("a grouped-query cache is rows of keys and values") {
  constexpr Bytes row = 8 * 128;  // heads x width
  const auto layers = caches("llama3.1-8b", with_ctx(8192));
  REQUIRE(layers.size() == 32);
  CHECK(layers[0].kv_device == 2 * 8192 * row * 2);
  CHECK(layers[31].kv_host == 2 * 8192 * row * 2);
  CHECK(layers[0].state_device == 0);
  auto small = with_ctx(8192);
  small.type_k = small.type_v = TensorType::q8_0;
  CHECK(caches("llama3.1-8b", small)[0].kv_device == 2 * 8192 * (row / 32 * 34));
}

TEST_CASE("of six layers five slide") {
  constexpr Bytes row = 4 * 256;
  const auto layers = caches("gemma3-4b", with_ctx(32768));
  REQUIRE(layers.size() == 34);
  for (std::size_t il = 0; il < layers.size(); ++il)
    CHECK(layers[il].kv_device == 2 * (il % 6 == 5 ? 32768 : 1536) * row * 2);
}

TEST_CASE("latent attention keeps keys only") {
  for (const auto& layer : caches("deepseek-v2-lite", with_ctx(8192))) CHECK(layer.kv_device == 8192 * (512 + 64) * 2);
}

TEST_CASE("a recurrent state does not grow with the context, but with the slots") {
  const auto one = caches("mamba2-2.7b", with_ctx(2048));
  const auto longer = caches("mamba2-2.7b", with_ctx(65536));
  const auto four = caches("mamba2-2.7b", with_ctx(2048, 4));
  for (std::size_t il = 0; il < one.size(); ++il) {
    CHECK(one[il].kv_device == 0);
    CHECK(one[il].state_device > 0);
    CHECK(longer[il].state_device == one[il].state_device);
    CHECK(four[il].state_device == 4 * one[il].state_device);
  }
}

TEST_CASE("cache types are ggml's, in either case") {
  CHECK(*find_cache_type("f16") == TensorType::f16);
  CHECK(*find_cache_type("Q8_0") == TensorType::q8_0);
  CHECK(*find_cache_type("iq4_nl") == TensorType::iq4_nl);
  CHECK(message("q8") == "unknown KV cache type 'q8'; did you mean q8_0, fp8 or q4_0?");
  CHECK(message("q4_k") == "unknown KV cache type 'q4_k'; did you mean q4_0, q4_1 or q5_0?");
  CHECK(message("f64") == "unknown KV cache type 'f64'; did you mean f16, f32 or fp8?");
  CHECK(message("turbo9") == "unknown KV cache type 'turbo9'; did you mean f16, q8_0 or q4_0?");
  CHECK(message("") == "unknown KV cache type ''; did you mean f16, q8_0 or q4_0?");
}

TEST_CASE("DeepSeek V4 keeps a window of keys, older ones compressed by 4 or 128, and what is not yet compressed") {
  // Flash: two layers of window alone, then by turns compressed by 4 (with an indexer of 128) and by 128.
  const auto layers = caches("deepseek-v4-flash", with_ctx(65536));
  const Bytes window = Bytes{128 + 512 + 128} * 512 * 2;  // 640 cells padded to 768, keys alone, f16
  CHECK(layers[0].kv_device == window);
  CHECK(layers[0].state_device == 0);
  const Bytes fine = Bytes{65536 / 4} * (512 + 128) * 2;
  CHECK(layers[2].kv_device == window + fine);
  CHECK(layers[2].state_device == 2 * Bytes{8} * (2 * 512 + 2 * 128) * 4);  // values and scores, f32
  CHECK(layers[3].kv_device == window + Bytes{65536 / 128} * 512 * 2);
  CHECK(layers[3].state_device == 2 * Bytes{128} * 512 * 4);
  // Each sequence has its own, unified cache or not.
  const auto two = caches("deepseek-v4-flash", with_ctx(65536, 2, true));
  CHECK(two[2].kv_device == 2 * (window + fine));
}

TEST_CASE("MiniMax M3 caches one key of its indexer where attention is sparse") {
  const auto layers = caches("minimax-m3", with_ctx(4096));
  const Bytes full = Bytes{4096} * 2 * 4 * 128 * 2;
  CHECK(layers[0].kv_device == full);
  CHECK(layers[3].kv_device == full + Bytes{4096} * 2 * 128 * 2);  // llama.cpp keeps values beside them, unread
}

TEST_CASE("Whisper's caches have the lengths whisper.cpp gives them") {
  const auto layers = caches("whisper-base", with_ctx(448));
  const Bytes row = 512 * 2 * 2;             // keys and values, f16
  CHECK(layers[0].kv_device == 1536 * row);  // kv_pad: 1500 padded to 256
  CHECK(layers[1].kv_device == 0);           // the encoder
  CHECK(layers[6].kv_device == (1536 + 512) * row);
  Bytes decoder = 0;
  for (std::uint32_t il = 6; il < 12; ++il) decoder += layers[il].kv_device;
  CHECK(decoder == 18874368 + 6291456);  // whisper.cpp prints kv cross 18.87 MB and kv self 6.29 MB
}
