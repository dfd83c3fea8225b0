// A report as a JSON tree, for those who pick from it.
#pragma once

#include <nlohmann/json.hpp>

#include "willitrun/report.hpp"

namespace willitrun {

/// willitrun.result/1 with its keys in their order.
[[nodiscard]] nlohmann::ordered_json tree_of(const Report& report);

}  // namespace willitrun
