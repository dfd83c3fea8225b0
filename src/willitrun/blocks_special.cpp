// Blocks of the few families that no trait describes.
#include "willitrun/blocks.hpp"

namespace willitrun::blocks {
namespace {

// Rank of the learned residual; no key holds it (gemma3n.cpp of llama.cpp 0.7.0).
constexpr std::uint64_t laurel_rank = 64;

void per_layer_inputs(BlockBuilder& block) {
  if (block.spec.n_embd_per_layer == 0) return;
  block.linear("inp_gate", block.n_embd, block.spec.n_embd_per_layer);
  block.linear("proj", block.spec.n_embd_per_layer, block.n_embd);
  block.weight("post_norm", {block.n_embd});
}

void per_layer_tables(TensorBuilder& tensors) {
  const auto& spec = tensors.spec;
  const std::uint64_t width = std::uint64_t{spec.n_embd_per_layer} * spec.n_layer;
  if (width == 0) return;
  tensors.add("per_layer_token_embd.weight", {width, spec.n_vocab});
  tensors.add("per_layer_model_proj.weight", {spec.n_embd, width});
  tensors.add("per_layer_proj_norm.weight", {spec.n_embd_per_layer});
}

}  // namespace

// Blocks may lack attention, keep only its output matrix, or lack a feed-forward (deci.cpp of llama.cpp 0.7.0).
void deci_block(BlockBuilder& block) {
  const auto layer = block.layer;
  if (block.spec.n_head.at(layer) > 0) {
    block.weight("attn_norm", {block.n_embd});
    if (block.spec.n_head_kv.at(layer) > 0)
      attention(block);
    else
      block.linear("attn_output", block.n_embd, block.n_embd);
  }
  if (block.spec.n_ff.at(layer) > 0) {
    block.weight("ffn_norm", {block.n_embd});
    feed_forward(block);
  }
}

void bitnet_block_extra(BlockBuilder& block) {
  block.weight("attn_sub_norm", {block.n_embd});
  block.weight("ffn_sub_norm", {block.spec.n_ff.at(block.layer)});
}

// The experts read what the attention reads, beside a dense network as wide as the model (arctic.cpp).
void arctic_block_extra(BlockBuilder& block) {
  for (const auto name : {"ffn_gate", "ffn_up", "ffn_down"}) block.linear(name, block.n_embd, block.n_embd);
  block.weight("ffn_norm_exps", {block.n_embd});
}

// Image tokens have matrices of their own (cogvlm.cpp).
void cogvlm_block_extra(BlockBuilder& block) {
  const auto& spec = block.spec;
  const std::uint64_t width = std::uint64_t{spec.n_head.at(block.layer)} * spec.head_dim_k;
  const std::uint64_t n_ff = spec.n_ff.at(block.layer);
  block.linear("vis_attn_qkv", block.n_embd, 3 * width);
  block.linear("vis_attn_output", width, block.n_embd);
  block.linear("vis_gate", block.n_embd, n_ff);
  block.linear("vis_up", block.n_embd, n_ff);
  block.linear("vis_down", n_ff, block.n_embd);
}

// Groups of experts share a smaller adjoining one (grovemoe.cpp).
void grovemoe_block_extra(BlockBuilder& block) {
  const auto& spec = block.spec;
  const std::uint64_t n = spec.n_experts_per_group > 0 ? spec.n_expert / spec.n_experts_per_group : 0;
  const std::uint64_t width = spec.n_ff_chunk_expert > 0 ? spec.n_ff_chunk_expert : spec.head_dim_k;
  block.weight("ffn_gate_chexps", {block.n_embd, width, n});
  block.weight("ffn_up_chexps", {block.n_embd, width, n});
  block.weight("ffn_down_chexps", {width, block.n_embd, n});
}

// Of its feed-forward matrices the last alone has a bias (jina-bert-v2.cpp).
void jina_bert_v2_block_extra(BlockBuilder& block) { block.bias("ffn_down", block.n_embd); }

// Its norm lacks the ".weight" of all others.
void falcon_h1_block_extra(BlockBuilder& block) { block.add("ffn_norm", {block.n_embd}); }

void gemma3n_block_extra(BlockBuilder& block) {
  const std::uint64_t n = block.spec.n_altup;
  per_layer_inputs(block);
  block.linear("altup_correct_coef", n, n);
  block.weight("altup_correct_scale", {block.n_embd});
  block.linear("altup_predict_coef", n, n * n);
  block.linear("altup_router", block.n_embd, n);
  block.weight("altup_router_norm", {block.n_embd});
  block.linear("laurel_l", block.n_embd, laurel_rank);
  block.linear("laurel_r", laurel_rank, block.n_embd);
  block.weight("laurel_post_norm", {block.n_embd});
}

void gemma3n_extra(TensorBuilder& tensors) {
  const auto& spec = tensors.spec;
  per_layer_tables(tensors);
  const std::uint64_t streams = spec.n_altup > 0 ? spec.n_altup - 1 : 0;
  tensors.add("altup_proj.weight", {spec.n_embd, spec.n_embd, streams});
  tensors.add("altup_unembd_proj.weight", {spec.n_embd, spec.n_embd, streams});
}

void gemma4_block_extra(BlockBuilder& block) {
  per_layer_inputs(block);
  block.weight("layer_output_scale", {1});
  if (!has_experts(block)) return;
  const std::uint64_t n = block.spec.n_expert, width = block.spec.n_ff_expert;
  block.linear("ffn_gate_inp", block.n_embd, n);
  block.add("ffn_gate_inp.scale", {block.n_embd});
  for (const auto name : {"pre_ffw_norm_2", "post_ffw_norm_1", "post_ffw_norm_2"}) block.weight(name, {block.n_embd});
  block.weight("ffn_gate_up_exps", {block.n_embd, 2 * width, n});
  block.weight("ffn_down_exps", {width, block.n_embd, n});
  block.add("ffn_down_exps.scale", {n});
}

// Sparse attention reads its choice from query and key matrices of its own (minimax-m3.cpp of llama.cpp 0.5.0).
void minimax_m3_block_extra(BlockBuilder& block) {
  if (!block.spec.has_indexer(block.layer)) return;
  const std::uint64_t head_dim = block.spec.indexer_head_dim;
  block.linear("indexer.q_proj", block.n_embd, block.spec.n_indexer_head * head_dim);
  block.linear("indexer.k_proj", block.n_embd, head_dim);
  block.weight("indexer.q_norm", {head_dim});
  block.weight("indexer.k_norm", {head_dim});
}

// Its router's bias lacks the ".bias" of all others.
void hy_v3_block_extra(BlockBuilder& block) {
  if (has_experts(block)) block.add("exp_probs_b", {block.spec.n_expert});
}

// Layers attend to earlier layers' outputs, full attention is gated, experts have a norm of their own (kimi-k3.cpp).
void kimi_k3_block_extra(BlockBuilder& block) {
  const auto& spec = block.spec;
  block.weight("attn_res_score", {block.n_embd});
  block.weight("ffn_res_score", {block.n_embd});
  if (!spec.recurrent(block.layer))
    block.linear("attn_gate", block.n_embd, std::uint64_t{spec.n_head.at(block.layer)} * spec.head_dim_v_mla);
  if (has_experts(block)) block.weight("ffn_routed_norm", {spec.n_embd_expert});
}

// Full attention is gated by head (bailingmoe3.cpp).
void ling3_block_extra(BlockBuilder& block) {
  if (!block.spec.recurrent(block.layer)) block.linear("attn_gate", block.n_embd, block.spec.n_head.at(block.layer));
}

// Their later norms carry no ".weight" (plamo2.cpp, plamo3.cpp).
void plamo_later_norms(BlockBuilder& block) {
  block.add("post_attention_norm", {block.n_embd});
  block.add("post_ffw_norm", {block.n_embd});
}

void kimi_k3_extra(TensorBuilder& tensors) { tensors.add("output_res_score.weight", {tensors.spec.n_embd}); }

void gemma4_extra(TensorBuilder& tensors) { per_layer_tables(tensors); }

}  // namespace willitrun::blocks
