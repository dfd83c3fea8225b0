#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/detect_output.hpp"
#include "cli/probe_system.hpp"
#include "cli/terminal.hpp"

namespace willitrun::cli {

int run_detect(const Invocation& invocation) {
  const auto& options = invocation.options;
  const bool json = options.json || options.format == "json";
  if (options.format && *options.format != "text" && *options.format != "json")
    return fail(Error{"bad_value", fmt::format("--format '{}': must be text or json", *options.format)}, options);
  if (json && invocation.report) return fail(Error{"contradiction", "--report is text; leave out --json"}, options);
  const auto system = system_probe();
  RecordingProbe probe(*system);
  const auto machine = detect(probe);
  const auto text = invocation.report ? to_text(scrubbed(probe.recording(), private_names()))
                    : json            ? to_json(machine) + "\n"
                                      : to_text(machine);
  return options.quiet || write_output(text) ? 0 : exit_output;
}

}  // namespace willitrun::cli
