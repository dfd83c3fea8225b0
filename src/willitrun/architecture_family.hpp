// One architecture family as a row of traits: what its blocks are made of, which layers slide, recur or share.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace willitrun {

class BlockBuilder;
class TensorBuilder;

using BlockPart = void (*)(BlockBuilder&);
namespace blocks {
void attention(BlockBuilder& block);
}

/// Whether a tensor is in every model of a family, in none, or where OptionalTensors says so.
enum class Presence : std::uint8_t { never, stated, always };

enum class NormTensors : std::uint8_t { weight, weight_and_bias };

/// Shape of attn_q_norm and attn_k_norm: one head, each head its own, or all heads at once.
enum class QkNorm : std::uint8_t { none, head, each_head, all_heads };

/// attn_gate, or a query projection of twice the width whose second half gates (qwen3next).
enum class AttentionGate : std::uint8_t { none, in_query, per_channel, per_head };

/// Which layers choose the keys to attend to with an indexer: all, those after the leading dense ones, or those
/// attention.indexer.types lists; in models that state how many keys, if it depends on that.
enum class Indexer : std::uint8_t { none, every_layer, after_dense, listed, listed_if_stated };

/// Which layers have learned attention sinks.
enum class Sinks : std::uint8_t { none, all_layers, sliding_layers };

/// gate, up and down; up and down; or gate and up stacked in ffn_up.
enum class FeedForward : std::uint8_t { gated, plain, stacked };

/// Width of one routed expert: expert_feed_forward_length or else a share of feed_forward_length; or always the latter.
enum class ExpertWidth : std::uint8_t { own, dense, own_or_dense };

/// Width of the shared experts as one: n * expert width; the shared key alone; the shared key or else another.
enum class SharedExpert : std::uint8_t {
  none,
  counted,
  sized,
  sized_or_dense,
  sized_or_expert,
  sized_or_counted,
  one_expert
};

struct SlidingRule {
  enum class Kind : std::uint8_t { none, periodic, listed, all_attention } kind = Kind::none;
  std::uint32_t period = 0;  ///< layer i slides unless i % period == period - 1 (or == 0 with full_first)
  bool full_first = false;
  std::uint32_t default_window = 0;  ///< where attention.sliding_window is missing
  std::uint32_t fixed_window = 0;    ///< whatever the key says, unless it says 0
  std::uint32_t only_n_layer = 0;    ///< slides in models of this depth alone; 0 = any
};

enum class RecurrentRule : std::uint8_t { none, all, interval, no_kv_heads, no_kv_heads_no_ffn };

struct Family {
  std::string_view name;

  // Outside the blocks.
  bool position_table = false;
  bool token_types = false;
  bool token_norm = false;
  std::string_view output_norm = "output_norm";  ///< empty: none
  Presence output = Presence::stated;            ///< output.weight; stated = unless tied_embeddings
  bool output_bias = false;
  bool head_in_input_table = false;  ///< a tied embedding is not held a second time as output (bitnet)
  bool rope_freqs = false;           ///< in every model, at half the key length
  void (*extra_tensors)(TensorBuilder&) = nullptr;

  // Norms of n_embd elements, one of each per block.
  std::array<std::string_view, 4> norms{"attn_norm", "ffn_norm"};
  NormTensors norm = NormTensors::weight;
  bool first_attention_norm = true;  ///< modern-bert's first block has none

  // Attention.
  BlockPart mixer = blocks::attention;  ///< null: every layer recurs
  bool fused_qkv = false;
  QkNorm qk_norm = QkNorm::none;
  Presence qk_norm_presence = Presence::always;
  std::uint32_t qk_norm_from_n_layer = 0;  ///< models shallower than this lack it (command-r)
  Presence qkv_bias = Presence::stated;
  Presence output_proj_bias = Presence::stated;
  AttentionGate gate = AttentionGate::none;
  Sinks sinks = Sinks::none;
  Indexer indexer = Indexer::none;

  // Feed-forward.
  FeedForward ffn = FeedForward::gated;
  Presence ffn_bias = Presence::stated;
  std::uint32_t ffn_divisor = 1;  ///< qwen's feed_forward_length counts gate and up together
  bool experts = false;
  bool experts_beside_dense = false;  ///< gemma4: routed experts next to a dense network in the same layer
  ExpertWidth expert_width = ExpertWidth::own;
  bool stepped_experts = false;  ///< only every moe_layer_step-th layer has experts
  std::uint32_t default_step = 1;
  SharedExpert shared = SharedExpert::none;
  bool shared_gate = false;
  Presence router_bias = Presence::stated;  ///< exp_probs_b
  bool expert_tensor_bias = false;
  std::string_view expert_latent = "ffn_latent";  ///< matrices to and from the width the experts work at

  BlockPart recurrent = nullptr;    ///< what recurrent layers have instead of, or beside, attention
  bool one_part_per_block = false;  ///< a block is a mixer, an attention or a feed-forward (nemotron_h)
  BlockPart whole_block = nullptr;  ///< replaces all of the above
  BlockPart extra_block = nullptr;  ///< in addition to the above
  bool nextn_tables = false;        ///< the next-token-prediction block carries its own embeddings and head
  bool nextn_dense = false;         ///< and has no experts
  std::string_view nextn_norm = "nextn.shared_head_norm";

  // Memory.
  SlidingRule sliding{};
  RecurrentRule recurrent_rule = RecurrentRule::none;
  std::uint32_t full_attention_interval = 4;  ///< where RecurrentRule::interval finds no key
  bool state_per_head = false;                ///< linear attention: head x head elements a head, no ssm keys
  bool parallel_recurrent = false;
  bool keeps_cache = true;
  bool causal = true;
  std::uint32_t kv_layers_from_start = 0;  ///< later layers reuse their cache whatever the key says; 0 = by the key
  bool shared_kv_by_key = false;
  bool output_before_input = false;  ///< created first, so that a tied embedding is held twice even on the host
};

/// Every family, sorted by name.
[[nodiscard]] std::span<const Family> families();
[[nodiscard]] const Family* find_family(std::string_view name);

}  // namespace willitrun
