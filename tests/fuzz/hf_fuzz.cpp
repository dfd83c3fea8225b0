// Any bytes as a safetensors file, or as the config.json beside a small one: an error or a model, never a crash.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "willitrun/hf_model.hpp"
#include "willitrun/weights.hpp"

using namespace willitrun;

namespace {

void use(const Result<HfModel>& model) {
  if (!model) {
    if (model.error().message.empty()) std::abort();
    return;
  }
  const auto weights = weigh(model->model);
  Bytes sum = 0;
  for (const auto& tensor : model->model.as_stored()) sum += tensor.bytes();
  if (sum != weights.file_bytes) std::abort();
}

constexpr std::string_view config =
    R"({"model_type":"llama","hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,"vocab_size":16,
        "intermediate_size":8})";

SafetensorsHeader small_header() {
  SafetensorsHeader header;
  header.tensors = {{"model.embed_tokens.weight", "F16", {16, 8}, 0, 256},
                    {"model.layers.0.self_attn.q_proj.weight", "F16", {8, 8}, 256, 384}};
  header.data_bytes = 384;
  return header;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with("{")) {
    use(model_from_hf(text, {small_header()}, "fuzz"));
    (void)safetensors_shards(text, "fuzz.index.json");
    return 0;
  }
  const auto header = read_safetensors(read_at_from_memory(std::as_bytes(std::span(data, size))), "fuzz.safetensors");
  if (!header) {
    if (header.error().message.empty()) std::abort();
    return 0;
  }
  use(model_from_hf(config, {*header}, "fuzz"));
  return 0;
}
