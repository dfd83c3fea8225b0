#include <fmt/format.h>

#include <algorithm>

#include "willitrun/check.hpp"

namespace willitrun {
namespace {

/// What the tables and the dense part take, each table as a part of the first.
struct Tables {
  Load load;
  Breakdown parts{"embedding tables", 0, {}};
  std::uint64_t parameters = 0;
};

/// "10,000,000 rows x 100 f32, with adam's state"
std::string shape_of(const EmbeddingTable& table, Optimizer optimizer) {
  auto out =
      fmt::format("{} rows x {} {}", format_grouped(table.rows), format_grouped(table.dim), name_of(table.dtype));
  if (table.buckets) out += fmt::format(", hashed to {}", format_grouped(*table.buckets));
  if (table.replicas > 1) out += fmt::format(", {} copies", table.replicas);
  return optimizer == Optimizer::none ? out : fmt::format("{}, with the state of {}", out, name_of(optimizer));
}

Result<Tables> add_up(const Recommender& model) {
  Tables out;
  for (const auto& table : model.tables) {
    const auto bytes = table_bytes(table, model.optimizer);
    if (!bytes) return bytes.error();
    const auto sum = checked_add(out.load.tables, bytes->total());
    if (!sum) return Error{"too_large", fmt::format("table '{}': the tables together exceed 64 bits", table.name)};
    out.load.tables = *sum;
    out.parts.parts.push_back({table.name, bytes->total(), shape_of(table, model.optimizer)});
    out.parameters += std::min(table.rows, table.buckets.value_or(table.rows)) * table.dim;
  }
  const auto dense = dense_bytes(model);
  if (!dense) return dense.error();
  out.load.weights = dense->total();
  out.parameters += model.dense_parameters;
  out.parts.total = out.load.tables;
  return out;
}

/// On the first accelerator that holds everything: tables are not split. False when none does.
bool place_on_device(const Load& load, const Machine& machine, Report& report) {
  for (std::size_t i = 0; i < machine.devices.size(); ++i) {
    auto candidate = load;
    candidate.overhead = machine.devices[i].overhead_bytes;
    const auto usable = machine.devices[i].usable_bytes();
    if (candidate.total() > usable) continue;
    report.devices[i] = candidate;
    const auto left = usable - candidate.total();
    const bool roomy = left >= recommended_headroom;
    report.verdict.code = roomy ? VerdictCode::fits : VerdictCode::tight;
    report.verdict.reasons.push_back(
        {roomy ? "fits" : "headroom",
         fmt::format("{} free on {}{}", format_bytes(left), machine.devices[i].id,
                     roomy ? "" : fmt::format(", {} recommended", format_bytes(recommended_headroom)))});
    return true;
  }
  return false;
}

void place_on_host(const Load& load, const Machine& machine, Report& report) {
  const bool shared = machine.unified();
  (shared ? report.devices[0] : report.host) = load;
  if (shared) report.usable[0] = machine.devices[0].usable_pool();
  const auto usable = shared ? std::optional(report.usable[0]) : machine.host.usable_bytes();
  const bool fits = !usable || load.total() <= *usable;
  report.verdict.code = fits ? VerdictCode::cpu : VerdictCode::wont_run;
  const auto where = fits
                         ? "in system memory"
                         : fmt::format("fit neither an accelerator nor the {} of system memory", format_bytes(*usable));
  report.verdict.reasons.push_back({fits ? "tables_on_host" : "host_memory",
                                    fmt::format("{} of tables and weights {}", format_bytes(load.total()), where)});
  report.placement = {.kv_on_gpu = false, .cpu_percent = 100};
  if (!usable)
    report.verdict.reasons.push_back(
        {"ram_not_stated",
         fmt::format("{} of system memory must be free (not stated; --ram checks it)", format_bytes(load.total()))});
}

}  // namespace

Result<Report> check_tables(const Recommender& model, const Machine& machine, const Requirement& requirement) {
  auto tables = add_up(model);
  if (!tables) return tables.error();
  Report report;
  report.machine = machine;
  report.assumptions = machine.assumptions;
  std::erase_if(report.assumptions, [](const Assumption& a) { return a.code == "backend"; });
  report.model.id = model.id;
  report.model.name = model.name;
  report.model.architecture = "recommender";
  report.model.parameters = report.model.active_parameters = tables->parameters;
  report.model.weights_bytes = tables->load.total();
  report.devices.resize(machine.devices.size());
  for (const auto& device : machine.devices) report.usable.push_back(device.usable_bytes());
  if (!place_on_device(tables->load, machine, report)) place_on_host(tables->load, machine, report);
  report.verdict.met = meets(report.verdict.code, requirement.level);
  if (report.verdict.code != VerdictCode::wont_run)
    apply_gates({std::nullopt, report.total_bytes(), report.speed}, requirement, report.verdict);
  report.breakdowns.push_back(std::move(tables->parts));
  return report;
}

}  // namespace willitrun
