#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/listing.hpp"
#include "cli/request.hpp"
#include "willitrun/figures.hpp"
#include "willitrun/outcome.hpp"

namespace willitrun::cli {
namespace {

struct Compared {
  Report report;
  Outcome outcome;
};

Options one_of(const Options& options, const std::string& model, const std::string& machine, const std::string& quant) {
  auto one = options;
  one.model = model;
  one.gpu = machine.empty() ? Options::List() : Options::List{machine};
  one.quant = quant.empty() ? Options::Text() : Options::Text(quant);
  default_to_this_computer(one);
  return one;
}

Result<Compared> compare_one(const Options& one, ModelCache& models) {
  auto request = resolve(one, models);
  if (!request) return request.error();
  request->check.advise = false;
  request->check.measure_room = true;
  auto report = run(*request);
  if (!report) return report.error();
  Compared out{std::move(*report), {}};
  out.outcome = outcome_of(out.report);
  return out;
}

std::string machine_name(const Report& report) {
  const auto& devices = report.machine.devices;
  if (devices.empty()) return report.machine.host.name.empty() ? "CPU" : report.machine.host.name;
  return devices.size() == 1 ? devices[0].spec.name : fmt::format("{}x {}", devices.size(), devices[0].spec.name);
}

std::vector<Cell> cells_of(const Compared& compared, const Options& one) {
  const auto& [report, o] = compared;
  const auto host = report.host.total();
  const auto spare = o.gpu_usable_bytes > o.gpu_bytes ? o.gpu_usable_bytes - o.gpu_bytes : 0;
  const auto part = [](const std::optional<Range>& range, double Range::*which) {
    return range ? std::optional((*range).*which) : std::nullopt;
  };
  const auto& decode = o.decode_tokens_per_s;
  const auto& prefill = o.prefill_tokens_per_s;
  return {
      text_cell(report.model.id),
      text_cell(o.quant),
      text_cell(one.gpu.empty() ? std::string() : one.gpu[0]),
      {OptionValue(machine_name(report)), machine_name(report)},
      text_cell(std::string(name_of(*o.verdict))),
      flag_cell(report.verdict.met, ""),
      count_cell(o.weights_bytes, ""),
      count_cell(o.gpu_bytes, format_bytes(o.gpu_bytes > 0 ? o.gpu_bytes : host)),
      count_cell(host, ""),
      count_cell(spare, o.gpu_bytes > 0 ? format_bytes(spare) : "-"),
      count_cell(o.n_ctx, ""),
      count_cell(o.max_ctx, o.max_ctx ? format_grouped(*o.max_ctx) : "-"),
      number_cell(part(decode, &Range::low), ""),
      number_cell(part(decode, &Range::mid), format_range(decode)),
      number_cell(part(decode, &Range::high), ""),
      number_cell(part(prefill, &Range::mid), prefill ? speed_text(prefill->mid) : "-"),
  };
}

Listing empty_listing() {
  Listing out;
  out.schema = "willitrun.compare/1";
  out.columns = {{"model", "MODEL"},
                 {"quant", "QUANT"},
                 {"gpu", ""},
                 {"machine", "MACHINE"},
                 {"verdict", "VERDICT"},
                 {"met", ""},
                 {"weights_bytes", ""},
                 {"gpu_bytes", "MEMORY", Align::right},
                 {"host_bytes", ""},
                 {"gpu_free_bytes", "FREE", Align::right, 3},
                 {"ctx", ""},
                 {"max_ctx", "CONTEXT", Align::right, 2},
                 {"decode_tokens_per_s_low", ""},
                 {"decode_tokens_per_s", "TOK/S", Align::right},
                 {"decode_tokens_per_s_high", ""},
                 {"prefill_tokens_per_s", "PROMPT", Align::right, 4}};
  return out;
}

/// Names given, or one empty name that stands for what is usual.
std::vector<std::string> or_usual(std::vector<std::string> names) {
  if (names.empty()) names.emplace_back();
  return names;
}

}  // namespace

int run_compare(const Invocation& invocation) {
  const auto& options = invocation.options;
  if (auto e = check_list_format(options)) return fail(*e, options);
  ModelCache models;
  auto listing = empty_listing();
  std::vector<Outcome> outcomes;
  for (const auto& model : invocation.models)
    for (const auto& quant : or_usual(split_list(options.quant.value_or(""))))
      for (const auto& machine : or_usual(options.gpu)) {
        const auto one = one_of(options, model, machine, quant);
        const auto compared = compare_one(one, models);
        if (!compared) return fail(compared.error(), options);
        listing.rows.push_back(cells_of(*compared, one));
        listing.colors.push_back(color_of(*compared->outcome.verdict));
        outcomes.push_back(compared->outcome);
      }
  return print(listing, options, exit_status(outcomes));
}

}  // namespace willitrun::cli
