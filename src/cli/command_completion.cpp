#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/terminal.hpp"

namespace willitrun::cli {

int run_completion(const Invocation& invocation) {
  const auto script = completion_script(invocation.subject);
  if (!script) return fail(script.error(), invocation.options);
  return write_output(*script) ? 0 : exit_output;
}

int run_man() { return write_output(manual_page()) ? 0 : exit_output; }

}  // namespace willitrun::cli
