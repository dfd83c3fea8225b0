#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/listing.hpp"
#include "cli/numbers.hpp"
#include "cli/request.hpp"
#include "cli/request_parts.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/engine_support.hpp"
#include "willitrun/fits.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun::cli {
namespace {

constexpr std::size_t usual_limit = 20;

std::optional<Error> read_tasks(const Options& options, ModelFilter& filter) {
  for (const auto& text : split_list(options.task.value_or(""))) {
    const auto task = find_task(text);
    if (!task) return task.error();
    filter.tasks.emplace_back(*task);
  }
  return std::nullopt;
}

std::optional<Error> read_licenses(const Options& options, ModelFilter& filter) {
  filter.licenses = split_list(options.license.value_or(""));
  if (filter.licenses.empty()) return std::nullopt;
  const auto entries = all_models();
  for (const auto& license : filter.licenses) {
    if (std::any_of(entries.begin(), entries.end(), [&](const ModelEntry& e) { return e.license == license; }))
      continue;
    std::vector<std::string_view> known;
    for (const auto& entry : entries)
      if (!entry.license.empty() && std::find(known.begin(), known.end(), entry.license) == known.end())
        known.push_back(entry.license);
    const auto near = nearest(license, known);
    return Error{"unknown_license",
                 fmt::format("no model in the catalog has the license '{}'{}", license, did_you_mean(near)), near};
  }
  return std::nullopt;
}

std::optional<Error> read_sizes(const Options& options, ModelFilter& filter) {
  const auto read = [](const Options::Text& text, std::string_view option, std::uint64_t& out) -> std::optional<Error> {
    if (!text) return std::nullopt;
    const auto count = parse_count(*text, option);
    if (!count) return count.error();
    out = *count;
    return std::nullopt;
  };
  if (auto e = read(options.min_params, "--min-params", filter.min_parameters)) return e;
  if (auto e = read(options.max_params, "--max-params", filter.max_parameters)) return e;
  if (filter.min_parameters > filter.max_parameters)
    return Error{"contradiction",
                 fmt::format("--min-params {} is above --max-params {}", *options.min_params, *options.max_params)};
  return std::nullopt;
}

std::optional<Error> read_limit(const Options& options, std::size_t& limit) {
  limit = wants_text(options) ? usual_limit : 0;
  if (!options.limit) return std::nullopt;
  limit = 0;
  if (*options.limit == "all") return std::nullopt;
  const auto n = parse_whole(*options.limit, "--limit", 1, 1'000'000);
  if (!n) return n.error();
  limit = *n;
  return std::nullopt;
}

/// As typed; else, for engines that do not load all GGUF presets, what is usual with them.
std::optional<Error> read_presets(const Options& options, Engine engine, std::vector<QuantPreset>& presets) {
  auto wanted = split_list(options.quant.value_or(""));
  const auto usual = usual_presets(engine);
  if (!options.quant && !is_llama_based(engine)) wanted.assign(usual.begin(), usual.end());
  for (const auto& text : wanted) {
    const auto preset = find_quant(text);
    if (!preset) return preset.error();
    if (auto e = refused_quant(engine, *preset, fmt::format("--quant {}", preset->id))) return *e;
    presets.push_back(*preset);
  }
  return std::nullopt;
}

/// Whether only what stays on the accelerators is asked for: where no system memory beside theirs was stated.
bool resident_only(const Options& options, const Machine& machine) {
  return !options.require && !machine.devices.empty() && !machine.host.memory_bytes;
}

Result<FitsRequest> resolve_fits(const Options& options) {
  FitsRequest out;
  if (auto e = check_list_format(options)) return *e;
  if (auto e = check_engine(options)) return *e;
  auto machine = resolve_machine(options);
  if (!machine) return machine.error();
  out.machine = std::move(*machine);
  if (auto e = check_engine_runs(options, out.machine)) return *e;
  if (auto e = check_settings(options)) return *e;
  const auto context = resolve_context_options(options, ModelSpec());
  if (!context) return context.error();
  out.context = context->params;
  out.longest_ctx = context->longest;
  if (options.ctx && !context->longest) out.n_ctx = context->requested;
  const auto placement = resolve_placement_options(options, out.machine.devices.size());
  if (!placement) return placement.error();
  out.placement = *placement;
  const auto speed = resolve_speed_options(options);
  if (!speed) return speed.error();
  out.speed = *speed;
  const auto requirement = resolve_requirement(options);
  if (!requirement) return requirement.error();
  out.requirement = *requirement;
  if (resident_only(options, out.machine)) out.requirement.level = Requirement::Level::gpu;
  if (auto e = read_tasks(options, out.filter)) return *e;
  if (auto e = read_licenses(options, out.filter)) return *e;
  if (auto e = read_sizes(options, out.filter)) return *e;
  if (auto e = read_limit(options, out.limit)) return *e;
  if (auto e = read_presets(options, out.speed.engine, out.presets)) return *e;
  out.every_preset = options.all_quants;
  return out;
}

/// All, and how many of them fire where that is fewer: "30.5B/3.4B".
std::string size_text(const FitRow& row) {
  auto out = parameters_text(static_cast<double>(row.parameters));
  if (row.active_parameters < row.parameters)
    out += fmt::format("/{}", parameters_text(static_cast<double>(row.active_parameters)));
  return out;
}

std::vector<Cell> cells_of(const FitRow& row) {
  const auto& o = row.outcome;
  const bool on_device = o.gpu_bytes > 0;
  const auto used = on_device ? o.gpu_bytes : row.host_bytes;
  const auto spare = o.gpu_usable_bytes > o.gpu_bytes ? o.gpu_usable_bytes - o.gpu_bytes : 0;
  const auto speed = [&](double Range::*part) {
    return o.decode_tokens_per_s ? std::optional((*o.decode_tokens_per_s).*part) : std::nullopt;
  };
  return {
      text_cell(row.id),
      text_cell(row.name),
      text_cell(o.quant),
      count_cell(row.parameters, size_text(row)),
      count_cell(row.active_parameters, ""),
      count_cell(static_cast<std::uint64_t>(row.effective), ""),
      number_cell(100 * row.kept, ""),
      count_cell(o.weights_bytes, ""),
      text_cell(std::string(name_of(*o.verdict))),
      count_cell(o.gpu_bytes, format_bytes(used)),
      count_cell(row.host_bytes, ""),
      count_cell(spare, on_device ? format_bytes(spare) : "-"),
      count_cell(o.n_ctx, ""),
      count_cell(o.max_ctx, o.max_ctx ? format_grouped(*o.max_ctx) : "-"),
      number_cell(speed(&Range::low), ""),
      number_cell(speed(&Range::mid), format_range(o.decode_tokens_per_s)),
      number_cell(speed(&Range::high), ""),
      list_cell(row.tasks),
      text_cell(row.license),
      text_cell(row.released),
  };
}

std::vector<std::string> notes_of(const Options& options, const FitsRequest& request, const FitList& list) {
  std::vector<std::string> notes;
  if (list.rows.empty())
    notes.push_back(fmt::format("Nothing of the {} models asked for runs here as required.", list.n_model));
  if (list.more)
    notes.push_back(fmt::format("More run here than the {} shown; --limit all lists them.", list.rows.size()));
  for (const auto& assumption : request.machine.assumptions)
    if (assumption.code == "default_variant" || assumption.code == "detected")
      notes.push_back("assumed: " + assumption.message);
  if (resident_only(options, request.machine))
    notes.emplace_back(
        request.machine.unified()
            ? "Only what stays on the GPU is listed (--require runs adds what runs on the processor too)."
            : "System memory not stated: only what stays on the GPU is listed (--ram SIZE adds what "
              "spills).");
  const bool spills = std::any_of(list.rows.begin(), list.rows.end(), [](const FitRow& row) {
    return row.outcome.verdict == VerdictCode::offload || row.outcome.verdict == VerdictCode::cpu;
  });
  if (spills && !request.machine.host.bandwidth_gb_s && !request.machine.unified())
    notes.emplace_back("System memory's bandwidth is assumed (--ram-bandwidth or --cpu states it).");
  return notes;
}

}  // namespace

int run_fits(const Options& options) {
  auto asked = options;
  default_to_this_computer(asked);
  const auto request = resolve_fits(asked);
  if (!request) return fail(request.error(), options);
  const auto list = rank_fits(*request);

  Listing out;
  out.schema = "willitrun.fits/1";
  std::vector<std::string> devices;
  for (const auto& device : request->machine.devices) devices.push_back(device.spec.name);
  out.header = {{"devices", devices},
                {"require", std::string(name_of(request->requirement.level))},
                {"models_considered", static_cast<std::int64_t>(list.n_model)},
                {"more", list.more}};
  out.columns = {{"model", "MODEL"},
                 {"name", ""},
                 {"quant", "QUANT"},
                 {"parameters", "SIZE", Align::right, 3},
                 {"active_parameters", ""},
                 {"effective_parameters", ""},
                 {"kept_percent", ""},
                 {"weights_bytes", ""},
                 {"verdict", "VERDICT", Align::left, 0},
                 {"gpu_bytes", "MEMORY", Align::right, 0},
                 {"host_bytes", ""},
                 {"gpu_free_bytes", "FREE", Align::right, 4},
                 {"ctx", ""},
                 {"max_ctx", "CONTEXT", Align::right, 2},
                 {"decode_tokens_per_s_low", ""},
                 {"decode_tokens_per_s", "TOK/S", Align::right, 0},
                 {"decode_tokens_per_s_high", ""},
                 {"tasks", ""},
                 {"license", ""},
                 {"released", ""}};
  for (const auto& row : list.rows) {
    out.rows.push_back(cells_of(row));
    out.colors.push_back(color_of(*row.outcome.verdict));
  }
  out.notes = notes_of(options, *request, list);
  return print(out, options, list.rows.empty() ? 1 : 0);
}

}  // namespace willitrun::cli
