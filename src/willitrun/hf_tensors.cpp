// Names as transformers' classes and llama.cpp's gguf-py/gguf/tensor_mapping.py (0.7.0) have them.
#include "willitrun/hf_tensors.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace willitrun {
namespace {

bool contains(std::string_view name, std::string_view part) { return name.find(part) != std::string_view::npos; }

template <std::size_t N>
bool contains_any(std::string_view name, const std::array<std::string_view, N>& parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) { return contains(name, part); });
}

constexpr std::array<std::string_view, 14> tower_marks{
    "vision_tower.",      "vision_model.", "visual.",        "vision_encoder.", "multi_modal_projector.",
    "audio_tower.",       "audio_model.",  "embed_vision.",  "embed_audio.",    "mm_projector.",
    "vision_projection.", "patch_merger.", "img_processor.", "audio_embed."};

// Looked up row by row: host memory at llama.cpp.
constexpr std::array<std::string_view, 12> input_marks{"embed_tokens.",
                                                       "wte.",
                                                       "word_embeddings.",
                                                       "tok_embeddings.",
                                                       "backbone.embedding",
                                                       "embed_in.",
                                                       "wpe.",
                                                       "position_embeddings.",
                                                       "token_type_embeddings.",
                                                       "embed_tokens_per_layer.",
                                                       "embedding.word_embeddings.",
                                                       "embeddings.weight"};
constexpr std::array<std::string_view, 9> token_embeddings{
    "embed_tokens.weight",       "wte.weight",        "word_embeddings.weight",
    "tok_embeddings.weight",     "embed_in.weight",   "backbone.embeddings.weight",
    "backbone.embedding.weight", "embeddings.weight", "embedding.weight"};
constexpr std::array<std::string_view, 4> output_marks{"lm_head.", "embed_out.", "output_layer.", "lm_heads."};
// Of the norm behind the last layer.
constexpr std::array<std::string_view, 7> final_norms{
    "model.norm.",      "ln_f.",           "final_layer_norm.",   "norm_f.",
    "final_layernorm.", "embedding_norm.", "language_model.norm."};

// The first number in the path that is not an expert's.
std::int32_t layer_in(std::string_view name) {
  std::string_view before;
  while (!name.empty()) {
    const auto dot = std::min(name.find('.'), name.size());
    const auto part = name.substr(0, dot);
    std::uint16_t number = 0;
    const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), number);
    const bool whole = code == std::errc{} && end == part.data() + part.size();
    if (whole && !contains(before, "expert")) return number;
    before = part;
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  return -1;
}

bool is_routed(std::string_view name) {
  constexpr std::array<std::string_view, 3> stacked{".experts.", ".experts_", ".ffn.experts"};
  return contains_any(name, stacked) || contains(name, "block_sparse_moe.input_linear") ||
         contains(name, "block_sparse_moe.output_linear");
}

TensorPlace outside_place(std::string_view name) {
  if (contains_any(name, output_marks) || contains_any(name, final_norms) || name.starts_with("norm.") ||
      name.starts_with("output."))
    return TensorPlace::output;
  return contains_any(name, input_marks) ? TensorPlace::input : TensorPlace::layer;
}

// Names that other code tells tensors by.
void rename(TensorInfo& tensor) {
  const std::string_view name = tensor.name;
  const auto ends = [&](std::string_view ending) { return name.ends_with(ending); };
  if (tensor.place == TensorPlace::input && std::any_of(token_embeddings.begin(), token_embeddings.end(), ends))
    tensor.name = "token_embd.weight";
  else if (tensor.place == TensorPlace::output && name.ends_with(".weight") && contains_any(name, output_marks))
    tensor.name = "output.weight";
  else if (name == "output.weight")
    tensor.place = TensorPlace::output;
}

struct Sign {
  bool OptionalTensors::*field;
  std::array<std::string_view, 8> marks;  // any in a name says yes
};
constexpr std::array signs{
    Sign{&OptionalTensors::attention_bias,
         {"q_proj.bias", "qkv_proj.bias", "query_key_value.bias", "c_attn.bias", "self.query.bias", "Wqkv.bias",
          "qkv.bias", "q_a_proj.bias"}},
    Sign{&OptionalTensors::attention_output_bias,
         {"o_proj.bias", "attention.dense.bias", "attn.c_proj.bias", "self_attn.dense.bias",
          "self_attention.dense.bias", "attention.output.dense.bias", "out_proj.bias"}},
    Sign{&OptionalTensors::ffn_bias,
         {"up_proj.bias", "mlp.c_fc.bias", "mlp.fc1.bias", "dense_h_to_4h.bias", "intermediate.dense.bias"}},
    Sign{&OptionalTensors::qk_norm, {"q_norm.", "q_layernorm.", "query_layernorm.", "query_norm.", "attn.q_norms."}},
    Sign{&OptionalTensors::expert_bias, {"e_score_correction_bias", "expert_bias", "moe_statics"}},
    Sign{&OptionalTensors::attention_gate, {"self_attn.gate_proj.weight", "self_attn.g_proj.weight"}},
    Sign{&OptionalTensors::second_attention_norm, {"ln_attn.weight"}},
    Sign{&OptionalTensors::ssm_norm, {"mamba.norm.weight"}},
};

}  // namespace

bool is_tower(std::string_view name) { return contains_any(name, tower_marks); }

std::vector<TensorInfo> placed_tensors(const std::vector<SafetensorsHeader>& shards) {
  std::vector<TensorInfo> out;
  for (const auto& shard : shards)
    for (const auto& stored : shard.tensors) {
      auto tensor = stored_tensor(stored);
      const bool tower = is_tower(tensor.name);
      const bool extra = tensor.name.starts_with("mtp.") || tensor.name.starts_with("model.mtp.");
      tensor.layer = tower ? -1 : extra ? layer_not_loaded : layer_in(tensor.name);
      tensor.routed_expert = !tower && tensor.layer >= 0 && is_routed(tensor.name);
      if (!tower && tensor.layer < 0) {
        tensor.place = outside_place(tensor.name);
        rename(tensor);
      }
      out.push_back(std::move(tensor));
    }
  return out;
}

OptionalTensors optional_from_hf(const std::vector<TensorInfo>& tensors) {
  OptionalTensors out;
  out.tied_embeddings = true;
  for (const auto& tensor : tensors) {
    if (is_tower(tensor.name)) continue;
    if (tensor.place == TensorPlace::output &&
        (tensor.name == "output.weight" || contains_any(tensor.name, output_marks)))
      out.tied_embeddings = false;
    for (const auto& sign : signs)
      for (const auto mark : sign.marks)
        if (!mark.empty() && contains(tensor.name, mark)) out.*sign.field = true;
  }
  return out;
}

}  // namespace willitrun
