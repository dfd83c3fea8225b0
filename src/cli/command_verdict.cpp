#include <fmt/format.h>

#include "cli/command_table.hpp"
#include "cli/commands.hpp"
#include "cli/request.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun::cli {
namespace {

/// A mistyped command reads as the name of a model.
Error or_command(Error error, const Options& options) {
  if (error.code != "unknown_model" || !error.suggestions.empty() || !options.model) return error;
  error.suggestions = commands_like(*options.model);
  if (!error.suggestions.empty())
    error.message = fmt::format("unknown model or command '{}'{}", *options.model, did_you_mean(error.suggestions));
  return error;
}

}  // namespace

int run_verdict(const Options& options) {
  if (options.sweep) return run_sweep(options);
  ModelCache models;
  auto asked = options;
  default_to_this_computer(asked);
  const auto request = resolve(asked, models);
  if (!request) return fail(or_command(request.error(), options), options);
  const auto report = run(*request);
  if (!report) return fail(report.error(), options);
  return answer(*report, options);
}

}  // namespace willitrun::cli
