#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/input_source.hpp"
#include "cli/request.hpp"

namespace willitrun::cli {
namespace {

constexpr std::size_t largest_spec = 16 << 20;

Result<Recommender> read_recommender(const Options& options) {
  Recommender model;
  model.id = model.name = "embedding tables";
  if (options.model) {
    const auto source = open_input(*options.model);
    if (!source) return source.error();
    const auto what = display_name(*options.model);
    const auto text = read_all(*source, largest_spec, what);
    if (!text) return text.error();
    auto parsed = parse_recommender(*text, what);
    if (!parsed) return parsed;
    model = std::move(*parsed);
  }
  for (const auto& text : options.table) {
    auto table = parse_table(text);
    if (!table) return table.error();
    model.tables.push_back(std::move(*table));
  }
  if (model.tables.empty())
    return Error{"usage", "no tables; add --table NAME:ROWS:DIM[:DTYPE], such as --table users:10M:100:f32"};
  if (options.optimizer) {
    const auto optimizer = find_optimizer(*options.optimizer);
    if (!optimizer) return optimizer.error();
    model.optimizer = *optimizer;
  }
  return model;
}

}  // namespace

int run_tables(const Options& options) {
  const auto model = read_recommender(options);
  if (!model) return fail(model.error(), options);
  // Tables alone are a fair question: without a machine they are held against the system memory, if stated.
  auto with_machine = options;
  if (options.gpu.empty() && !options.vram) with_machine.gpu = {"none"};
  const auto machine = resolve_machine(with_machine);
  if (!machine) return fail(machine.error(), options);
  const auto requirement = resolve_requirement(options);
  if (!requirement) return fail(requirement.error(), options);
  auto report = check_tables(*model, *machine, *requirement);
  if (!report) return fail(report.error(), options);
  if (options.model) report->request.emplace_back("model", *options.model);
  report->request.emplace_back("table", options.table);
  report->request.emplace_back("optimizer", std::string(name_of(model->optimizer)));
  add_machine_options(with_machine, *machine, *requirement, report->request);
  auto shown = options;
  shown.explain = true;  // the tables' sizes are the answer
  return answer(*report, shown);
}

}  // namespace willitrun::cli
