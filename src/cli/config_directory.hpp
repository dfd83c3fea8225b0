// Where the user's own files are kept.
#pragma once

#include <filesystem>

namespace willitrun::cli {

/// $XDG_CONFIG_HOME/willitrun, on Windows %APPDATA%\willitrun, else ~/.config/willitrun; empty without any of them.
/// A relative path in a variable counts as none (XDG Base Directory Specification).
[[nodiscard]] std::filesystem::path config_directory();

}  // namespace willitrun::cli
