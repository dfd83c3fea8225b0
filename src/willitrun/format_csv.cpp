// A run as comma-separated values for programs: figures in base units, named in the header; empty = not known.
#include <algorithm>
#include <array>

#include "willitrun/escape.hpp"
#include "willitrun/figures.hpp"
#include "willitrun/format_writers.hpp"
#include "willitrun/json_writer.hpp"

namespace willitrun {
namespace {

using Cell = std::string (*)(const Outcome&);

struct CsvColumn {
  std::string_view name;
  Cell cell;
};

template <auto Member>
std::string text_of(const Outcome& o) {
  return o.*Member;
}
/// Figures of a question that was bad are not known.
template <auto Member>
std::string count_of(const Outcome& o) {
  return o.verdict ? std::to_string(o.*Member) : std::string();
}
template <auto Member, auto End>
std::string end_of(const Outcome& o) {
  const auto& range = o.*Member;
  return range ? number_text((*range).*End) : std::string();
}
template <auto Member>
std::string place_of(const Outcome& o) {
  return o.place.*Member == 0 ? std::string() : std::to_string(o.place.*Member);
}

using O = Outcome;
constexpr std::array columns{
    CsvColumn{"name", text_of<&O::name>},
    CsvColumn{"model", text_of<&O::model>},
    CsvColumn{"quant", text_of<&O::quant>},
    CsvColumn{"target", text_of<&O::target>},
    CsvColumn{"status", [](const O& o) { return std::string(name_of(o.status)); }},
    CsvColumn{"verdict", [](const O& o) { return std::string(verdict_text(o)); }},
    CsvColumn{"require", [](const O& o) { return std::string(name_of(o.require)); }},
    CsvColumn{"code", text_of<&O::code>},
    CsvColumn{"message", text_of<&O::message>},
    CsvColumn{"waiver", text_of<&O::waiver>},
    CsvColumn{"file", [](const O& o) { return o.place.file; }},
    CsvColumn{"line", place_of<&SourcePlace::line>},
    CsvColumn{"column", place_of<&SourcePlace::column>},
    CsvColumn{"pointer", [](const O& o) { return o.place.pointer; }},
    CsvColumn{"parameters", count_of<&O::parameters>},
    CsvColumn{"weights_bytes", count_of<&O::weights_bytes>},
    CsvColumn{"kv_cache_bytes", count_of<&O::kv_cache_bytes>},
    CsvColumn{"total_bytes", count_of<&O::total_bytes>},
    CsvColumn{"gpu_bytes", count_of<&O::gpu_bytes>},
    CsvColumn{"gpu_usable_bytes", count_of<&O::gpu_usable_bytes>},
    CsvColumn{"gpu_layers", count_of<&O::gpu_layers>},
    CsvColumn{"total_layers", count_of<&O::total_layers>},
    CsvColumn{"context", count_of<&O::n_ctx>},
    CsvColumn{"max_context", [](const O& o) { return o.max_ctx ? std::to_string(*o.max_ctx) : std::string(); }},
    CsvColumn{"decode_tokens_per_s_low", end_of<&O::decode_tokens_per_s, &Range::low>},
    CsvColumn{"decode_tokens_per_s_mid", end_of<&O::decode_tokens_per_s, &Range::mid>},
    CsvColumn{"decode_tokens_per_s_high", end_of<&O::decode_tokens_per_s, &Range::high>},
    CsvColumn{"prefill_tokens_per_s_low", end_of<&O::prefill_tokens_per_s, &Range::low>},
    CsvColumn{"prefill_tokens_per_s_mid", end_of<&O::prefill_tokens_per_s, &Range::mid>},
    CsvColumn{"prefill_tokens_per_s_high", end_of<&O::prefill_tokens_per_s, &Range::high>},
    CsvColumn{"time_to_first_token_s_low", end_of<&O::time_to_first_token_s, &Range::low>},
    CsvColumn{"time_to_first_token_s_mid", end_of<&O::time_to_first_token_s, &Range::mid>},
    CsvColumn{"time_to_first_token_s_high", end_of<&O::time_to_first_token_s, &Range::high>},
};

template <class Field>
std::string csv_line(Field field) {
  std::string out;
  for (const auto& column : columns) (out += out.empty() ? "" : ",") += csv_field(field(column));
  return out + "\n";
}

}  // namespace

std::string run_as_csv(Outcomes outcomes, const RunHeader&, const TextStyle&) {
  auto out = csv_line([](const CsvColumn& column) { return std::string(column.name); });
  for (const auto& outcome : outcomes) out += csv_line([&](const CsvColumn& column) { return column.cell(outcome); });
  return out;
}

std::string report_as_csv(const Report& report, const TextStyle& style) {
  auto outcome = outcome_of(report);
  outcome.require = required_level(report);
  outcome.model = report.model.id;
  outcome.target = machine_text(report.machine);
  outcome.name = outcome.model + " on " + outcome.target;
  return run_as_csv(Outcomes(&outcome, 1), {}, style);
}

}  // namespace willitrun
