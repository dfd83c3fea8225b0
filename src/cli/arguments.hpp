// argv -> what was typed. arguments.cpp is the only file that sees CLI11.
#pragma once

#include <string>
#include <variant>

#include "cli/options.hpp"
#include "willitrun/result.hpp"

namespace willitrun::cli {

enum class Command : std::uint8_t {
  verdict,
  check,
  batch,
  tables,
  list,
  show,
  detect,
  explain,
  catalog,
  schema,
  completion,
  man,
  fits,
  needs,
  compare,
  cost,
  calibrate
};

struct Invocation {
  Command command = Command::verdict;
  Options options;
  std::string subject;  ///< what `list`, `show`, `explain`, `catalog`, ... are asked for
  std::string pattern;
  std::vector<std::string> files;                   ///< `catalog`
  std::vector<std::string> models;                  ///< `compare`
  bool report = false;                              ///< `detect`: the raw answers
  bool names = false;                               ///< `list`: only names that begin with the pattern, for completion
  bool show_stored = false, forget_stored = false;  ///< `calibrate`
};

/// Help or version text asked for, printed with exit 0.
struct Printout {
  std::string text;
};

[[nodiscard]] Result<std::variant<Invocation, Printout>> parse_arguments(int argc, const char* const* argv);

}  // namespace willitrun::cli
