// The JSON Schemas of what is read and written (data/schemas).
#pragma once

#include <span>
#include <string_view>

namespace willitrun {

struct JsonSchema {
  std::string_view name;   ///< "result"
  std::string_view title;  ///< what it describes
  std::string_view json;   ///< JSON Schema 2020-12
};

/// Sorted by name.
[[nodiscard]] std::span<const JsonSchema> schemas();

}  // namespace willitrun
