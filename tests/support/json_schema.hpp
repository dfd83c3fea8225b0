// The part of JSON Schema 2020-12 our schemas use, strictly: a keyword it does not know is a problem.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace willitrun::test {

/// Problems of the JSON text `document` under the shipped schema of that name, or under one of its $defs
/// ("check", "outcome"); empty = valid. With `closed`, members that a schema with properties does not name are
/// problems.
[[nodiscard]] std::vector<std::string> schema_problems(std::string_view document, std::string_view schema,
                                                       std::string_view definition = {}, bool closed = false);

}  // namespace willitrun::test
