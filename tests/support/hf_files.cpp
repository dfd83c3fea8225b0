#include "support/hf_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/architecture.hpp"

namespace willitrun::test {
namespace {

struct Rename {
  std::string_view gguf, hf;
};
constexpr std::array outside{
    Rename{"token_embd.weight", "model.embed_tokens.weight"}, Rename{"output.weight", "lm_head.weight"},
    Rename{"output_norm.weight", "model.norm.weight"},        Rename{"output_norm.bias", "model.norm.bias"},
    Rename{"position_embd.weight", "model.wpe.weight"},       Rename{"output.bias", "lm_head.bias"}};
constexpr std::array leaves{Rename{"attn_qkv", "self_attn.qkv_proj"},
                            Rename{"attn_q_norm", "self_attn.q_norm"},
                            Rename{"attn_k_norm", "self_attn.k_norm"},
                            Rename{"attn_q", "self_attn.q_proj"},
                            Rename{"attn_k", "self_attn.k_proj"},
                            Rename{"attn_v", "self_attn.v_proj"},
                            Rename{"attn_output", "self_attn.o_proj"},
                            Rename{"attn_norm", "input_layernorm"},
                            Rename{"attn_norm_2", "ln_attn"},
                            Rename{"ffn_norm", "post_attention_layernorm"},
                            Rename{"ffn_gate_exps", "mlp.experts.{}.gate_proj"},
                            Rename{"ffn_up_exps", "mlp.experts.{}.up_proj"},
                            Rename{"ffn_down_exps", "mlp.experts.{}.down_proj"},
                            Rename{"ffn_gate_shexp", "mlp.shared_experts.gate_proj"},
                            Rename{"ffn_up_shexp", "mlp.shared_experts.up_proj"},
                            Rename{"ffn_down_shexp", "mlp.shared_experts.down_proj"},
                            Rename{"exp_probs_b", "mlp.gate.e_score_correction_bias"},
                            Rename{"ffn_gate", "mlp.gate_proj"},
                            Rename{"ffn_up", "mlp.up_proj"},
                            Rename{"ffn_down", "mlp.down_proj"}};

std::string hf_leaf(std::string_view gguf) {
  for (const auto& row : leaves)
    if (row.gguf == gguf) return std::string(row.hf);
  return fmt::format("other.{}", gguf);
}

class Writer {
 public:
  explicit Writer(const std::string& dtype) : dtype_(dtype) {}

  void add(std::string name, std::vector<std::uint64_t> shape) {
    std::uint64_t bytes = dtype_ == "F32" ? 4 : 2;
    for (const auto n : shape) bytes *= n;
    const auto begin = header_.data_bytes;
    header_.data_bytes += bytes;
    header_.tensors.push_back({std::move(name), dtype_, std::move(shape), begin, header_.data_bytes});
  }
  SafetensorsHeader take() { return std::move(header_); }

 private:
  std::string dtype_;
  SafetensorsHeader header_;
};

/// Row-major, without the leading ones.
std::vector<std::uint64_t> hf_shape(const Shape& shape, std::size_t dimensions) {
  std::vector<std::uint64_t> out;
  for (std::size_t i = dimensions; i-- > 0;) out.push_back(shape[i]);
  while (out.size() > 1 && out.front() == 1) out.erase(out.begin());
  return out;
}

void add_in_layer(Writer& writer, const TensorInfo& tensor) {
  const std::string_view name = tensor.name;
  const auto first = name.find('.', 4) + 1, last = name.rfind('.');
  const auto suffix = name.substr(last);  // ".weight" or ".bias"
  const auto leaf = hf_leaf(last < first ? name.substr(first) : name.substr(first, last - first));
  const auto prefix = fmt::format("model.layers.{}.", tensor.layer);
  const auto ending = last < first ? std::string_view() : suffix;
  if (!tensor.routed_expert || leaf.find("{}") == std::string::npos) {
    writer.add(prefix + leaf + std::string(ending), hf_shape(tensor.shape, 4));
    return;
  }
  for (std::uint64_t e = 0; e < tensor.shape[2]; ++e)
    writer.add(prefix + fmt::format(fmt::runtime(leaf), e) + std::string(ending), hf_shape(tensor.shape, 2));
}

}  // namespace

SafetensorsHeader hf_header(const Model& model, const std::string& dtype) {
  Writer writer(dtype);
  for (const auto& tensor : model.tensors) {
    if (is_shared_by_layers(tensor.name)) continue;
    if (tensor.name.starts_with("blk.")) {
      add_in_layer(writer, tensor);
      continue;
    }
    const auto row =
        std::find_if(outside.begin(), outside.end(), [&](const Rename& r) { return r.gguf == tensor.name; });
    writer.add(row == outside.end() ? "model." + tensor.name : std::string(row->hf), hf_shape(tensor.shape, 4));
  }
  return writer.take();
}

std::string safetensors_bytes(const SafetensorsHeader& header) {
  std::string json = "{\"__metadata__\":{\"format\":\"pt\"}";
  for (const auto& tensor : header.tensors)
    json += fmt::format(",\"{}\":{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", tensor.name,
                        tensor.dtype, fmt::join(tensor.shape, ","), tensor.begin, tensor.end);
  json += "}";
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(json.size() >> (8 * i) & 0xFF);
  return out + json;
}

}  // namespace willitrun::test
