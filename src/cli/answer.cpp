#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/terminal.hpp"

namespace willitrun::cli {
namespace {

bool wants_json(const Options& options) { return options.json || options.format == "json"; }

}  // namespace

int fail(const Error& error, const Options& options) {
  if (wants_json(options)) {
    if (!write_output(to_json(error, {}, false) + "\n")) return exit_output;
  } else {
    write_error(fmt::format("willitrun: {}\n", error.message));
  }
  return error.exit_status;
}

int answer(const Report& report, const Options& options) {
  const auto style = output_style(options);
  if (!style) return fail(style.error(), options);
  if (options.format && *options.format != "text" && *options.format != "json")
    return fail(Error{"bad_value", fmt::format("--format '{}': must be text or json", *options.format)}, options);
  const bool written =
      options.quiet || write_output(wants_json(options) ? to_json(report, false) + "\n" : to_text(report, *style));
  return written ? exit_status(report.verdict) : exit_output;
}

}  // namespace willitrun::cli
