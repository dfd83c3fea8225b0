// A Hugging Face model directory, read from disk.
#pragma once

#include <string>

#include "willitrun/hf_model.hpp"

namespace willitrun::cli {

[[nodiscard]] Result<HfModel> read_model_directory(const std::string& path);

}  // namespace willitrun::cli
