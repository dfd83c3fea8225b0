// The commands: one table that feeds the command line, help, completion and the manual page.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/options.hpp"

namespace willitrun::cli {

struct CommandRow {
  std::string_view name;
  Command command;
  std::string_view groups;     ///< letters of the option groups it takes, see takes()
  std::string_view arguments;  ///< as in a synopsis, "MODEL"; choices are parted by |
  std::string_view help;
  std::string_view notes = {};  ///< what its help ends with
  bool hidden = false;          ///< for packagers: neither in help nor completed
};

[[nodiscard]] std::span<const CommandRow> command_rows();
[[nodiscard]] const CommandRow* find_command(std::string_view name);
/// Those a word may be a typo of.
[[nodiscard]] std::vector<std::string> commands_like(std::string_view word);
/// By its group; --fields only where a willitrun.result/1 is printed.
[[nodiscard]] bool takes(const CommandRow& row, const OptionRow& option);

/// "-q, --quant NAME", or with four spaces for the letter of an option without one.
[[nodiscard]] std::string option_text(const OptionRow& row);

}  // namespace willitrun::cli
