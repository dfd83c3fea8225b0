// Builds the graph that llama.cpp reserves memory for: the largest prompt batch of a model in a context.
// Follows src/llama-graph.cpp and src/models/*.cpp of llama.cpp 0.7.0 in which tensors exist and in what order.
#pragma once

#include <vector>

#include "graph.hpp"
#include "graph_family.hpp"
#include "tensor_roles.hpp"
#include "willitrun/kv_cache.hpp"
#include "willitrun/model.hpp"
#include "willitrun/split.hpp"

namespace willitrun::graph {

struct ModelView {
  const ModelSpec& spec;
  const ModelTensors& tensors;
  const ContextParams& params;
  const ResolvedContext& context;
  const Split& split;
  bool flash_attn = true;  ///< as resolved: off where the device has no kernel for the head sizes
};

class ModelGraph {
 public:
  explicit ModelGraph(const ModelView& view);

  /// `layers` is the subset to build, in order: layers that only repeat need not all be built.
  Graph build(const std::vector<std::uint32_t>& layers);

 private:
  struct AttentionInputs {
    Id k_idxs = none, v_idxs = none, mask = none, k_rot = none, v_rot = none;
    std::uint32_t cells = 0;
    Id k_cache = none, v_cache = none;  ///< of the last layer that has its own: later ones may share it
  };
  struct KeysAndValues {
    Id k = none, v = none;
  };
  struct BlockInputs {
    Id k_idxs = none, bias = none, position_mask = none, cell_of_position = none, block_of_cell = none, mask = none;
  };
  struct DecayInputs {
    Id slopes = none, query = none, key = none, diagonal = none;
  };
  struct Heads {
    std::uint32_t n, n_kv, dim_k, dim_v;
  };

  // graph_model.cpp
  Id weight(const WeightShape& shape);
  Id weight(Role role) { return weight((*layer_)[role]); }
  Id global(Role role);
  Id global(const WeightShape& shape, TensorPlace place);
  Id linear(Role role, Id x);
  Id normalize(Id x, bool rms);
  Id norm(Id x, Role role);
  Id norm_if(Id x, Role role) { return layer_->has(role) ? norm(x, role) : x; }
  Id add(Id a, Id b) { return g_.inplace(a, b); }
  Id flat(Id x);
  Id token_embedding();
  void build_layer(Id& x, bool last);
  Id keep_outputs(Id x, bool last) { return last ? g_.get_rows(x, out_ids()) : x; }
  Id out_ids();
  void enter(std::uint32_t il);
  [[nodiscard]] bool encodes() const { return !spec_.causal && !family_.denoises; }
  void finish(Id x);
  void pool(Id x);

  // graph_attention.cpp
  AttentionInputs& attention_inputs(bool slides);
  Id positions();
  Id attention(Id x);
  Id latent_attention(Id x);
  Id expanded_latent_attention(Id x);
  Id sparse_mask(Id mask, Id x, Id low_rank_query);
  Id mask_of(Id mask, Id chosen, std::uint8_t element_bytes = 4);
  Id choose_keys(Id x, Id low_rank_query);
  Id rotate(Id x);
  Id hadamard(Id x, Id rotation);
  void project(Id x, const Heads& heads, Id& q, Id& k, Id& v, Id& gate);
  Id attend(AttentionInputs& in, Id q, Id k, Id v, const Heads& heads, bool key_is_value, Id decompress);
  KeysAndValues keep(AttentionInputs& in, Id k, Id v, const Heads& heads, bool key_is_value);
  [[nodiscard]] Bytes conversion_scratch(Bytes rows, const Heads& heads, bool key_is_value) const;
  Id attend_fused(const AttentionInputs& in, Id q, Id k, Id v, const Heads& heads, bool key_is_value, Id decompress);
  Id attend_plain(const AttentionInputs& in, Id q, Id k, Id v, const Heads& heads, Id decompress);
  [[nodiscard]] std::int32_t cache_backend() const {
    return device_ < 0 || !split_.kv_on_device ? static_cast<std::int32_t>(split_.n_device) : device_;
  }
  [[nodiscard]] std::uint32_t n_stream() const { return context_.n_stream; }

  // graph_blocks.cpp
  [[nodiscard]] bool chooses_blocks() const;
  const BlockInputs& block_inputs();
  Id attend_blocks(Id x, Id q, Id k, Id v, const Heads& heads);
  Id attend_blocks_of_stream(Id q, Id index_q, Id index_k, const KeysAndValues& all, const Heads& heads);
  Id block_mask(Id index_q, Id index_k);

  // graph_ffn.cpp
  Id feed_forward(Id x, Id router_logits = none);
  Id activate(Id gate, Id up);
  Id dense_ffn(Id x, Role up, Role gate, Role down);
  struct ExpertRoles {
    Role gate, up, down;
    bool shared_by_group;  ///< one stands for a group of those the logits are for
  };
  static constexpr ExpertRoles routed{Role::gate_exps, Role::up_exps, Role::down_exps, false};
  static constexpr ExpertRoles adjoining{Role::gate_chexps, Role::up_chexps, Role::down_chexps, true};
  Id expert_ffn(Id x, Id logits, const ExpertRoles& roles = routed);
  Id expert_weights(Id logits, bool shared_by_group, Id& chosen);
  Id limit_to_groups(Id selection);
  Id shared_expert(Id x);

  // graph_recurrent.cpp
  Id recurrent(Id x);
  Id state_rows(std::uint32_t width, Id& cache);
  Id state_copy();
  Id convolve(Id x_columns, std::uint32_t width, std::uint32_t d_conv, Id cache, Id state);
  Id mamba(Id x);
  Id mamba2(Id x);
  Id plamo2_mamba(Id x);
  Id scan(const Extent& state, Id x, Id dt, Id b, Id c);
  Id short_convolution(Id x);
  Id delta_net(Id x);
  Id kimi_delta(Id x);  // graph_kimi_delta.cpp
  Id scan_state(std::uint32_t width, Id cache);

  // graph_rwkv.cpp
  void build_rwkv_layer(Id& x, bool last);
  Id after_shift(Id kept, Id x);
  Id time_mix_6(Id x, Id before);
  Id time_mix_7(Id x, Id before);
  Id keep_wkv(Id scan, Id cache);
  Id channel_mix(Id x, Id before);

  // graph_hyper.cpp
  struct StreamWeights {
    Id fn, base, scale;
  };
  Id one_stream(Id streams);
  Id stream_shares(Id mixes, const StreamWeights& weights, bool scaled_again);
  Id reduce_streams(Id streams, Id shares);
  Id enter_streams(Id streams, const StreamWeights& weights, Id& after);
  Id leave_streams(Id x, Id streams, Id shares);
  Id merge_hyper_streams(Id streams);
  void build_hyper_layer(Id& streams);

  // graph_deepseek4.cpp
  /// Inputs of one kind of compressed keys: every `ratio` tokens make a key, which fine ones share with their
  /// neighbours.
  struct CompressedInputs {
    std::uint32_t ratio = 0, dim = 0, cells = 0, n_block = 0;
    bool overlaps = false;
    Id position = none, kept = none, kept_to = none, read = none, write = none, write_position = none;
    Id mask = none, rotation = none;
  };
  struct CompressorRoles {
    Role kv, gate, ape, norm;
  };
  CompressedInputs compressed_inputs(std::uint32_t ratio, std::uint32_t dim, bool rotated, std::uint8_t mask_bytes);
  void prepare_compressed_attention();
  Id weigh_tokens(const CompressedInputs& in, Id kv, Id score);
  Id compress_keys(const CompressedInputs& in, const CompressorRoles& roles, Id x);
  Id rank_compressed_keys(Id x, Id low_rank_query, Id cache);
  Id compressed_attention(Id x);
  Id output_in_groups(Id out);
  Id reduce_mixed_streams(Id streams, Id shares);
  Id enter_mixed_streams(Id streams, const StreamWeights& weights, Id& after, Id& among);
  void build_mixed_layer(Id& streams);

  // graph_kimi_k3.cpp
  Id mix_banked(Id x, Id score);
  void bank(Id x);
  void build_banked_layer(Id& x);

  // graph_lightning.cpp
  [[nodiscard]] bool is_lightning() const { return layer_->has(Role::attn_norm_2) && spec_.recurrent(il_); }
  const DecayInputs& decay_inputs();
  Id lightning_attention(Id x);

  // graph_gemma3n.cpp
  Id stack_streams(Id x);
  Id per_layer_inputs(Id x);
  void build_stream_layer(Id& streams, Id per_layer, bool last);
  Id router_modalities(Id x);
  Id sparse_ffn(Id x);
  Id merge_streams(Id streams);

  // graph_gemma4.cpp
  Id per_layer_rows();
  Id project_per_layer(Id x, Id rows);
  void build_scaled_layer(Id& x, Id per_layer, bool last);

  const ModelSpec& spec_;
  const ModelTensors& tensors_;
  const ContextParams& params_;
  const ResolvedContext& context_;
  const Split& split_;
  const Family& family_;
  Graph g_;
  bool flash_attn_;
  bool values_by_cell_;  ///< V is kept like K; transposed where the user turned flash attention off
  std::uint32_t n_tokens_, n_outputs_, n_seqs_;

  // The layer being built.
  std::uint32_t il_ = 0;
  std::int32_t device_ = 0;
  std::uint32_t n_skipped_ = 0;  ///< layers like those before it that are left out after it
  const TensorSet* layer_ = nullptr;

  DecayInputs decay_;
  Id first_value_ = none;  ///< the first layer's, which later ones mix in (rwkv7)
  Id bank_ = none;         ///< residual streams kept every few layers
  AttentionInputs base_, sliding_, indexer_;
  BlockInputs blocks_;
  CompressedInputs fine_, coarse_, ranked_;
  Id tokens_ = none;
  Id chosen_keys_ = none;  ///< of the last layer with an indexer
  Id positions_ = none, out_ids_ = none, state_copy_ = none, state_copy_main_ = none, state_copy_extra_ = none;
  Id embd_table_ = none;
  Id rope_factors_ = none;
  std::vector<Id> rope_factors_of_device_;
};

}  // namespace willitrun::graph
