// The file that `calibrate` writes and every estimate reads.
#pragma once

#include <filesystem>
#include <optional>

#include "cli/options.hpp"
#include "willitrun/correction.hpp"

namespace willitrun::cli {

/// In a folder of its own: files beside it are catalogs. Empty without a configuration directory.
[[nodiscard]] std::filesystem::path calibration_path();

/// What is stored; without a file, nothing. Read once per process unless it is written.
[[nodiscard]] Result<Corrections> stored_corrections();
/// What estimates are to be corrected with: nothing for --no-calibration and for `"measured": false`.
[[nodiscard]] Result<Corrections> wanted_corrections(const Options& options);

/// Replaces the file in one step, or leaves it as it was.
[[nodiscard]] std::optional<Error> store_corrections(const Corrections& corrections);
/// True when there was one.
[[nodiscard]] Result<bool> forget_corrections();

}  // namespace willitrun::cli
