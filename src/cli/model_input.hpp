// From what the user named as MODEL to shapes and tensors: catalog, GGUF file, Hugging Face directory,
// JSON spec or stdin.
#pragma once

#include <optional>
#include <string>

#include "cli/request.hpp"
#include "willitrun/model_spec.hpp"

namespace willitrun::cli {

/// Whether load_model() reads a file or stdin for that name, rather than asking the catalog.
[[nodiscard]] bool names_a_file(const std::string& name);
/// The quant that was asked for, if any, and whose default counts if none was.
struct QuantWish {
  std::optional<std::string> quant;
  std::string engine;  ///< as --engine takes it; empty for llama.cpp
};

/// A spec already read; `what` names it in errors.
[[nodiscard]] Result<LoadedModel> model_of_spec(SpecModel spec, const QuantWish& wish, std::string_view what);
[[nodiscard]] Result<LoadedModel> load_model(const std::string& name, const QuantWish& wish);

}  // namespace willitrun::cli
