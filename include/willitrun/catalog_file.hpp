// Catalog files given at run time, in the form of the bundled ones (data/models/*.json, data/hardware/*.json).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/result.hpp"

namespace willitrun {

struct CatalogProblem {
  std::size_t line = 0, column = 0;  ///< from 1, in bytes; 0 = concerns the file as a whole
  std::string path;                  ///< JSON pointer, "/models/0/id"; empty for the root
  std::string message;
  std::vector<std::string> suggestions;
  std::string text;  ///< all of it in one line: "mine.json:3:12: /models/0/id: must be ..."
};

struct CatalogCheck {
  std::size_t models = 0, devices = 0, cpus = 0;  ///< entries seen
  std::vector<CatalogProblem> problems;           ///< in the file's order; empty = the file can be used
};

/// Everything that is wrong with a catalog file, shapes that do not make up the stated total included. `what` names the
/// file in messages; // comments are allowed.
[[nodiscard]] CatalogCheck check_catalog(std::string_view json, std::string_view what);

/// Lays a file's entries over those that lookups and lists know: an entry with a known id replaces it, others are
/// added, and their names win. A file with an error changes nothing. Shapes are held against the total by
/// check_catalog only. The tables are the process's own: call this before lookups, not beside them in another thread.
[[nodiscard]] std::optional<Error> add_catalog(std::string_view json, std::string_view what);
/// The files added so far as they were named, in order.
[[nodiscard]] std::vector<std::string> added_catalogs();
/// Back to the bundled entries.
void remove_added_catalogs();

}  // namespace willitrun
