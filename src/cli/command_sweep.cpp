#include <algorithm>

#include "cli/commands.hpp"
#include "cli/request.hpp"
#include "cli/terminal.hpp"
#include "willitrun/formats.hpp"
#include "willitrun/sweep.hpp"

namespace willitrun::cli {
namespace {

/// A sweep looks around: one point that meets the gate is a yes.
int sweep_status(const std::vector<Outcome>& points) {
  const auto any = [&](OutcomeStatus status) {
    return std::any_of(points.begin(), points.end(), [&](const Outcome& o) { return o.status == status; });
  };
  return any(OutcomeStatus::passed) ? 0 : any(OutcomeStatus::unknown) ? 3 : 1;
}

std::string joined(const Options::List& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : " + ") + item;
  return out;
}

}  // namespace

int run_sweep(const Options& options) {
  const auto kind = find_sweep(*options.sweep);
  if (!kind) return fail(kind.error(), options);
  if (!options.fields.empty())
    return fail(Error{"contradiction", "--fields picks from one result; a sweep has many: use -o csv"}, options);
  const auto style = output_style(options);
  if (!style) return fail(style.error(), options);
  const auto format = chosen_format(options, Subject::run);
  if (!format) return fail(format.error(), options);
  ModelCache models;
  auto asked = options;
  default_to_this_computer(asked);
  const auto request = resolve(asked, models);
  if (!request) return fail(request.error(), options);
  if (request->recommender)
    return fail(Error{"contradiction", "--sweep is for language models, not for embedding tables"}, options);
  auto swept = sweep(request->check, *kind);
  if (!swept) return fail(swept.error(), options);
  for (auto& point : swept->points) {
    point.model = *options.model;
    point.target = joined(asked.gpu);
  }
  if (options.quiet) return sweep_status(swept->points);
  const bool text = (*format)->name == "text";
  const auto out = text ? to_text(*swept, *style) : (*format)->run(swept->points, run_header(swept->title), *style);
  return write_output(out) ? sweep_status(swept->points) : exit_output;
}

}  // namespace willitrun::cli
