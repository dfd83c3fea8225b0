// The embedded text of data/glossary.json, and the examples it names.
#pragma once

#include <string>
#include <string_view>

namespace willitrun {

[[nodiscard]] std::string_view glossary_json();

/// A sentence with figures from this library; empty for a name nobody has given an example.
[[nodiscard]] std::string glossary_example(std::string_view name);

}  // namespace willitrun
