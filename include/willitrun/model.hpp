// What a model is, as pure shapes: the numbers every later step computes from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "willitrun/metadata.hpp"
#include "willitrun/result.hpp"
#include "willitrun/tensor_type.hpp"

namespace willitrun {

/// One value for all layers, or one per layer.
class LayerValues {
 public:
  LayerValues() = default;
  LayerValues(std::uint32_t value) : values_{value} {}
  LayerValues(std::vector<std::uint32_t> values) : values_(std::move(values)) {}
  [[nodiscard]] std::uint32_t at(std::uint32_t layer) const {
    if (values_.empty()) return 0;
    return layer < values_.size() ? values_[layer] : values_.back();
  }
  [[nodiscard]] std::uint32_t max() const;
  [[nodiscard]] bool empty() const { return values_.empty(); }
  [[nodiscard]] std::size_t size() const { return values_.size(); }

 private:
  std::vector<std::uint32_t> values_;
};

/// Tensors that some models of an architecture have and others lack. A GGUF file shows them; a catalog entry states
/// them.
struct OptionalTensors {
  bool tied_embeddings = false;  ///< no output.weight: the token embedding serves as output too
  bool attention_bias = false;   ///< biases on q, k, v
  bool attention_output_bias = false;
  bool ffn_bias = false;
  bool qk_norm = false;
  bool rope_freqs = false;       ///< rope_freqs.weight (Llama 3.1 and its like)
  bool rope_long_short = false;  ///< rope_factors_long/short.weight (LongRoPE)
  bool attention_gate = false;
  bool expert_bias = false;            ///< exp_probs_b.bias, the router's load-balancing bias
  bool second_attention_norm = false;  ///< attn_norm_2 (Falcon 40B and 180B)
  bool keys_as_values = false;  ///< full-attention layers have no attn_v: the keys serve as values (Gemma 4 26B, 31B)
  bool nextn_without_tables =
      false;              ///< the next-token-prediction block uses the model's own embeddings and head (GLM 4.6)
  bool ssm_norm = false;  ///< ssm_norm where a family has models with and without it (Falcon-H1)
};

/// Shapes of one model. Field names follow the GGUF keys; counts are elements unless said.
struct ModelSpec {
  std::string id;            ///< catalog id or file stem
  std::string name;          ///< for people
  std::string architecture;  ///< general.architecture

  std::uint32_t n_layer = 0;        ///< block_count, next-token-prediction blocks included
  std::uint32_t n_layer_nextn = 0;  ///< trailing next-token-prediction blocks: in the file, not loaded
  std::uint32_t n_ctx_train = 0;    ///< 0 = not stated
  std::uint64_t n_vocab = 0;
  std::uint32_t n_embd = 0;
  std::uint32_t n_embd_out = 0;  ///< output width where it differs (embedding models with a projection)
  std::uint32_t n_token_types = 0;

  LayerValues n_ff;
  LayerValues n_head;
  LayerValues n_head_kv;
  std::uint32_t head_dim_k = 0, head_dim_v = 0;          ///< attention.key_length, value_length
  std::uint32_t head_dim_k_swa = 0, head_dim_v_swa = 0;  ///< the same for sliding-window layers
  std::uint32_t n_rot = 0;                               ///< rope.dimension_count
  bool causal = true;
  bool keeps_cache = true;  ///< false: encoders and diffusion models, which attend within the batch only

  std::uint32_t n_swa = 0;              ///< sliding window in tokens; 0 = none
  std::vector<bool> swa_layers;         ///< per layer; empty = none slides
  std::uint32_t n_layer_kv_shared = 0;  ///< trailing layers that reuse an earlier layer's cache

  std::uint32_t n_expert = 0, n_expert_used = 0, n_expert_shared = 0;
  std::uint32_t n_ff_expert = 0, n_ff_shared_expert = 0;
  std::uint32_t n_expert_group = 0, n_expert_group_used = 0;     ///< group-limited routing
  std::uint32_t n_experts_per_group = 0, n_ff_chunk_expert = 0;  ///< smaller experts that groups share (grovemoe)
  std::uint32_t n_layer_dense_lead = 0;
  std::uint32_t moe_layer_step = 0;  ///< every n-th layer has experts; 0 or 1 = all
  std::uint32_t n_embd_expert =
      0;  ///< moe_latent_size, expert_latent_length: the routed experts' own width; 0 = n_embd

  std::uint32_t q_lora_rank = 0, kv_lora_rank = 0;  ///< latent attention
  std::uint32_t head_dim_k_mla = 0, head_dim_v_mla = 0;
  std::uint32_t n_indexer_head = 0, indexer_head_dim = 0;  ///< sparse-attention indexer
  std::uint32_t indexer_top_k = 0;                         ///< keys, or blocks of keys, chosen for every query
  std::uint32_t indexer_block_size = 0;                    ///< keys in a block; 0 = they are chosen one by one
  std::vector<bool> indexer_layers;  ///< layers with an indexer (and a cache for its keys); empty = none
  LayerValues compress_ratios;       ///< tokens a compressed key stands for (deepseek4); 0 = the layer has none
  std::uint32_t n_output_group = 0, output_lora_rank = 0;  ///< attention output in groups of low rank (deepseek4)
  std::uint32_t n_hyper_connection = 0;                    ///< parallel residual streams (deepseek4)
  std::uint32_t n_layer_encoder = 0,
                n_ctx_encoder = 0;  ///< leading layers that read sound, and how much of it (whisper)
  std::uint32_t n_mel = 0;          ///< frequency bands of the sound (whisper)
  std::uint32_t n_layer_hash = 0;   ///< leading layers that route by token id (deepseek4)

  std::uint32_t ssm_d_conv = 0, ssm_d_inner = 0, ssm_d_state = 0, ssm_dt_rank = 0, ssm_n_group = 0;
  std::uint32_t full_attention_interval = 0;
  std::vector<bool> recurrent_layers;  ///< per layer; empty = none
  bool parallel_recurrent = false;     ///< recurrent layers attend as well (falcon-h1): they keep a cache and a state
  std::uint32_t head_dim_kda = 0;  ///< kda.head_dim: gated delta attention of Kimi Linear, n_head heads of this size
  std::uint32_t shortconv_l_cache = 0;
  std::uint32_t wkv_head_size = 0;      ///< RWKV: a square state per head of this size
  std::uint32_t token_shift_count = 2;  ///< RWKV: rows of the token before that a layer keeps
  std::uint32_t decay_lora_rank = 0, iclr_lora_rank = 0, value_lora_rank = 0, gate_lora_rank = 0;  ///< RWKV 7
  std::uint32_t time_mix_rank = 0, time_decay_rank = 0;                                            ///< RWKV 6

  std::uint32_t n_embd_per_layer = 0;  ///< per-layer input embeddings (gemma3n, gemma4)
  std::uint32_t n_altup = 0;           ///< parallel residual streams (gemma3n)

  bool clamps_qkv = false;       ///< projections are clamped (attention.clamp_kqv)
  bool serial_residual = false;  ///< use_parallel_residual is false (gptneox)

  bool headless = false;             ///< an encoder without output matrix, tied or not
  bool head_in_input_table = false;  ///< logits come from the input table itself, which stays in host memory
  bool tied_twice_on_host = false;   ///< a tied embedding is held a second time as output, wherever that is

  OptionalTensors optional;

  [[nodiscard]] std::uint32_t n_layer_trunk() const { return n_layer - n_layer_nextn; }
  [[nodiscard]] bool slides(std::uint32_t layer) const { return layer < swa_layers.size() && swa_layers[layer]; }
  [[nodiscard]] bool recurrent(std::uint32_t layer) const {
    return layer < recurrent_layers.size() && recurrent_layers[layer];
  }
  [[nodiscard]] bool has_indexer(std::uint32_t layer) const {
    return layer < indexer_layers.size() && indexer_layers[layer];
  }
  /// Whether a cache of keys and values belongs to this layer's attention, be it its own or one it shares.
  [[nodiscard]] bool attends(std::uint32_t layer) const {
    return keeps_cache && n_head_kv.at(layer) > 0 && (parallel_recurrent || !recurrent(layer));
  }
  [[nodiscard]] bool is_moe() const { return n_expert > 0; }
  [[nodiscard]] bool is_mla() const { return kv_lora_rank > 0 && head_dim_k_mla > 0; }
  [[nodiscard]] bool hears() const { return n_ctx_encoder > 0; }
  /// Older keys are kept compressed, next to a window of plain ones.
  [[nodiscard]] bool compresses_keys() const { return !compress_ratios.empty(); }
  /// One vector serves as key and value.
  [[nodiscard]] bool keeps_keys_only() const { return is_mla() || compresses_keys(); }
  [[nodiscard]] std::uint32_t k_dim(std::uint32_t layer) const {
    return slides(layer) && head_dim_k_swa != 0 ? head_dim_k_swa : head_dim_k;
  }
  [[nodiscard]] std::uint32_t v_dim(std::uint32_t layer) const {
    return slides(layer) && head_dim_v_swa != 0 ? head_dim_v_swa : head_dim_v;
  }
};

enum class TensorPlace : std::uint8_t {
  input,   ///< always in host memory (token embedding and its like)
  layer,   ///< with its layer
  output,  ///< with the output layer
};

struct TensorInfo {
  std::string name;  ///< GGUF's, e.g. "blk.3.attn_q.weight"
  Shape shape{1, 1, 1, 1};
  TensorType type = TensorType::f16;
  std::int32_t layer = -1;  ///< -1 outside the layers
  TensorPlace place = TensorPlace::layer;
  bool routed_expert = false;

  [[nodiscard]] Bytes bytes() const { return tensor_bytes(type, shape); }
};

/// A model ready to be measured: shapes and its full tensor list.
struct Model {
  ModelSpec spec;
  std::vector<TensorInfo> tensors;  ///< as a graph uses them
  std::vector<TensorInfo> stored;   ///< as a file holds them whose tensors are other than the graph's; empty: the same
  std::string source;               ///< "catalog", a file's path, "stdin"
  std::string quant;                ///< the file's own type mix; empty while the tensors are still at their source type
  std::uint64_t parameters = 0;     ///< elements over all tensors, before any packing
  bool generic = false;             ///< architecture unknown to us: weights exact, cache generic

  [[nodiscard]] const std::vector<TensorInfo>& as_stored() const { return stored.empty() ? tensors : stored; }
};

/// Fills a spec from GGUF keys ("llama.block_count" with `prefix` "llama.", or bare keys with an empty prefix) and
/// applies the architecture's own defaults. An impossible or missing value is an error that names the key.
[[nodiscard]] Result<ModelSpec> spec_from_metadata(const Metadata& metadata, const std::string& architecture,
                                                   std::string_view prefix);

}  // namespace willitrun
