// What the words mean: data/glossary.json, with examples computed by this library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "willitrun/result.hpp"

namespace willitrun {

struct GlossaryTerm {
  std::string term;
  std::vector<std::string> also;  ///< other spellings, flags and codes that lead here
  std::string text, formula, source;
  std::string example;           ///< a sentence with numbers; empty = none
  std::vector<std::string> see;  ///< related terms
};

/// In the order of the file, examples not computed.
[[nodiscard]] const std::vector<GlossaryTerm>& glossary();
/// By term or other spelling, case and dashes aside; an unknown one is an error with near misses. With its example.
[[nodiscard]] Result<GlossaryTerm> find_term(std::string_view text);

}  // namespace willitrun
