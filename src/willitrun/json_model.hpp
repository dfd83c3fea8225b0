// Parts of model descriptions in JSON, shared by specs and catalog entries.
#pragma once

#include "willitrun/embedding_tables.hpp"
#include "willitrun/json_reader.hpp"
#include "willitrun/metadata.hpp"
#include "willitrun/model.hpp"
#include "willitrun/model_spec.hpp"

namespace willitrun {

/// Each appends every problem it meets and reads on.
[[nodiscard]] Metadata read_metadata(const JsonValue& hparams, std::vector<Error>& problems);
[[nodiscard]] OptionalTensors read_optional_tensors(const JsonValue& optional, std::vector<Error>& problems);

/// GGUF keys without prefix -> whole number, fraction, bool, text, or a list of whole numbers or bools.
[[nodiscard]] Result<Metadata> metadata_from_json(const JsonValue& hparams);
/// {"tied_embeddings": true, ...}
[[nodiscard]] Result<OptionalTensors> optional_from_json(const JsonValue& optional);

[[nodiscard]] Result<Recommender> recommender_from_json(const JsonValue& root);
[[nodiscard]] Result<Model> language_model_from_json(const JsonValue& root);
/// Either of them, by "kind".
[[nodiscard]] Result<SpecModel> spec_from_json(const JsonValue& root);

}  // namespace willitrun
