// The optional tensors of a model by name: as JSON spells them, and the tensor that shows each in a file.
#pragma once

#include <array>
#include <string_view>

#include "willitrun/model.hpp"

namespace willitrun {

struct OptionalTensor {
  std::string_view key;                            ///< in "optional" of a JSON spec or catalog entry
  std::array<std::string_view, 2> tensor_endings;  ///< any of these in a file says yes; empty: see optional_from_names
  bool OptionalTensors::*field;
};

inline constexpr std::array optional_tensors{
    OptionalTensor{"tied_embeddings", {}, &OptionalTensors::tied_embeddings},
    OptionalTensor{"attention_bias", {".attn_q.bias", ".attn_qkv.bias"}, &OptionalTensors::attention_bias},
    OptionalTensor{"attention_output_bias", {".attn_output.bias", ""}, &OptionalTensors::attention_output_bias},
    OptionalTensor{"ffn_bias", {".ffn_up.bias", ".ffn_down.bias"}, &OptionalTensors::ffn_bias},
    OptionalTensor{"qk_norm", {".attn_q_norm.weight", ".attn_k_norm.weight"}, &OptionalTensors::qk_norm},
    OptionalTensor{"rope_freqs", {"rope_freqs.weight", ""}, &OptionalTensors::rope_freqs},
    OptionalTensor{"rope_long_short", {"rope_factors_long.weight", ""}, &OptionalTensors::rope_long_short},
    OptionalTensor{"attention_gate", {".attn_gate.weight", ""}, &OptionalTensors::attention_gate},
    OptionalTensor{"expert_bias", {".exp_probs_b.bias", ""}, &OptionalTensors::expert_bias},
    OptionalTensor{"second_attention_norm", {".attn_norm_2.weight", ""}, &OptionalTensors::second_attention_norm},
    OptionalTensor{"keys_as_values", {}, &OptionalTensors::keys_as_values},
    OptionalTensor{"nextn_without_tables", {}, &OptionalTensors::nextn_without_tables},
    OptionalTensor{"ssm_norm", {".ssm_norm.weight", ""}, &OptionalTensors::ssm_norm},
};

}  // namespace willitrun
