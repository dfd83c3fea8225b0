// Whisper: an encoder of sound and a decoder of text that attends to it, numbered one after the other. Shapes follow
// whisper.cpp's whisper_model_load (v1.8); its files have no GGUF names, these are ours.
#include "willitrun/blocks.hpp"

namespace willitrun::blocks {
namespace {

void norm(BlockBuilder& block, const std::string& name) {
  block.weight(name, {block.n_embd});
  block.bias(name, block.n_embd);
}

/// Keys alone have no bias.
void attend(BlockBuilder& block, const std::string& prefix) {
  norm(block, prefix + "_norm");
  for (const auto* part : {"_q", "_k", "_v", "_output"})
    block.linear(prefix + part, block.n_embd, block.n_embd, std::string_view(part) != "_k");
}

}  // namespace

void whisper_block(BlockBuilder& block) {
  attend(block, "attn");
  if (block.layer >= block.spec.n_layer_encoder) attend(block, "cross_attn");
  norm(block, "ffn_norm");
  const std::uint64_t width = block.spec.n_ff.at(block.layer);
  block.linear("ffn_up", block.n_embd, width, true);
  block.linear("ffn_down", width, block.n_embd, true);
}

void whisper_extra(TensorBuilder& tensors) {
  const auto& spec = tensors.spec;
  tensors.add("enc.conv1.weight", {3, spec.n_mel, spec.n_embd});
  tensors.add("enc.conv1.bias", {spec.n_embd});
  tensors.add("enc.conv2.weight", {3, spec.n_embd, spec.n_embd});
  tensors.add("enc.conv2.bias", {spec.n_embd});
  tensors.add("enc.position_embd.weight", {spec.n_embd, spec.n_ctx_encoder});
  tensors.add("enc.output_norm.weight", {spec.n_embd});
  tensors.add("enc.output_norm.bias", {spec.n_embd});
}

}  // namespace willitrun::blocks
