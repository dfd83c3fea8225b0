// One manifest, read and answered.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "willitrun/manifest.hpp"
#include "willitrun/outcome.hpp"

namespace willitrun::cli {

struct ManifestResult {
  std::string file;                       ///< as named, "stdin" for "-"
  std::vector<Outcome> outcomes;          ///< checks, budgets, then waivers that ended; none when there are problems
  std::vector<ManifestProblem> problems;  ///< everything that is wrong with it
};

[[nodiscard]] ManifestResult run_manifest(const std::string& path, std::chrono::year_month_day today);

}  // namespace willitrun::cli
