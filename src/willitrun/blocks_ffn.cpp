#include "willitrun/blocks.hpp"

namespace willitrun::blocks {
namespace {

std::uint64_t expert_width(const BlockBuilder& block) {
  const auto& spec = block.spec;
  const std::uint64_t dense = spec.n_ff.at(block.layer);
  if (block.family.expert_width == ExpertWidth::dense) return dense;
  if (spec.n_ff_expert > 0) return spec.n_ff_expert;
  if (block.family.expert_width == ExpertWidth::own_or_dense) return dense;
  return spec.n_expert_used > 0 ? dense / spec.n_expert_used : 0;
}

std::uint64_t shared_width(const BlockBuilder& block) {
  const auto& spec = block.spec;
  const std::uint64_t sized = spec.n_ff_shared_expert;
  switch (block.family.shared) {
    case SharedExpert::none: return 0;
    case SharedExpert::counted: return (sized > 0 ? sized : expert_width(block)) * spec.n_expert_shared;
    case SharedExpert::sized: return sized;
    case SharedExpert::sized_or_dense: return sized > 0 ? sized : spec.n_ff.at(block.layer);
    case SharedExpert::sized_or_expert: return sized > 0 ? sized : expert_width(block);
    case SharedExpert::sized_or_counted: return sized > 0 ? sized : expert_width(block) * spec.n_expert_shared;
    case SharedExpert::one_expert: return expert_width(block);
  }
  return 0;
}

void dense(BlockBuilder& block) {
  const std::uint64_t width = block.spec.n_ff.at(block.layer) / block.family.ffn_divisor;
  if (width == 0) return;
  const bool bias = present(block.family.ffn_bias, block.spec.optional.ffn_bias);
  if (block.family.ffn == FeedForward::gated) block.linear("ffn_gate", block.n_embd, width, bias);
  block.linear("ffn_up", block.n_embd, block.family.ffn == FeedForward::stacked ? 2 * width : width, bias);
  block.linear("ffn_down", width, block.n_embd, bias);
}

}  // namespace

bool has_experts(const BlockBuilder& block) {
  const auto& spec = block.spec;
  const auto& family = block.family;
  if (!family.experts || spec.n_expert == 0 || block.layer < spec.n_layer_dense_lead) return false;
  if (block.is_nextn() && family.nextn_dense) return false;
  const auto step = spec.moe_layer_step > 0 ? spec.moe_layer_step : family.default_step;
  return !family.stepped_experts || (block.layer + 1) % step == 0;
}

void experts(BlockBuilder& block) {
  const auto& spec = block.spec;
  const auto& family = block.family;
  const std::uint64_t n = spec.n_expert;
  const std::uint64_t width = expert_width(block);
  const std::uint64_t inner = spec.n_embd_expert > 0 ? spec.n_embd_expert : block.n_embd;
  const bool gated = family.ffn == FeedForward::gated;

  block.linear("ffn_gate_inp", block.n_embd, n, family.expert_tensor_bias);
  if (present(family.router_bias, spec.optional.expert_bias)) block.bias("exp_probs_b", n);
  if (inner != block.n_embd) {
    block.linear(std::string(family.expert_latent) + "_down", block.n_embd, inner);
    block.linear(std::string(family.expert_latent) + "_up", inner, block.n_embd);
  }
  const auto stacked = [&](std::string_view name, std::uint64_t in, std::uint64_t out) {
    block.weight(name, {in, out, n});
    if (family.expert_tensor_bias) block.add(std::string(name) + ".bias", {out, n});
  };
  if (gated) stacked("ffn_gate_exps", inner, width);
  stacked("ffn_up_exps", inner, width);
  stacked("ffn_down_exps", width, inner);

  const auto shared = shared_width(block);
  if (shared == 0) return;
  if (family.shared_gate) block.weight("ffn_gate_inp_shexp", {block.n_embd});
  if (gated) block.linear("ffn_gate_shexp", block.n_embd, shared);
  block.linear("ffn_up_shexp", block.n_embd, shared);
  block.linear("ffn_down_shexp", shared, block.n_embd);
}

void feed_forward(BlockBuilder& block) {
  const bool routed = has_experts(block);
  if (routed && !block.family.experts_beside_dense) return experts(block);
  dense(block);
}

}  // namespace willitrun::blocks
