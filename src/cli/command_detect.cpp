#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/detect_output.hpp"
#include "cli/probe_system.hpp"
#include "cli/terminal.hpp"

namespace willitrun::cli {

int run_detect(const Invocation& invocation) {
  const auto& options = invocation.options;
  const auto format = chosen_format(options, {"text", "json"});
  if (!format) return fail(format.error(), options);
  const bool json = *format == "json";
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
