// What else would run, and how to run it. Private to check.cpp.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "willitrun/check.hpp"

namespace willitrun {

/// The nearest changes that would reach `fits`, each verified by solving it.
[[nodiscard]] std::vector<Alternative> find_alternatives(const CheckRequest& request, const ContextParams& context,
                                                         VerdictCode current);

/// The largest common preset above the present one that fits with the rest unchanged.
[[nodiscard]] std::optional<LargerQuant> largest_quant_that_fits(const CheckRequest& request,
                                                                 const ContextParams& context);

/// Ready command lines per engine, with the values of this placement.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> run_commands(const CheckRequest& request,
                                                                            const Placement& placement);

/// Named parts of every figure in the report.
[[nodiscard]] std::vector<Breakdown> explain_figures(const Footprint& footprint, const Placement& placement,
                                                     const Machine& machine);

/// What the speed means, one sentence each.
[[nodiscard]] std::vector<std::string> speed_notes(const CheckRequest& request, const Footprint& footprint,
                                                   const Placement& placement, const Report& report);

}  // namespace willitrun
