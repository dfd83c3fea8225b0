// The lock file on disk, and a run held against it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/manifest_run.hpp"
#include "willitrun/lock.hpp"

namespace willitrun::cli {

[[nodiscard]] Result<Lock> read_lock(const std::string& path);

/// Fails what grew, got worse or is not in the lock. Returns what is worth a line beside the results.
[[nodiscard]] std::vector<std::string> hold_against(const Lock& lock, const std::string& path,
                                                    std::vector<ManifestResult>& results);

/// Writes the results' rows over those of the same manifests; the file is replaced at once or not at all.
[[nodiscard]] std::optional<Error> update_lock(const std::string& path, const std::vector<ManifestResult>& results);

}  // namespace willitrun::cli
