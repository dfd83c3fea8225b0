// Architecture families: which tensors a model of given shapes has, and which layers slide, recur or keep no cache.
#pragma once

#include <string_view>
#include <vector>

#include "willitrun/model.hpp"

namespace willitrun {

/// Names as in GGUF's general.architecture, sorted.
[[nodiscard]] std::vector<std::string_view> architecture_names();
[[nodiscard]] bool is_known_architecture(std::string_view name);

/// Applies what an architecture fixes beyond its keys (sliding pattern, which layers recur, which share a cache).
/// Called by spec_from_metadata; an unknown architecture is left as the keys say.
void apply_architecture_rules(ModelSpec& spec, const Metadata& metadata, std::string_view prefix);

/// Every tensor of the published conversion, at its source type: f32 for one-dimensional tensors, norms, routers,
/// position tables and short convolutions, `base` for the rest. An unknown architecture is an error.
[[nodiscard]] Result<std::vector<TensorInfo>> tensor_inventory(const ModelSpec& spec,
                                                               TensorType base = TensorType::f16);

/// Where llama.cpp keeps a tensor of this name: host input, its layer, or with the output layer.
[[nodiscard]] TensorPlace tensor_place(std::string_view name);
/// The layer number in "blk.N.…", or -1.
[[nodiscard]] std::int32_t tensor_layer(std::string_view name);
/// A routed expert's stacked weights ("ffn_up_exps" and its like), the ones --n-cpu-moe moves.
[[nodiscard]] bool is_routed_expert(std::string_view name);
/// Rope factors: stored once, but every device that holds a layer gets a copy.
[[nodiscard]] bool is_shared_by_layers(std::string_view name);

}  // namespace willitrun
