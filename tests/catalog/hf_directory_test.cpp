// A model's published config.json and tensor list must come to what its catalog entry says.
#include <array>

#include "support/catch.hpp"
#include "support/hf_files.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/footprint.hpp"
#include "willitrun/hf_model.hpp"
#include "willitrun/quant.hpp"

using namespace willitrun;

namespace {

struct Published {
  std::string_view id, config;
};
// The keys of the published files that bear on shapes.
constexpr std::array published{
    Published{"llama3.1-8b", R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":4096,
      "intermediate_size":14336,"max_position_embeddings":131072,"num_attention_heads":32,"num_hidden_layers":32,
      "num_key_value_heads":8,"rope_scaling":{"factor":8.0,"rope_type":"llama3"},"tie_word_embeddings":false,
      "vocab_size":128256})"},
    Published{"mixtral-8x7b", R"({"model_type":"mixtral","hidden_size":4096,"intermediate_size":14336,
      "max_position_embeddings":32768,"num_attention_heads":32,"num_experts_per_tok":2,"num_hidden_layers":32,
      "num_key_value_heads":8,"num_local_experts":8,"sliding_window":null,"tie_word_embeddings":false,"vocab_size":32000})"},
    Published{"qwen2.5-7b", R"({"model_type":"qwen2","hidden_size":3584,"intermediate_size":18944,
      "max_position_embeddings":32768,"max_window_layers":28,"num_attention_heads":28,"num_hidden_layers":28,
      "num_key_value_heads":4,"sliding_window":131072,"tie_word_embeddings":false,"use_sliding_window":false,
      "vocab_size":152064})"},
    Published{"qwen3-30b-a3b", R"({"model_type":"qwen3_moe","head_dim":128,"hidden_size":2048,"intermediate_size":6144,
      "max_position_embeddings":40960,"moe_intermediate_size":768,"num_attention_heads":32,"num_experts":128,
      "num_experts_per_tok":8,"num_hidden_layers":48,"num_key_value_heads":4,"tie_word_embeddings":false,
      "vocab_size":151936})"},
    Published{"gemma2-27b", R"({"model_type":"gemma2","head_dim":128,"hidden_size":4608,"intermediate_size":36864,
      "max_position_embeddings":8192,"num_attention_heads":32,"num_hidden_layers":46,"num_key_value_heads":16,
      "sliding_window":4096,"vocab_size":256000})"},
    Published{"gemma3-4b", R"({"architectures":["Gemma3ForConditionalGeneration"],"model_type":"gemma3",
      "text_config":{"hidden_size":2560,"intermediate_size":10240,"model_type":"gemma3_text","num_hidden_layers":34,
      "sliding_window":1024},"vision_config":{"hidden_size":1152,"num_hidden_layers":27}})"},
    Published{"deepseek-v2-lite", R"({"model_type":"deepseek_v2","first_k_dense_replace":1,"hidden_size":2048,
      "intermediate_size":10944,"kv_lora_rank":512,"max_position_embeddings":163840,"moe_intermediate_size":1408,
      "n_routed_experts":64,"n_shared_experts":2,"num_attention_heads":16,"num_experts_per_tok":6,"num_hidden_layers":27,
      "num_key_value_heads":16,"q_lora_rank":null,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128,
      "tie_word_embeddings":false,"vocab_size":102400})"},
    Published{"glm4.5", R"({"model_type":"glm4_moe","first_k_dense_replace":3,"head_dim":128,"hidden_size":5120,
      "intermediate_size":12288,"max_position_embeddings":131072,"moe_intermediate_size":1536,"n_routed_experts":160,
      "n_shared_experts":1,"num_attention_heads":96,"num_experts_per_tok":8,"num_hidden_layers":92,
      "num_key_value_heads":8,"num_nextn_predict_layers":1,"partial_rotary_factor":0.5,"tie_word_embeddings":false,
      "vocab_size":151552})"},
    Published{"gpt-oss-20b", R"({"model_type":"gpt_oss","head_dim":64,"hidden_size":2880,"intermediate_size":2880,
      "layer_types":["sliding_attention","full_attention","sliding_attention","full_attention","sliding_attention",
      "full_attention","sliding_attention","full_attention","sliding_attention","full_attention","sliding_attention",
      "full_attention","sliding_attention","full_attention","sliding_attention","full_attention","sliding_attention",
      "full_attention","sliding_attention","full_attention","sliding_attention","full_attention","sliding_attention",
      "full_attention"],"max_position_embeddings":131072,"num_attention_heads":64,"num_experts_per_tok":4,
      "num_hidden_layers":24,"num_key_value_heads":8,"num_local_experts":32,"sliding_window":128,
      "tie_word_embeddings":false,"vocab_size":201088})"},
    Published{"phi4-mini", R"({"model_type":"phi3","hidden_size":3072,"intermediate_size":8192,
      "max_position_embeddings":131072,"num_attention_heads":24,"num_hidden_layers":32,"num_key_value_heads":8,
      "partial_rotary_factor":0.75,"rope_scaling":{"long_factor":[1,2],"short_factor":[1,1],"type":"longrope"},
      "sliding_window":262144,"tie_word_embeddings":true,"vocab_size":200064})"},
    Published{"falcon-7b", R"({"model_type":"falcon","hidden_size":4544,"multi_query":true,
      "new_decoder_architecture":false,"num_attention_heads":71,"num_hidden_layers":32,"max_position_embeddings":2048,
      "vocab_size":65024})"},
    Published{"gpt2", R"({"model_type":"gpt2","n_ctx":1024,"n_embd":768,"n_head":12,"n_layer":12,"n_positions":1024,
      "n_inner":null,"vocab_size":50257})"},
    Published{"mamba-codestral-7b", R"({"model_type":"mamba2","conv_kernel":4,"expand":2,"hidden_size":4096,
      "n_groups":8,"num_heads":128,"num_hidden_layers":64,"state_size":128,"time_step_limit":[0.0,Infinity],
      "max_position_embeddings":262144,"vocab_size":32768})"},
    Published{"olmo2-7b", R"({"model_type":"olmo2","hidden_size":4096,"intermediate_size":11008,
      "max_position_embeddings":4096,"num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":32,
      "tie_word_embeddings":false,"vocab_size":100352})"},
    Published{"qwen3-next-80b-a3b", R"({"model_type":"qwen3_next","full_attention_interval":4,"head_dim":256,
      "hidden_size":2048,"intermediate_size":5120,"linear_conv_kernel_dim":4,"linear_key_head_dim":128,
      "linear_num_key_heads":16,"linear_num_value_heads":32,"linear_value_head_dim":128,
      "max_position_embeddings":262144,"moe_intermediate_size":512,"num_attention_heads":16,"num_experts":512,
      "num_experts_per_tok":10,"num_hidden_layers":48,"num_key_value_heads":2,"partial_rotary_factor":0.25,
      "shared_expert_intermediate_size":512,"tie_word_embeddings":false,"vocab_size":151936})"},
    Published{"command-r7b", R"({"model_type":"cohere2","head_dim":128,"hidden_size":4096,"intermediate_size":14336,
      "max_position_embeddings":131072,"num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8,
      "sliding_window":4096,"sliding_window_pattern":4,"vocab_size":256000})"},
    Published{"granite3.0-1b-a400m", R"({"model_type":"granitemoe","hidden_size":1024,"intermediate_size":512,
      "max_position_embeddings":4096,"num_attention_heads":16,"num_experts_per_tok":8,"num_hidden_layers":24,
      "num_key_value_heads":8,"num_local_experts":32,"tie_word_embeddings":true,"vocab_size":49152})"},
    Published{"starcoder2-3b", R"({"model_type":"starcoder2","hidden_size":3072,"intermediate_size":12288,
      "max_position_embeddings":16384,"num_attention_heads":24,"num_hidden_layers":30,"num_key_value_heads":2,
      "sliding_window":4096,"use_bias":true,"vocab_size":49152})"},
};

Bytes cache_bytes(Model model) {
  ContextParams params;
  params.n_ctx = 8192;
  const auto footprint = measure(weigh_model(std::move(model)), params);
  Bytes sum = 0;
  for (const auto& layer : footprint.caches) sum += layer.kv_device + layer.state_device;
  return sum;
}

Bytes at_preset(Model model, std::string_view quant) {
  apply_quant(*find_quant(quant), model.spec, model.tensors);
  return weigh(model).file_bytes;
}

std::uint64_t stored_elements(const SafetensorsHeader& header) { return header.data_bytes / 2; }

}  // namespace

TEST_CASE("a Hugging Face directory comes to the parameters, weights and cache of the catalog entry") {
  for (const auto& [id, config] : published) {
    CAPTURE(id);
    const auto entry = find_model(id);
    REQUIRE(entry);
    const auto catalog = model_from_entry(entry->entry);
    REQUIRE(catalog);
    const auto header = test::hf_header(*catalog, "BF16");
    const auto hf = model_from_hf(config, {header}, std::string(id));
    INFO((hf ? "" : hf.error().message));
    REQUIRE(hf);
    CHECK(hf->quant_name == "BF16");
    CHECK_FALSE(hf->model.generic);
    const auto weights = weigh(hf->model);
    CHECK(weights.parameters == stored_elements(header));
    CHECK(weights.file_bytes == header.data_bytes);
    CHECK(hf->convertible.parameters == catalog->parameters);
    CHECK(at_preset(hf->convertible, "q4_k_m") == at_preset(*catalog, "q4_k_m"));
    CHECK(weigh(hf->convertible).active_parameters == weigh(*catalog).active_parameters);
    CHECK(cache_bytes(hf->model) == cache_bytes(*catalog));
    CHECK(hf->model.spec.n_ctx_train == catalog->spec.n_ctx_train);
    CHECK(hf->notes.empty());
  }
}
