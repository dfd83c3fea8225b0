// One report as Markdown: the verdict, memory per device and speed.
#include <fmt/format.h>

#include "willitrun/escape.hpp"
#include "willitrun/figures.hpp"
#include "willitrun/format_writers.hpp"
#include "willitrun/table.hpp"

namespace willitrun {
namespace {

std::string gib_or_nothing(std::optional<Bytes> bytes) { return bytes ? gib_text(*bytes) : std::string(); }

std::vector<std::string> memory_row(std::string name, const Load& load, std::optional<Bytes> usable) {
  return {std::move(name),
          gib_text(load.weights + load.tables),
          gib_text(load.kv_cache + load.state),
          gib_text(load.compute),
          gib_text(load.overhead),
          gib_text(load.total()),
          gib_or_nothing(usable)};
}

Table memory_table(const Report& report) {
  Table table;
  table.columns = {{"Memory in GiB"},         {"Weights", Align::right}, {"KV cache", Align::right},
                   {"Compute", Align::right}, {"Runtime", Align::right}, {"Total", Align::right},
                   {"Usable", Align::right}};
  for (std::size_t i = 0; i < report.devices.size(); ++i) {
    const auto& device = report.machine.devices[i];
    table.rows.push_back(
        memory_row(fmt::format("{} ({})", device.spec.name, device.id), report.devices[i], report.usable[i]));
  }
  if (report.host.total() > 0 && !report.machine.unified())
    table.rows.push_back(memory_row("system memory", report.host, report.machine.host.usable_bytes()));
  return table;
}

std::string range_text(const Range& range) {
  return fmt::format("about {} ({} to {})", speed_text(range.mid), speed_text(range.low), speed_text(range.high));
}

std::string speed_line(const SpeedEstimate& speed) {
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  if (speed.decode_tokens_per_s) add("decoding " + range_text(*speed.decode_tokens_per_s) + " tok/s");
  if (speed.prefill_tokens_per_s) add("prompt " + range_text(*speed.prefill_tokens_per_s) + " tok/s");
  if (speed.time_to_first_token_s) add(fmt::format("first token {} s", seconds_text(speed.time_to_first_token_s->mid)));
  if (speed.load_from_disk_s) add(fmt::format("loaded from disk in {} s", seconds_text(*speed.load_from_disk_s)));
  return out.empty() ? std::string() : "Speed: " + out + "\n\n";
}

template <class Items>
std::string bullets(std::string_view label, const Items& items) {
  std::string out;
  for (const auto& item : items) out += fmt::format("- {}: {}\n", label, markdown_cell(item.message));
  return out;
}

}  // namespace

std::string report_as_markdown(const Report& report, const TextStyle&) {
  auto subject = report.model.name;
  if (!report.model.quant.empty()) subject += ", " + report.model.quant;
  if (report.context.allocated > 0) subject += fmt::format(", {} tokens", format_grouped(report.context.allocated));
  auto out = fmt::format("**{}**: {} on {} (required: {}, {})\n\n", name_of(report.verdict.code),
                         markdown_cell(subject), markdown_cell(machine_text(report.machine)),
                         name_of(required_level(report)), report.verdict.met ? "met" : "not met");
  out += to_markdown(memory_table(report)) + "\n" + speed_line(report.speed);
  out += bullets("why", report.verdict.reasons) + bullets("assumed", report.assumptions) +
         bullets("warning", report.warnings);
  return out;
}

}  // namespace willitrun
