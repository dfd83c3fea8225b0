// A model's tensors by what they do in the graph, looked up once per model so that a graph is built without names.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "graph.hpp"
#include "willitrun/model.hpp"

namespace willitrun::graph {

/// One entry per GGUF tensor name that a graph can use; the comment column of the table in tensor_roles.cpp names it.
enum class Role : std::uint8_t {
  attn_norm,
  attn_norm_2,
  attn_q,
  attn_k,
  attn_v,
  attn_qkv,
  attn_q_norm,
  attn_k_norm,
  attn_output,
  attn_sinks,
  attn_gate,
  attn_post_norm,
  attn_sub_norm,
  attn_out_norm,
  layer_out_norm,
  attn_q_a,
  attn_q_a_norm,
  attn_q_b,
  attn_kv_a_mqa,
  attn_kv_a_norm,
  attn_kv_b,
  attn_k_b,
  attn_v_b,
  indexer_k,
  indexer_q_proj,
  indexer_k_proj,
  indexer_q_norm,
  indexer_k_norm,
  indexer_q_b,
  indexer_proj,
  ffn_norm,
  ffn_gate,
  ffn_up,
  ffn_down,
  ffn_post_norm,
  ffn_sub_norm,
  router,
  gate_exps,
  up_exps,
  down_exps,
  gate_up_exps,
  exp_probs_b,
  gate_shexp,
  up_shexp,
  down_shexp,
  router_shexp,
  gate_chexps,
  up_chexps,
  down_chexps,
  ffn_norm_exps,
  latent_down,
  latent_up,
  routed_norm,
  attn_kv,
  attn_output_a,
  attn_output_b,
  attn_compressor_kv,
  attn_compressor_gate,
  attn_compressor_ape,
  attn_compressor_norm,
  indexer_compressor_kv,
  indexer_compressor_gate,
  indexer_compressor_ape,
  indexer_compressor_norm,
  experts_of_token,
  hc_attn_fn,
  hc_attn_base,
  hc_attn_scale,
  hc_ffn_fn,
  hc_ffn_base,
  hc_ffn_scale,
  attn_res_score,
  ffn_res_score,
  ffn_post_norm_1,
  ffn_post_norm_2,
  ffn_pre_norm_2,
  ssm_in,
  ssm_conv,
  ssm_x,
  ssm_dt,
  ssm_dt_norm,
  ssm_b_norm,
  ssm_c_norm,
  ssm_a,
  ssm_d,
  ssm_norm,
  ssm_out,
  ssm_beta,
  ssm_alpha,
  ssm_ba,
  ssm_conv_q,
  ssm_conv_k,
  ssm_conv_v,
  ssm_f_a,
  ssm_f_b,
  ssm_g,
  ssm_g_a,
  ssm_g_b,
  shortconv_in,
  shortconv_conv,
  shortconv_out,
  time_mix_lerp_fused,
  time_mix_lerp_x,
  time_mix_first,
  time_mix_decay,
  time_mix_decay_w1,
  time_mix_decay_w2,
  time_mix_w0,
  time_mix_w1,
  time_mix_w2,
  time_mix_a0,
  time_mix_a1,
  time_mix_a2,
  time_mix_v0,
  time_mix_v1,
  time_mix_v2,
  time_mix_g1,
  time_mix_g2,
  time_mix_k_k,
  time_mix_k_a,
  time_mix_r_k,
  time_mix_key,
  time_mix_value,
  time_mix_receptance,
  time_mix_gate,
  time_mix_ln,
  time_mix_output,
  channel_mix_lerp_k,
  channel_mix_lerp_r,
  channel_mix_key,
  channel_mix_value,
  channel_mix_receptance,
  altup_router_norm,
  altup_router,
  altup_predict,
  altup_correct,
  altup_correct_scale,
  laurel_l,
  laurel_r,
  laurel_post_norm,
  inp_gate,
  per_layer_proj,
  per_layer_post_norm,
  layer_out_scale,
  router_scale,
  down_exps_scale,
  token_embd,
  token_embd_norm,
  token_types,
  position_embd,
  output_norm,
  output,
  rope_freqs,
  rope_long,
  altup_proj,
  altup_unembd,
  output_res_score,
  output_hc_fn,
  output_hc_base,
  output_hc_scale,
  per_layer_token_embd,
  per_layer_model_proj,
  per_layer_proj_norm,
  count,
};
inline constexpr std::size_t n_role = static_cast<std::size_t>(Role::count);

struct WeightShape {
  Extent ne{0, 0, 0, 0};
  Bytes bytes = 0, device_bytes = 0;
  bool routed_expert = false;
  TensorPlace place = TensorPlace::layer;  ///< of a tensor outside the layers
  [[nodiscard]] bool present() const { return bytes != 0; }
};

/// The tensors of one layer, or of the model outside its layers.
struct TensorSet {
  std::array<WeightShape, n_role> weights, biases;
  [[nodiscard]] const WeightShape& operator[](Role role) const { return weights[static_cast<std::size_t>(role)]; }
  [[nodiscard]] const WeightShape& bias(Role role) const { return biases[static_cast<std::size_t>(role)]; }
  [[nodiscard]] bool has(Role role) const { return (*this)[role].present(); }
};

struct ModelTensors {
  TensorSet global;
  std::vector<TensorSet> layers;          ///< trunk layers
  std::vector<std::uint32_t> kind;        ///< equal numbers: layers that differ in nothing a graph can see
  std::vector<std::uint32_t> shape_kind;  ///< the same but for how their weights are quantised
};

[[nodiscard]] ModelTensors sort_tensors(const ModelSpec& spec, const std::vector<TensorInfo>& tensors);

}  // namespace willitrun::graph
