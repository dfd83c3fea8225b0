// From what the user named as MODEL to shapes and tensors: catalog, GGUF file, JSON spec or stdin.
#pragma once

#include <optional>
#include <string>

#include "cli/request.hpp"

namespace willitrun::cli {

[[nodiscard]] Result<LoadedModel> load_model(const std::string& name, const std::optional<std::string>& quant);

/// A file's whole content, or stdin's for "-"; larger than `limit` is an error.
[[nodiscard]] Result<std::string> read_text(const std::string& path, std::size_t limit);

/// Whether `name` means a file rather than a catalog entry.
[[nodiscard]] bool names_a_file(const std::string& name);

}  // namespace willitrun::cli
