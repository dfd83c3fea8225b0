// Completion scripts and the manual page, made from the tables of commands and options.
#pragma once

#include <string>
#include <string_view>

#include "willitrun/result.hpp"

namespace willitrun::cli {

/// For "bash", "zsh" or "fish"; an error lists them.
[[nodiscard]] Result<std::string> completion_script(std::string_view shell);
/// man(7) source.
[[nodiscard]] std::string manual_page();

/// What an option's value is completed with: words, the names of a catalog list, or files.
struct Choices {
  std::string words;      ///< parted by spaces
  std::string_view list;  ///< "models", "gpus", "cpus", "quants" or "engines"
  bool files = false;
};
[[nodiscard]] Choices choices_of(std::string_view option, std::string_view value);

}  // namespace willitrun::cli
