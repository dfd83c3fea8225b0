// Tensors of a safetensors file by name: which layer, which place, which part of the model.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "willitrun/model.hpp"
#include "willitrun/safetensors.hpp"

namespace willitrun {

/// Layer given to next-token-prediction blocks kept apart from the numbered ones: in the file, not loaded.
inline constexpr std::int32_t layer_not_loaded = 1 << 20;

/// Layer, place and expert flag of every tensor; the two that the weights are told by get GGUF's names.
[[nodiscard]] std::vector<TensorInfo> placed_tensors(const std::vector<SafetensorsHeader>& shards);

/// A vision or audio tower's, or of the projector behind it.
[[nodiscard]] bool is_tower(std::string_view name);

/// Which optional tensors the language model has.
[[nodiscard]] OptionalTensors optional_from_hf(const std::vector<TensorInfo>& tensors);

}  // namespace willitrun
