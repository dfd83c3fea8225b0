// Safetensors headers such as a model of the catalog has on the Hub, made from its shapes.
#pragma once

#include <string>
#include <vector>

#include "willitrun/model.hpp"
#include "willitrun/safetensors.hpp"

namespace willitrun::test {

/// Every tensor at `dtype` under the name a Llama-like class gives it, experts each for itself. What a conversion adds
/// (rotary tables) is left out.
[[nodiscard]] SafetensorsHeader hf_header(const Model& model, const std::string& dtype);

/// The header as a file has it, without data.
[[nodiscard]] std::string safetensors_bytes(const SafetensorsHeader& header);

}  // namespace willitrun::test
