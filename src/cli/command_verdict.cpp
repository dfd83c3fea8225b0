#include "cli/commands.hpp"
#include "cli/request.hpp"

namespace willitrun::cli {

int run_verdict(const Options& options) {
  ModelCache models;
  auto asked = options;
  default_to_this_computer(asked);
  auto request = resolve(asked, models);
  if (!request) return fail(request.error(), options);
  auto report = check(request->check);
  if (!report) return fail(report.error(), options);
  report->request = std::move(request->echo);
  return answer(*report, options);
}

}  // namespace willitrun::cli
