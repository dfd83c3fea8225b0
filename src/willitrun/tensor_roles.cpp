#include "tensor_roles.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace willitrun::graph {

namespace {

struct RoleName {
  std::string_view name;
  Role role;
};

// Names as in llama-arch.cpp, LLM_TENSOR_NAMES, without "blk.N." and ".weight"; sorted.
constexpr std::array role_names{
    RoleName{"altup_correct_coef", Role::altup_correct},
    RoleName{"altup_correct_scale", Role::altup_correct_scale},
    RoleName{"altup_predict_coef", Role::altup_predict},
    RoleName{"altup_proj", Role::altup_proj},
    RoleName{"altup_router", Role::altup_router},
    RoleName{"altup_router_norm", Role::altup_router_norm},
    RoleName{"altup_unembd_proj", Role::altup_unembd},
    RoleName{"attn_compressor_ape", Role::attn_compressor_ape},
    RoleName{"attn_compressor_gate", Role::attn_compressor_gate},
    RoleName{"attn_compressor_kv", Role::attn_compressor_kv},
    RoleName{"attn_compressor_norm", Role::attn_compressor_norm},
    RoleName{"attn_gate", Role::attn_gate},
    RoleName{"attn_k", Role::attn_k},
    RoleName{"attn_k_b", Role::attn_k_b},
    RoleName{"attn_k_norm", Role::attn_k_norm},
    RoleName{"attn_kv", Role::attn_kv},
    RoleName{"attn_kv_a_mqa", Role::attn_kv_a_mqa},
    RoleName{"attn_kv_a_norm", Role::attn_kv_a_norm},
    RoleName{"attn_kv_b", Role::attn_kv_b},
    RoleName{"attn_norm", Role::attn_norm},
    RoleName{"attn_norm_2", Role::attn_norm_2},
    RoleName{"attn_output", Role::attn_output},
    RoleName{"attn_output_a", Role::attn_output_a},
    RoleName{"attn_output_b", Role::attn_output_b},
    RoleName{"attn_output_norm", Role::attn_out_norm},
    RoleName{"attn_q", Role::attn_q},
    RoleName{"attn_q_a", Role::attn_q_a},
    RoleName{"attn_q_a_norm", Role::attn_q_a_norm},
    RoleName{"attn_q_b", Role::attn_q_b},
    RoleName{"attn_q_norm", Role::attn_q_norm},
    RoleName{"attn_qkv", Role::attn_qkv},
    RoleName{"attn_res_score", Role::attn_res_score},
    RoleName{"attn_sinks", Role::attn_sinks},
    RoleName{"attn_sub_norm", Role::attn_sub_norm},
    RoleName{"attn_v", Role::attn_v},
    RoleName{"attn_v_b", Role::attn_v_b},
    RoleName{"channel_mix_key", Role::channel_mix_key},
    RoleName{"channel_mix_lerp_k", Role::channel_mix_lerp_k},
    RoleName{"channel_mix_lerp_r", Role::channel_mix_lerp_r},
    RoleName{"channel_mix_receptance", Role::channel_mix_receptance},
    RoleName{"channel_mix_value", Role::channel_mix_value},
    RoleName{"enc.output_norm", Role::output_norm},
    RoleName{"exp_probs_b", Role::exp_probs_b},
    RoleName{"ffn_down", Role::ffn_down},
    RoleName{"ffn_down_chexps", Role::down_chexps},
    RoleName{"ffn_down_exps", Role::down_exps},
    RoleName{"ffn_down_exps.scale", Role::down_exps_scale},
    RoleName{"ffn_down_shexp", Role::down_shexp},
    RoleName{"ffn_gate", Role::ffn_gate},
    RoleName{"ffn_gate_chexps", Role::gate_chexps},
    RoleName{"ffn_gate_exps", Role::gate_exps},
    RoleName{"ffn_gate_inp", Role::router},
    RoleName{"ffn_gate_inp.scale", Role::router_scale},
    RoleName{"ffn_gate_inp_shexp", Role::router_shexp},
    RoleName{"ffn_gate_shexp", Role::gate_shexp},
    RoleName{"ffn_gate_tid2eid", Role::experts_of_token},
    RoleName{"ffn_gate_up_exps", Role::gate_up_exps},
    RoleName{"ffn_latent_down", Role::latent_down},
    RoleName{"ffn_latent_up", Role::latent_up},
    RoleName{"ffn_norm", Role::ffn_norm},
    RoleName{"ffn_norm_exps", Role::ffn_norm_exps},
    RoleName{"ffn_res_score", Role::ffn_res_score},
    RoleName{"ffn_routed_down", Role::latent_down},
    RoleName{"ffn_routed_norm", Role::routed_norm},
    RoleName{"ffn_routed_up", Role::latent_up},
    RoleName{"ffn_sub_norm", Role::ffn_sub_norm},
    RoleName{"ffn_up", Role::ffn_up},
    RoleName{"ffn_up_chexps", Role::up_chexps},
    RoleName{"ffn_up_exps", Role::up_exps},
    RoleName{"ffn_up_shexp", Role::up_shexp},
    RoleName{"hc_attn_base", Role::hc_attn_base},
    RoleName{"hc_attn_fn", Role::hc_attn_fn},
    RoleName{"hc_attn_scale", Role::hc_attn_scale},
    RoleName{"hc_ffn_base", Role::hc_ffn_base},
    RoleName{"hc_ffn_fn", Role::hc_ffn_fn},
    RoleName{"hc_ffn_scale", Role::hc_ffn_scale},
    RoleName{"indexer.attn_k", Role::indexer_k},
    RoleName{"indexer.attn_q_b", Role::indexer_q_b},
    RoleName{"indexer.k_norm", Role::indexer_k_norm},
    RoleName{"indexer.k_proj", Role::indexer_k_proj},
    RoleName{"indexer.proj", Role::indexer_proj},
    RoleName{"indexer.q_norm", Role::indexer_q_norm},
    RoleName{"indexer.q_proj", Role::indexer_q_proj},
    RoleName{"indexer_compressor_ape", Role::indexer_compressor_ape},
    RoleName{"indexer_compressor_gate", Role::indexer_compressor_gate},
    RoleName{"indexer_compressor_kv", Role::indexer_compressor_kv},
    RoleName{"indexer_compressor_norm", Role::indexer_compressor_norm},
    RoleName{"inp_gate", Role::inp_gate},
    RoleName{"laurel_l", Role::laurel_l},
    RoleName{"laurel_post_norm", Role::laurel_post_norm},
    RoleName{"laurel_r", Role::laurel_r},
    RoleName{"layer_output_norm", Role::layer_out_norm},
    RoleName{"layer_output_scale", Role::layer_out_scale},
    RoleName{"output", Role::output},
    RoleName{"output_hc_base", Role::output_hc_base},
    RoleName{"output_hc_fn", Role::output_hc_fn},
    RoleName{"output_hc_scale", Role::output_hc_scale},
    RoleName{"output_norm", Role::output_norm},
    RoleName{"output_res_score", Role::output_res_score},
    RoleName{"per_layer_model_proj", Role::per_layer_model_proj},
    RoleName{"per_layer_proj_norm", Role::per_layer_proj_norm},
    RoleName{"per_layer_token_embd", Role::per_layer_token_embd},
    RoleName{"position_embd", Role::position_embd},
    RoleName{"post_attention_norm", Role::attn_post_norm},
    RoleName{"post_ffw_norm", Role::ffn_post_norm},
    RoleName{"post_ffw_norm_1", Role::ffn_post_norm_1},
    RoleName{"post_ffw_norm_2", Role::ffn_post_norm_2},
    RoleName{"post_norm", Role::per_layer_post_norm},
    RoleName{"pre_ffw_norm_2", Role::ffn_pre_norm_2},
    RoleName{"proj", Role::per_layer_proj},
    RoleName{"rope_factors_long", Role::rope_long},
    RoleName{"rope_freqs", Role::rope_freqs},
    RoleName{"shortconv.conv", Role::shortconv_conv},
    RoleName{"shortconv.in_proj", Role::shortconv_in},
    RoleName{"shortconv.out_proj", Role::shortconv_out},
    RoleName{"ssm_a", Role::ssm_a},
    RoleName{"ssm_alpha", Role::ssm_alpha},
    RoleName{"ssm_b_norm", Role::ssm_b_norm},
    RoleName{"ssm_ba", Role::ssm_ba},
    RoleName{"ssm_beta", Role::ssm_beta},
    RoleName{"ssm_c_norm", Role::ssm_c_norm},
    RoleName{"ssm_conv1d", Role::ssm_conv},
    RoleName{"ssm_conv1d_k", Role::ssm_conv_k},
    RoleName{"ssm_conv1d_q", Role::ssm_conv_q},
    RoleName{"ssm_conv1d_v", Role::ssm_conv_v},
    RoleName{"ssm_d", Role::ssm_d},
    RoleName{"ssm_dt", Role::ssm_dt},
    RoleName{"ssm_dt_norm", Role::ssm_dt_norm},
    RoleName{"ssm_f_a", Role::ssm_f_a},
    RoleName{"ssm_f_b", Role::ssm_f_b},
    RoleName{"ssm_g", Role::ssm_g},
    RoleName{"ssm_g_a", Role::ssm_g_a},
    RoleName{"ssm_g_b", Role::ssm_g_b},
    RoleName{"ssm_in", Role::ssm_in},
    RoleName{"ssm_norm", Role::ssm_norm},
    RoleName{"ssm_out", Role::ssm_out},
    RoleName{"ssm_x", Role::ssm_x},
    RoleName{"time_mix_a0", Role::time_mix_a0},
    RoleName{"time_mix_a1", Role::time_mix_a1},
    RoleName{"time_mix_a2", Role::time_mix_a2},
    RoleName{"time_mix_decay", Role::time_mix_decay},
    RoleName{"time_mix_decay_w1", Role::time_mix_decay_w1},
    RoleName{"time_mix_decay_w2", Role::time_mix_decay_w2},
    RoleName{"time_mix_first", Role::time_mix_first},
    RoleName{"time_mix_g1", Role::time_mix_g1},
    RoleName{"time_mix_g2", Role::time_mix_g2},
    RoleName{"time_mix_gate", Role::time_mix_gate},
    RoleName{"time_mix_k_a", Role::time_mix_k_a},
    RoleName{"time_mix_k_k", Role::time_mix_k_k},
    RoleName{"time_mix_key", Role::time_mix_key},
    RoleName{"time_mix_lerp_fused", Role::time_mix_lerp_fused},
    RoleName{"time_mix_lerp_x", Role::time_mix_lerp_x},
    RoleName{"time_mix_ln", Role::time_mix_ln},
    RoleName{"time_mix_output", Role::time_mix_output},
    RoleName{"time_mix_r_k", Role::time_mix_r_k},
    RoleName{"time_mix_receptance", Role::time_mix_receptance},
    RoleName{"time_mix_v0", Role::time_mix_v0},
    RoleName{"time_mix_v1", Role::time_mix_v1},
    RoleName{"time_mix_v2", Role::time_mix_v2},
    RoleName{"time_mix_value", Role::time_mix_value},
    RoleName{"time_mix_w0", Role::time_mix_w0},
    RoleName{"time_mix_w1", Role::time_mix_w1},
    RoleName{"time_mix_w2", Role::time_mix_w2},
    RoleName{"token_embd", Role::token_embd},
    RoleName{"token_embd_norm", Role::token_embd_norm},
    RoleName{"token_types", Role::token_types},
};

/// Norms that stand elsewhere than their name says (src/models/dbrx.cpp, grok.cpp).
struct RoleAlias {
  std::string_view architecture;
  Role named, meant;
};
constexpr std::array role_aliases{
    RoleAlias{"dbrx", Role::attn_out_norm, Role::ffn_norm},
    RoleAlias{"grok", Role::attn_out_norm, Role::attn_post_norm},
    RoleAlias{"grok", Role::layer_out_norm, Role::ffn_post_norm},
};

Role meant(std::string_view architecture, Role named) {
  const auto* at = std::find_if(role_aliases.begin(), role_aliases.end(), [&](const RoleAlias& alias) {
    return alias.architecture == architecture && alias.named == named;
  });
  return at == role_aliases.end() ? named : at->meant;
}

std::optional<Role> find_role(std::string_view name) {
  const auto at = std::lower_bound(role_names.begin(), role_names.end(), name,
                                   [](const RoleName& entry, std::string_view n) { return entry.name < n; });
  if (at == role_names.end() || at->name != name) return std::nullopt;
  return at->role;
}

// ggml-cuda.cu, ggml_backend_cuda_buffer_type_get_alloc_size: quantised rows are padded to 512 elements.
Bytes padded_bytes(const TensorInfo& tensor, Bytes bytes) {
  constexpr std::uint64_t row_padding = 512;
  const std::uint64_t rest = tensor.shape[0] % row_padding;
  return is_block_quantized(tensor.type) && rest != 0 ? bytes + row_bytes(tensor.type, row_padding - rest) : bytes;
}

void place(TensorSet& set, const TensorInfo& tensor, std::string_view name, std::string_view architecture) {
  bool bias = false;
  if (name.ends_with(".weight")) {
    name.remove_suffix(7);
  } else if (name.ends_with(".bias")) {
    bias = true;
    name.remove_suffix(5);
  }
  const auto role = find_role(name);
  if (!role) return;
  WeightShape w;
  std::transform(tensor.shape.begin(), tensor.shape.end(), w.ne.begin(),
                 [](std::uint64_t n) { return static_cast<std::uint32_t>(n); });
  w.bytes = tensor.bytes();
  w.device_bytes = padded_bytes(tensor, w.bytes);
  w.routed_expert = tensor.routed_expert;
  w.place = tensor.place;
  (bias ? set.biases : set.weights)[static_cast<std::size_t>(meant(architecture, *role))] = w;
}

bool same(const TensorSet& a, const TensorSet& b, bool by_shape) {
  const auto equal = [&](const WeightShape& x, const WeightShape& y) {
    return x.ne == y.ne && (by_shape || x.bytes == y.bytes);
  };
  return std::equal(a.weights.begin(), a.weights.end(), b.weights.begin(), equal) &&
         std::equal(a.biases.begin(), a.biases.end(), b.biases.begin(), equal);
}

std::vector<std::uint32_t> kinds_of_layers(const ModelSpec& spec, const std::vector<TensorSet>& layers, bool by_shape) {
  std::vector<std::uint32_t> kind, distinct;
  for (std::uint32_t il = 0; il < layers.size(); ++il) {
    const auto known = std::find_if(distinct.begin(), distinct.end(), [&](std::uint32_t d) {
      return spec.slides(il) == spec.slides(d) && spec.n_head_kv.at(il) == spec.n_head_kv.at(d) &&
             spec.n_head.at(il) == spec.n_head.at(d) && same(layers[il], layers[d], by_shape);
    });
    kind.push_back(static_cast<std::uint32_t>(known - distinct.begin()));
    if (known == distinct.end()) distinct.push_back(il);
  }
  return kind;
}

}  // namespace

ModelTensors sort_tensors(const ModelSpec& spec, const std::vector<TensorInfo>& tensors) {
  ModelTensors out;
  out.layers.resize(spec.n_layer_trunk());
  for (const TensorInfo& tensor : tensors) {
    std::string_view name = tensor.name;
    if (!name.starts_with("blk.")) {
      place(out.global, tensor, name, spec.architecture);
    } else if (tensor.layer >= 0 && static_cast<std::size_t>(tensor.layer) < out.layers.size()) {
      name.remove_prefix(name.find('.', 4) + 1);  // "blk.N."
      place(out.layers[static_cast<std::size_t>(tensor.layer)], tensor, name, spec.architecture);
    }
  }
  out.kind = kinds_of_layers(spec, out.layers, false);
  out.shape_kind = kinds_of_layers(spec, out.layers, true);
  return out;
}

}  // namespace willitrun::graph
