#include "cli/catalogs.hpp"

#include <algorithm>
#include <filesystem>

#include "cli/config_directory.hpp"
#include "cli/input_source.hpp"
#include "willitrun/catalog_file.hpp"

namespace willitrun::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_catalog = 16 << 20;

Options::List configured_files() {
  Options::List out;
  const auto directory = config_directory();
  if (directory.empty()) return out;
  std::error_code code;
  for (fs::directory_iterator it(directory, code), end; !code && it != end; it.increment(code))
    if (it->path().extension() == ".json") out.push_back(it->path().string());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Result<std::string> read_catalog_text(const std::string& path) {
  const auto source = open_input(path);
  if (!source) return source.error();
  return read_all(*source, largest_catalog, display_name(path));
}

std::optional<Error> load_catalogs(const Options& options) {
  auto files = configured_files();
  files.insert(files.end(), options.catalog.begin(), options.catalog.end());
  for (const auto& path : files) {
    const auto text = read_catalog_text(path);
    if (!text) return text.error();
    if (auto error = add_catalog(*text, display_name(path))) return error;
  }
  return std::nullopt;
}

}  // namespace willitrun::cli
