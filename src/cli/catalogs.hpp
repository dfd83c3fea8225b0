// Catalog files of the user: --catalog and the configuration directory.
#pragma once

#include <optional>
#include <string>

#include "cli/options.hpp"
#include "willitrun/result.hpp"

namespace willitrun::cli {

/// Lays $XDG_CONFIG_HOME/willitrun/*.json (default ~/.config/willitrun), by name, then each --catalog over the bundled
/// entries; the later win.
[[nodiscard]] std::optional<Error> load_catalogs(const Options& options);

/// The whole of a JSON file, or of stdin for "-".
[[nodiscard]] Result<std::string> read_catalog_text(const std::string& path);

}  // namespace willitrun::cli
