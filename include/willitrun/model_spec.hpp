// Models described in JSON: a language model by its GGUF keys, or a recommender by its tables.
#pragma once

#include <string_view>
#include <variant>

#include "willitrun/embedding_tables.hpp"
#include "willitrun/model.hpp"

namespace willitrun {

using SpecModel = std::variant<Model, Recommender>;

/// {"kind": "llm" (the default), "name", "id", "architecture", "hparams": {GGUF keys without prefix},
/// "optional": {OptionalTensors}} or {"kind": "recommender", "tables": [...], ...}. A language model comes at its
/// source types, as one of the catalog does. `what` names the input in errors; // comments are allowed.
[[nodiscard]] Result<SpecModel> parse_model_spec(std::string_view json, std::string_view what);

}  // namespace willitrun
