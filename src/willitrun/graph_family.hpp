// What a graph cannot tell from a model's tensors: the wiring that an architecture fixes in code.
#pragma once

#include <string_view>

namespace willitrun::graph {

/// Order in which a parallel block sums attention, feed-forward and residual.
enum class ParallelSum : unsigned char { ffn_residual_mixer, mixer_ffn_residual, ffn_mixer_residual };

struct Family {
  std::string_view architecture;
  bool layer_norm = false;              ///< LayerNorm without a bias tensor to show it
  bool bare_norms = false;              ///< LayerNorm without any tensor
  bool flash_attention = true;          ///< false: llama.cpp switches it off (llama-context.cpp)
  bool denoises = false;                ///< a diffusion model: no cache, yet it ends in logits
  bool rope = true;                     ///< false: learned or ALiBi positions
  unsigned alibi_n_layer = 0;           ///< the model with this many layers has ALiBi instead of rope
  unsigned position_axes = 1;           ///< positions per token
  bool rope_sliding_only = false;       ///< full-attention layers have no rope
  unsigned nope_step = 0;               ///< every n-th layer has no rope
  bool rope_factors_full_only = false;  ///< rope factors are for full-attention layers only
  bool value_norm = false;              ///< V is normed, without a weight
  bool norm_after_rope = false;         ///< query and key norms follow the rope
  bool parallel_norms = false;          ///< a parallel block's feed-forward has a norm of its own (gptneox)
  ParallelSum parallel_sum = ParallelSum::ffn_residual_mixer;
  bool unmixed_input = false;      ///< a batch is of tokens or of embeddings, never of both
  bool views_inputs = false;       ///< every layer looks into inputs through views of its own
  bool hyper_connections = false;  ///< parallel residual streams, mixed before and after each part (hy_v4)
  bool mixed_streams = false;      ///< which moreover mix among themselves (deepseek4)
  unsigned residual_period = 0;    ///< every n-th layer banks the residual stream (kimi-k3)
  bool tanh_gate = false;          ///< beta * tanh(gate / beta) * sigmoid(gate) * up, one operation each
  bool every_row = false;          ///< the last layer keeps the rows nobody asked for
  bool rows_after_norm = false;    ///< which go after the output norm
  bool scaled_input = false;       ///< embeddings are multiplied by an input (gemma3)
  bool residual_first = false;     ///< residual + mixer, not mixer + residual: which of the two buffers lives on
  bool ffn_residual_first = false;
  bool scaled_norm_residual = false;  ///< residuals are what the norms let through, scaled
  bool early_router = false;          ///< experts are chosen by what enters the layer (smallthinker)
  bool normalize_weights = true;      ///< expert weights are made to sum to one
  bool sigmoid_selection = false;     ///< experts are chosen by a sigmoid of the logits, weighed by their softmax
  bool softmax_chosen = false;        ///< softmax over the chosen experts only
  bool weigh_inputs = false;          ///< expert weights multiply the experts' inputs (llama4)
};

[[nodiscard]] const Family& family_of(std::string_view architecture);

}  // namespace willitrun::graph
