// From what the user named as MODEL to shapes and tensors: catalog, GGUF file, Hugging Face directory,
// JSON spec or stdin.
#pragma once

#include <optional>
#include <string>

#include "cli/request.hpp"

namespace willitrun::cli {

[[nodiscard]] Result<LoadedModel> load_model(const std::string& name, const std::optional<std::string>& quant);

}  // namespace willitrun::cli
