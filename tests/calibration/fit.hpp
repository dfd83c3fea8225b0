// Fits the parameters of the speed model's rows, general rows first, particular ones drawn towards them.
#pragma once

#include <functional>
#include <vector>

#include "calibration/cases.hpp"

namespace calibration {

using Rows = std::vector<willitrun::SpeedRow>;
using Chosen = std::function<bool(const Case&)>;

/// Fits `rows` to the chosen cases; the cases' places point into `rows`.
void fit(Rows& rows, std::vector<Case>& cases, const Chosen& chosen);

/// The row of the same chips under CUDA, if they are NVIDIA's.
[[nodiscard]] const willitrun::SpeedRow* cuda_row(const Rows& rows, const willitrun::SpeedRow& row);

/// log(measured / predicted)
[[nodiscard]] double residual(Case& c);

}  // namespace calibration
