#include <fmt/format.h>

#include <array>
#include <cmath>

#include "cli/commands.hpp"
#include "cli/listing.hpp"
#include "cli/numbers.hpp"
#include "cli/request.hpp"
#include "willitrun/cost.hpp"
#include "willitrun/figures.hpp"

namespace willitrun::cli {
namespace {

/// Three tokens read for each written, the mix in which price comparisons blend an API's two prices
/// (artificialanalysis.ai, methodology).
constexpr double usual_input_per_output = 3;

std::optional<Error> read_number(const Options::Text& text, std::string_view option, std::optional<double>& out) {
  if (!text) return std::nullopt;
  const auto value = *text == "0" ? Result<double>(0.0) : parse_positive(*text, option);
  if (!value) return value.error();
  out = *value;
  return std::nullopt;
}

/// "0.15/0.60", or one price for both.
std::optional<Error> read_api_price(const Options& options, CostInputs& in) {
  if (!options.api_price) return std::nullopt;
  const std::string_view text = *options.api_price;
  const auto slash = text.find('/');
  const auto input = parse_positive(text.substr(0, slash), "--api-price");
  const auto output = slash == std::string_view::npos ? input : parse_positive(text.substr(slash + 1), "--api-price");
  if (!input || !output)
    return Error{
        "bad_value",
        fmt::format("--api-price '{}': must be prices per million tokens read and written, such as 0.15/0.60", text)};
  in.api_input = *input;
  in.api_output = *output;
  return std::nullopt;
}

std::optional<Error> read_utilization(const Options& options, double& out) {
  if (!options.utilization) return std::nullopt;
  std::string_view text = *options.utilization;
  const bool percent = text.ends_with("%");
  const auto value = parse_positive(percent ? text.substr(0, text.size() - 1) : text, "--utilization");
  if (!value || !percent || *value > 100)
    return Error{"bad_value", fmt::format("--utilization '{}': must be a share of the time, such as 25%", text)};
  out = *value / 100;
  return std::nullopt;
}

Result<CostInputs> read_prices(const Options& options) {
  CostInputs in;
  if (auto e = read_number(options.price_kwh, "--price-kwh", in.price_kwh)) return *e;
  if (auto e = read_number(options.power, "--power", in.power_w)) return *e;
  if (auto e = read_number(options.price_hardware, "--price-hardware", in.price_hardware)) return *e;
  std::optional<double> years, mix;
  if (auto e = read_number(options.years, "--years", years)) return *e;
  if (auto e = read_number(options.input_per_output, "--input-per-output", mix)) return *e;
  if (auto e = read_utilization(options, in.utilization)) return *e;
  if (auto e = read_api_price(options, in)) return *e;
  in.years = years.value_or(0);
  in.input_per_output = mix.value_or(usual_input_per_output);
  if (in.price_hardware && in.years <= 0)
    return Error{"usage", "--price-hardware needs --years, over which it is used"};
  if (years && !in.price_hardware) return Error{"usage", "--years needs --price-hardware"};
  return in;
}

/// Power and speeds from the report; an error where the machine does not run it or its speed is unknown.
std::optional<Error> read_report(const Options& options, const Report& report, CostInputs& in) {
  const auto& speed = report.speed;
  if (report.verdict.code == VerdictCode::wont_run)
    return Error{"wont_run",
                 fmt::format("{} does not run on this machine: {}", report.model.name,
                             report.verdict.reasons.empty() ? "" : report.verdict.reasons[0].message),
                 {},
                 1};
  if (!speed.decode_tokens_per_s || !speed.prefill_tokens_per_s)
    return Error{"unknown_speed",
                 fmt::format("the speed of {} on this machine is unknown{}", report.model.name,
                             speed.notes.empty() ? "" : ": " + speed.notes[0]),
                 {},
                 3};
  in.decode_tokens_per_s = speed.parallel ? speed.parallel->total_tokens_per_s : *speed.decode_tokens_per_s;
  in.prefill_tokens_per_s = *speed.prefill_tokens_per_s;
  if (!options.power) in.power_w = design_power(report.machine);
  return std::nullopt;
}

/// Money and energy with three significant digits.
std::string amount(double value) {
  if (value >= 100) return fmt::format("{:.0f}", value);
  return value >= 10  ? fmt::format("{:.1f}", value)
         : value >= 1 ? fmt::format("{:.2f}", value)
                      : fmt::format("{:.3g}", value);
}

std::string amounts(const Range& range) {
  return fmt::format("{} ({}-{})", amount(range.mid), amount(range.low), amount(range.high));
}

std::string tokens(double count) {
  return count >= 1e9   ? fmt::format("{:.3g} billion", count / 1e9)
         : count >= 1e6 ? fmt::format("{:.3g} million", count / 1e6)
                        : format_grouped(static_cast<std::uint64_t>(count));
}

struct CostRow {
  std::string_view kind, title;
  const CostPerMillion* figures;
};

std::vector<Cell> cells_of(const CostRow& row) {
  const auto part = [](const std::optional<Range>& range, double Range::*which) {
    return range ? std::optional((*range).*which) : std::nullopt;
  };
  const auto text = [](const std::optional<Range>& range) { return range ? amounts(*range) : std::string("-"); };
  std::vector<Cell> cells{text_cell(std::string(row.kind))};
  cells[0].text = row.title;
  for (const auto* range : {&row.figures->energy_kwh, &row.figures->electricity, &row.figures->hardware}) {
    cells.push_back(number_cell(part(*range, &Range::low), ""));
    cells.push_back(number_cell(part(*range, &Range::mid), text(*range)));
    cells.push_back(number_cell(part(*range, &Range::high), ""));
  }
  return cells;
}

std::string break_even_text(const BreakEven& b, const std::string& currency) {
  const auto prices = fmt::format("{}{} from the API against {} of electricity per million mixed tokens",
                                  amount(b.api_per_million), currency, amount(b.own_per_million));
  switch (b.kind) {
    case BreakEven::Kind::power_alone_is_dearer: return fmt::format("Break-even: never. {}.", prices);
    case BreakEven::Kind::beyond_capacity:
      return fmt::format("Break-even: never. It would take {} tokens a day, the machine makes {} ({}).",
                         tokens(b.tokens_per_day), tokens(b.capacity_tokens_per_day), prices);
    case BreakEven::Kind::reached: break;
  }
  return fmt::format(
      "Break-even: from {} tokens a day ({} a month) on ({}). At most {} a day come out, which pay the hardware "
      "back in {:.1f} months.",
      tokens(b.tokens_per_day), tokens(b.tokens_per_day * days_per_month), prices, tokens(b.capacity_tokens_per_day),
      b.months.value_or(0));
}

void add_break_even(const std::optional<BreakEven>& b, Listing& out) {
  if (!b) return;
  constexpr std::array<std::string_view, 3> kinds{"reached", "power_alone_is_dearer", "beyond_capacity"};
  out.header.emplace_back("break_even", std::string(kinds[static_cast<std::size_t>(b->kind)]));
  out.header.emplace_back("api_per_million_mixed", b->api_per_million);
  out.header.emplace_back("break_even_tokens_per_day", b->tokens_per_day);
  out.header.emplace_back("break_even_tokens_per_month", b->tokens_per_day * days_per_month);
  out.header.emplace_back("capacity_tokens_per_day", b->capacity_tokens_per_day);
  if (b->months) out.header.emplace_back("months_to_pay_back", *b->months);
}

Listing listing_of(const Options& options, const Report& report, const CostInputs& in, const Cost& cost) {
  const auto currency = options.currency ? " " + *options.currency : std::string();
  Listing out;
  out.schema = "willitrun.cost/1";
  out.header = {{"model", report.model.id},
                {"quant", report.model.quant},
                {"verdict", std::string(name_of(report.verdict.code))},
                {"currency", options.currency.value_or("")},
                {"decode_tokens_per_s", std::round(in.decode_tokens_per_s.mid * 1000) / 1000},
                {"prefill_tokens_per_s", std::round(in.prefill_tokens_per_s.mid * 1000) / 1000},
                {"power_basis", std::string(options.power ? "given"
                                            : in.power_w  ? "tdp"
                                                          : "unknown")},
                {"input_per_output", in.input_per_output},
                {"utilization", in.utilization}};
  if (in.power_w) out.header.emplace_back("power_w", *in.power_w);
  add_break_even(cost.break_even, out);
  out.columns = {{"tokens", "PER MILLION"}, {"energy_kwh_low", ""},  {"energy_kwh", "KWH", Align::right},
                 {"energy_kwh_high", ""},   {"electricity_low", ""}, {"electricity", "ELECTRICITY", Align::right},
                 {"electricity_high", ""},  {"hardware_low", ""},    {"hardware", "HARDWARE", Align::right},
                 {"hardware_high", ""}};
  if (!cost.written.electricity) out.columns[5].title = "";
  if (!cost.written.hardware) out.columns[8].title = "";
  const auto mixed = fmt::format("mixed {:g}:1", in.input_per_output);
  for (const auto& row : {CostRow{"written", "written", &cost.written}, CostRow{"read", "read", &cost.read},
                          CostRow{"mixed", mixed, &cost.mixed}})
    out.rows.push_back(cells_of(row));
  out.above = {
      fmt::format("{}, {}: {}, about {} tok/s{}, prompt about {} tok/s", report.model.name, report.model.quant,
                  name_of(report.verdict.code), speed_text(in.decode_tokens_per_s.mid),
                  report.speed.parallel ? fmt::format(" for {} users together", report.speed.parallel->users) : "",
                  speed_text(in.prefill_tokens_per_s.mid))};
  if (cost.break_even) out.notes.push_back(break_even_text(*cost.break_even, currency));
  if (!cost.break_even && in.api_input)
    out.notes.emplace_back("Break-even needs --price-kwh and --price-hardware with --years, and a known power.");
  if (!in.power_w)
    out.notes.emplace_back("Energy unknown: no TDP on record for this machine; --power WATTS states what it draws.");
  else if (!options.power)
    out.notes.push_back(
        fmt::format("Energy is at most this: the devices' TDP, {:g} W, all the time. Decoding seldom draws all of "
                    "it; the rest of the computer is not counted (--power WATTS states what was measured).",
                    *in.power_w));
  if (cost.written.electricity || cost.written.hardware)
    out.notes.push_back(fmt::format("Prices as given{}{}.", options.currency ? ", in" : "", currency));
  if (cost.written.hardware)
    out.notes.push_back(
        fmt::format("Hardware over {:g} years at work {:g}% of the time.", in.years, 100 * in.utilization));
  return out;
}

}  // namespace

int run_cost(const Options& options) {
  if (auto e = check_list_format(options)) return fail(*e, options);
  auto in = read_prices(options);
  if (!in) return fail(in.error(), options);
  auto asked = options;
  default_to_this_computer(asked);
  ModelCache models;
  auto request = resolve(asked, models);
  if (!request) return fail(request.error(), options);
  request->check.advise = false;
  const auto report = run(*request);
  if (!report) return fail(report.error(), options);
  if (auto e = read_report(options, *report, *in)) return fail(*e, options);
  return print(listing_of(options, *report, *in, cost_of(*in)), options, 0);
}

}  // namespace willitrun::cli
