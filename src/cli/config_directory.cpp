#include "cli/config_directory.hpp"

#include <cstdlib>

namespace willitrun::cli {
namespace {

namespace fs = std::filesystem;

fs::path variable(const char* name) {
  const char* value = std::getenv(name);
  const fs::path path(value == nullptr ? "" : value);
  return path.is_absolute() ? path : fs::path();
}

}  // namespace

fs::path config_directory() {
  if (const auto config = variable("XDG_CONFIG_HOME"); !config.empty()) return config / "willitrun";
#if defined(_WIN32)
  if (const auto data = variable("APPDATA"); !data.empty()) return data / "willitrun";
#endif
  const auto home = variable("HOME");
  return home.empty() ? fs::path() : home / ".config" / "willitrun";
}

}  // namespace willitrun::cli
