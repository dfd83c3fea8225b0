// What the output goes to: width, colour, Unicode.
#pragma once

#include "cli/options.hpp"
#include "willitrun/report.hpp"
#include "willitrun/result.hpp"

namespace willitrun::cli {

/// Style for standard output: --color first, then NO_COLOR and CLICOLOR_FORCE, then whether it is a terminal.
[[nodiscard]] Result<TextStyle> output_style(const Options& options);

/// Writes to standard output at once; false when it could not be written. A closed pipe counts as written.
[[nodiscard]] bool write_output(std::string_view text);
void write_error(std::string_view text);

}  // namespace willitrun::cli
