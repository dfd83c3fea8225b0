#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands.hpp"
#include "cli/terminal.hpp"
#include "willitrun/schema.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun::cli {

int run_schema(const Invocation& invocation) {
  std::string text;
  std::vector<std::string_view> names;
  for (const auto& schema : schemas()) {
    names.push_back(schema.name);
    if (invocation.subject.empty()) text += fmt::format("{:<10} {}\n", schema.name, schema.title);
    if (invocation.subject == schema.name) text = schema.json;
  }
  if (text.empty()) {
    const auto near = nearest(invocation.subject, names);
    return fail(Error{"usage",
                      fmt::format("no schema '{}': must be {}{}", invocation.subject, fmt::join(names, ", "),
                                  did_you_mean(near)),
                      near},
                invocation.options);
  }
  return write_output(text) ? 0 : exit_output;
}

}  // namespace willitrun::cli
