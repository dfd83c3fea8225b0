// Memory and speed over context as inline SVG.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "willitrun/outcome.hpp"

namespace willitrun {

/// Fewer points make no curve.
inline constexpr std::size_t least_curve_points = 3;

/// A <figure> of one model on one machine at several contexts: two panels and their figures as a table. `points` have
/// different n_ctx, ascending; `number` makes the ids in it unique.
[[nodiscard]] std::string context_chart(std::span<const Outcome* const> points, std::size_t number);

/// Outcomes of the same model, quant and machine at three or more contexts, ascending; in the order of their first.
[[nodiscard]] std::vector<std::vector<const Outcome*>> context_sweeps(std::span<const Outcome> outcomes);

}  // namespace willitrun
