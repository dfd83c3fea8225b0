#include "cli/calibration_store.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <system_error>

#include "cli/commands.hpp"
#include "cli/config_directory.hpp"
#include "cli/input_source.hpp"

namespace willitrun::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_store = 16 << 20;

Error cannot(std::string_view what, const fs::path& path, const std::error_code& code) {
  return {"output_failed", fmt::format("{}: cannot be {}: {}", path.string(), what, code.message()), {}, exit_output};
}

Error no_directory() {
  return {"no_config_directory", "no place to keep the calibration: neither XDG_CONFIG_HOME nor HOME is set"};
}

Result<Corrections> read_store() {
  const auto path = calibration_path();
  std::error_code ignored;
  if (path.empty() || !fs::exists(path, ignored)) return Corrections{};
  const auto source = open_input(path.string());
  if (!source) return source.error();
  const auto text = read_all(*source, largest_store, path.string());
  if (!text) return text.error();
  auto out = read_corrections(*text, path.string());
  if (out) return out;
  auto error = out.error();
  error.message += "; `willitrun calibrate --forget` removes it";
  return error;
}

bool write_file(const fs::path& path, const std::string& text) {
  std::FILE* file = std::fopen(path.string().c_str(), "wb");
  if (file == nullptr) return false;
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
  return (std::fclose(file) == 0) && written;
}

}  // namespace

fs::path calibration_path() {
  const auto directory = config_directory();
  return directory.empty() ? fs::path() : directory / "calibration" / "speed.json";
}

Result<Corrections> stored_corrections() {
  static const auto stored = read_store();
  return stored;
}

Result<Corrections> wanted_corrections(const Options& options) {
  if (options.no_calibration || options.measured == "false") return Corrections{};
  return stored_corrections();
}

std::optional<Error> store_corrections(const Corrections& corrections) {
  const auto path = calibration_path();
  if (path.empty()) return no_directory();
  std::error_code code;
  fs::create_directories(path.parent_path(), code);
  if (code) return cannot("written", path, code);
  auto fresh = path;
  fresh += ".new";
  if (!write_file(fresh, to_json(corrections))) {
    code = std::error_code(errno, std::generic_category());
    std::error_code ignored;
    fs::remove(fresh, ignored);
    return cannot("written", path, code);
  }
  fs::rename(fresh, path, code);
  if (code) return cannot("written", path, code);
  return std::nullopt;
}

Result<bool> forget_corrections() {
  const auto path = calibration_path();
  if (path.empty()) return no_directory();
  std::error_code code;
  const bool removed = fs::remove(path, code);
  if (code) return cannot("removed", path, code);
  return removed;
}

}  // namespace willitrun::cli
