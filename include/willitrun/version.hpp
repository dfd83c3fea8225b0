// The library's version.
#pragma once

#include <string_view>

namespace willitrun {

[[nodiscard]] std::string_view version();

}  // namespace willitrun
