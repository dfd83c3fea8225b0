#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "cli/commands.hpp"
#include "cli/listing.hpp"
#include "cli/numbers.hpp"
#include "cli/request.hpp"
#include "cli/request_parts.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/engine_support.hpp"
#include "willitrun/needs.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun::cli {
namespace {

constexpr std::array<std::string_view, 6> vendors{"nvidia", "amd", "intel", "apple", "qualcomm", "other"};

/// Comma-separated choices, each one of `known`.
std::optional<Error> read_choices(const Options::Text& text, std::string_view option,
                                  std::span<const std::string_view> known, std::vector<std::string>& out) {
  out = split_list(text.value_or(""));
  for (const auto& choice : out) {
    if (std::find(known.begin(), known.end(), choice) != known.end()) continue;
    const auto near = nearest(choice, known);
    return Error{"bad_value",
                 fmt::format("{} '{}': must be {}{}", option, choice, fmt::join(known, ", "), did_you_mean(near)),
                 near};
  }
  return std::nullopt;
}

std::optional<Error> read_limit(const Options::Text& text, std::string_view option, std::optional<double>& out) {
  if (!text) return std::nullopt;
  const auto value = parse_positive(*text, option);
  if (!value) return value.error();
  out = *value;
  return std::nullopt;
}

Result<DeviceFilter> read_filter(const Options& options) {
  DeviceFilter out;
  constexpr std::array forms{DeviceForm::discrete, DeviceForm::laptop, DeviceForm::unified};
  std::vector<std::string_view> names;
  for (const auto form : forms) names.push_back(name_of(form));
  if (auto e = read_choices(options.vendor, "--vendor", vendors, out.vendors)) return *e;
  if (auto e = read_choices(options.kind, "--kind", names, out.forms)) return *e;
  if (auto e = read_limit(options.max_price, "--max-price", out.max_price_usd)) return *e;
  if (auto e = read_limit(options.max_power, "--max-power", out.max_power_w)) return *e;
  if (options.since) {
    const auto year = parse_whole(*options.since, "--since", 2000, 2100);
    if (!year) return year.error();
    out.since = *year;
  }
  if (options.max_count) {
    const auto count = parse_whole(*options.max_count, "--max-count", 1, 8);
    if (!count) return count.error();
    out.max_count = *count;
  }
  return out;
}

/// Leaves the vendors on whose devices the engine and the backend run.
std::optional<Error> keep_possible(const Options& options, const MachineRequest& host, DeviceFilter& filter) {
  std::vector<std::string> kept;
  if (filter.vendors.empty()) filter.vendors.assign(vendors.begin(), vendors.end());
  for (const auto& vendor : filter.vendors) {
    auto machine = host;
    machine.devices.emplace_back().vendor = vendor;
    if (vendor == "apple") machine.os = OperatingSystem::macos;
    if (!check_possible(machine) && !check_engine_runs(options, assemble_machine(machine))) kept.push_back(vendor);
  }
  if (kept.empty() || host.backend == Backend::cpu)
    return Error{"contradiction", fmt::format("needs: --engine {} with --backend {} runs on no device asked for",
                                              options.engine.value_or("llama.cpp"), options.backend.value_or("auto"))};
  filter.vendors = std::move(kept);
  return std::nullopt;
}

/// A device to resolve the question with; it is replaced by those looked for.
std::string stand_in(const Options& options, const std::string& vendor) {
  if (options.engine != "mlx" && options.engine != "vllm") return "none";
  const auto all = all_devices();
  const auto found = std::find_if(all.begin(), all.end(), [&](const DeviceSpec& d) {
    return d.vendor == vendor && has_kernels(*find_engine(*options.engine), d);
  });
  return found == all.end() ? "none" : found->id;
}

Result<NeedsRequest> resolve_needs(const Options& options, ModelCache& models) {
  if (auto e = check_list_format(options)) return *e;
  if (!options.gpu.empty() || options.vram || options.free_vram || options.gpu_count || options.bandwidth)
    return Error{"contradiction",
                 "needs looks for the GPU itself: leave out --gpu, --vram, --free-vram, --gpu-count and --bandwidth"};
  NeedsRequest out;
  auto filter = read_filter(options);
  if (!filter) return filter.error();
  out.filter = std::move(*filter);
  auto host = resolve_surroundings(options, {});
  if (!host) return host.error();
  out.host = std::move(*host);
  if (auto e = check_engine(options)) return *e;
  if (auto e = keep_possible(options, out.host, out.filter)) return *e;
  auto asked = options;
  asked.gpu = {stand_in(options, out.filter.vendors[0])};
  if (!asked.require) asked.require = "fits";
  auto resolved = resolve(asked, models);
  if (!resolved) return resolved.error();
  if (resolved->recommender) return Error{"usage", "needs takes a language model; for tables of embeddings see tables"};
  out.question = std::move(resolved->check);
  return out;
}

std::string device_text(const DeviceChoice& choice) {
  return choice.count == 1 ? choice.device.name : fmt::format("{}x {}", choice.count, choice.device.name);
}

std::string price_text(const DeviceChoice& choice) {
  if (!choice.price_usd) return "unknown";
  const auto price = fmt::format("${}", format_grouped(static_cast<std::uint64_t>(*choice.price_usd)));
  return choice.device.release_year ? fmt::format("{} ({})", price, *choice.device.release_year) : price;
}

std::vector<std::string_view> titles_of(const NeedsList& list, std::size_t index) {
  std::vector<std::string_view> out;
  if (list.cheapest == index) out.emplace_back("cheapest");
  if (list.smallest == index) out.emplace_back("smallest");
  if (list.fastest == index) out.emplace_back("fastest");
  return out;
}

std::vector<Cell> cells_of(const NeedsList& list, std::size_t index) {
  const auto& c = list.choices[index];
  const auto& o = c.outcome;
  const auto speed = [&](double Range::*part) {
    return o.decode_tokens_per_s ? std::optional((*o.decode_tokens_per_s).*part) : std::nullopt;
  };
  return {
      text_cell(c.device.id),
      {OptionValue(c.device.name), device_text(c)},
      count_cell(c.count, ""),
      text_cell(c.device.vendor),
      text_cell(std::string(name_of(form_of(c.device)))),
      count_cell(c.device.release_year, ""),
      count_cell(c.memory_bytes, format_bytes(c.memory_bytes)),
      number_cell(c.price_usd, price_text(c)),
      number_cell(c.power_w, c.power_w ? fmt::format("{:g} W", *c.power_w) : "unknown"),
      text_cell(std::string(name_of(*o.verdict))),
      count_cell(o.gpu_bytes, ""),
      number_cell(speed(&Range::low), ""),
      number_cell(speed(&Range::mid), format_range(o.decode_tokens_per_s)),
      number_cell(speed(&Range::high), ""),
      flag_cell(c.unbeaten, ""),
      list_cell(titles_of(list, index)),
  };
}

std::vector<std::string> notes_of(const NeedsRequest& request, const NeedsList& list) {
  std::vector<std::string> notes;
  if (list.choices.empty())
    notes.push_back(fmt::format("None of the {} devices asked for runs it as required.", list.n_device));
  else
    notes.push_back(
        fmt::format("{} of {} devices run it; --format json, csv or md lists them all. Shown: those no other beats in "
                    "price, memory, power and speed. Prices are launch prices (year), not market prices.",
                    list.choices.size(), list.n_device));
  const auto unpriced = std::count_if(list.choices.begin(), list.choices.end(),
                                      [](const DeviceChoice& c) { return !c.price_usd.has_value(); });
  if (unpriced > 0)
    notes.push_back(fmt::format(
        "Of {} the launch price is unknown: they are judged by memory, power and speed, and cannot be the cheapest.",
        unpriced));
  const bool may_spill = request.question.requirement.level == Requirement::Level::runs;
  if (may_spill && !request.host.ram && !list.choices.empty())
    notes.emplace_back("System memory not stated: what a device has no room for must be free there (--ram checks it).");
  if (list.n_unjudged > 0)
    notes.push_back(
        fmt::format("{} devices are left out because the price or power that is limited is unknown.", list.n_unjudged));
  if (list.n_unknown > 0)
    notes.push_back(fmt::format("Of {} more a figure that was required is unknown.", list.n_unknown));
  return notes;
}

Listing listing_of(const NeedsRequest& request, const NeedsList& list, bool all) {
  Listing out;
  out.schema = "willitrun.needs/1";
  const auto& question = request.question;
  out.header = {{"model", question.model->model.spec.id},
                {"quant", question.quant},
                {"ctx", static_cast<std::int64_t>(question.context.n_ctx)},
                {"require", std::string(name_of(question.requirement.level))},
                {"devices_considered", static_cast<std::int64_t>(list.n_device)}};
  out.columns = {{"device", ""},
                 {"name", "DEVICE"},
                 {"count", ""},
                 {"vendor", ""},
                 {"kind", ""},
                 {"release_year", ""},
                 {"memory_bytes", "MEMORY", Align::right},
                 {"launch_price_usd", "LAUNCH PRICE", Align::right},
                 {"power_w", "POWER", Align::right, 3},
                 {"verdict", "VERDICT", Align::left, 4},
                 {"gpu_bytes", ""},
                 {"decode_tokens_per_s_low", ""},
                 {"decode_tokens_per_s", "TOK/S", Align::right},
                 {"decode_tokens_per_s_high", ""},
                 {"unbeaten", ""},
                 {"best", "BEST", Align::left, 0}};
  for (std::size_t i = 0; i < list.choices.size(); ++i) {
    if (!all && !list.choices[i].unbeaten && titles_of(list, i).empty()) continue;
    out.rows.push_back(cells_of(list, i));
    out.colors.push_back(titles_of(list, i).empty() ? Color::none : Color::bold);
  }
  out.notes = notes_of(request, list);
  return out;
}

}  // namespace

int run_needs(const Options& options) {
  ModelCache models;
  const auto request = resolve_needs(options, models);
  if (!request) return fail(request.error(), options);
  const auto list = find_devices(*request);
  auto listing = listing_of(*request, list, !wants_text(options));
  if (!list.choices.empty())
    listing.above = {fmt::format("{}, {}, {} tokens, --require {}:", request->question.model->model.spec.name,
                                 request->question.quant, format_grouped(request->question.context.n_ctx),
                                 name_of(request->question.requirement.level))};
  return print(listing, options, list.choices.empty() ? 1 : 0);
}

}  // namespace willitrun::cli
