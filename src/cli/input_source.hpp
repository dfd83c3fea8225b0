// Bytes from files and stdin.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "willitrun/gguf.hpp"
#include "willitrun/result.hpp"

namespace willitrun::cli {

/// A forward-only source over a file, or stdin for "-". The first bytes can be looked at before reading.
struct InputSource {
  ReadAt read;
  std::string head;                   ///< up to the first 4 bytes
  std::optional<std::uint64_t> size;  ///< empty for a pipe
};
[[nodiscard]] Result<InputSource> open_input(const std::string& path);

/// Everything a source holds; more than `limit` bytes is an error.
[[nodiscard]] Result<std::string> read_all(const InputSource& source, std::size_t limit, std::string_view what);

/// "stdin" for "-", else the path itself.
[[nodiscard]] std::string display_name(const std::string& path);

}  // namespace willitrun::cli
