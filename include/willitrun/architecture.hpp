// Architecture families: which tensors a model of given shapes has, and which layers slide, recur or keep no cache.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "willitrun/model.hpp"

namespace willitrun {

/// Names as in GGUF's general.architecture, sorted.
[[nodiscard]] std::vector<std::string_view> architecture_names();
[[nodiscard]] bool is_known_architecture(std::string_view name);

/// Applies what an architecture fixes beyond its keys (sliding pattern, which layers recur, which share a cache).
/// Called by spec_from_metadata; an unknown architecture is left as the keys say. The error names an impossible key.
[[nodiscard]] std::optional<Error> apply_architecture_rules(ModelSpec& spec, const Metadata& metadata,
                                                            std::string_view prefix);

/// An error where a key is missing that the graph of this architecture divides by. Files and catalog entries are held
/// to this; a spec alone may be incomplete.
[[nodiscard]] std::optional<Error> check_needed_keys(const ModelSpec& spec);

/// Every tensor of the published conversion, at its source type: f32 for one-dimensional tensors, norms, routers,
/// position tables and short convolutions, `base` for the rest. An unknown architecture is an error.
[[nodiscard]] Result<std::vector<TensorInfo>> tensor_inventory(const ModelSpec& spec,
                                                               TensorType base = TensorType::f16);

/// Where llama.cpp keeps a tensor of this name: host input, its layer, or with the output layer. The architecture
/// matters because lfm2's output norm is called token_embd_norm, a name that elsewhere means an input norm.
[[nodiscard]] TensorPlace tensor_place(std::string_view name, std::string_view architecture);
/// The layer number in "blk.N.…"; 0 for the few tensors without a number that go with the first layer
/// (token_embd_norm, per_layer_model_proj, rope_freqs, ...); -1 for input and output tensors.
[[nodiscard]] std::int32_t tensor_layer(std::string_view name, std::string_view architecture);
/// Rotary tables that the file holds once and every device with a layer gets a copy of.
[[nodiscard]] bool is_shared_by_layers(std::string_view name);
/// What a source type conversion gives a tensor: f32 for vectors, norms, routers, tables and short convolutions.
[[nodiscard]] TensorType source_type(std::string_view name, std::size_t dimensions, TensorType base);
/// A routed expert's stacked weights ("ffn_up_exps" and its like), the ones --n-cpu-moe moves.
[[nodiscard]] bool is_routed_expert(std::string_view name);

}  // namespace willitrun
