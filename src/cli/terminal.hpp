// What the output goes to: width, colour, Unicode.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/options.hpp"
#include "willitrun/report.hpp"
#include "willitrun/result.hpp"

namespace willitrun::cli {

/// Style for standard output: --color first, then NO_COLOR and CLICOLOR_FORCE, then whether it is a terminal.
[[nodiscard]] Result<TextStyle> output_style(const Options& options);

/// Writes to standard output at once; false when it could not be written. A closed pipe counts as written.
[[nodiscard]] bool write_output(std::string_view text);
void write_error(std::string_view text);
/// Whether whoever read standard output has gone: nothing more need be computed.
[[nodiscard]] bool output_closed();

/// How far long work has come, on standard error: only where that is a terminal, and only after a second.
class Progress {
 public:
  explicit Progress(std::string_view what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void step();

 private:
  std::string what_;
  bool on_terminal_;
  bool shown_ = false;
  std::uint64_t done_ = 0;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace willitrun::cli
