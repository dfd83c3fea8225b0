#include "cli/commands.hpp"
#include "cli/request.hpp"

namespace willitrun::cli {

int run_verdict(const Options& options) {
  if (options.sweep) return run_sweep(options);
  ModelCache models;
  auto asked = options;
  default_to_this_computer(asked);
  const auto request = resolve(asked, models);
  if (!request) return fail(request.error(), options);
  const auto report = run(*request);
  if (!report) return fail(report.error(), options);
  return answer(*report, options);
}

}  // namespace willitrun::cli
