// The GGUF keys that shapes are read from.
#pragma once

#include <string_view>
#include <vector>

namespace willitrun {

/// Without the architecture's prefix.
[[nodiscard]] std::vector<std::string_view> spec_key_names();

}  // namespace willitrun
