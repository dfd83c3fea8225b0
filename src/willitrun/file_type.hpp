// The name of a file's mix of tensor types.
#pragma once

#include <string>
#include <vector>

#include "willitrun/metadata.hpp"
#include "willitrun/model.hpp"

namespace willitrun {

/// The preset that general.file_type says, "Q4_K_M", or else the type of most bytes, "Q4_K mix".
[[nodiscard]] std::string type_mix(const Metadata& metadata, const std::vector<TensorInfo>& tensors);

}  // namespace willitrun
