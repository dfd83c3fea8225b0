#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/calibration_store.hpp"
#include "cli/catalogs.hpp"
#include "cli/commands.hpp"
#include "cli/input_source.hpp"
#include "cli/terminal.hpp"
#include "willitrun/calibrate.hpp"
#include "willitrun/catalog.hpp"

namespace willitrun::cli {
namespace {

bool wants_json(const Options& options) { return options.json || options.format == "json"; }

std::string speed_text(double value) { return fmt::format("{:.{}f}", value, value < 100 ? 1 : 0); }

std::string test_name(const BenchRow& row) {
  const auto depth = row.n_depth > 0 ? fmt::format(" @ {}", row.n_depth) : std::string();
  return row.n_prompt > 0 ? fmt::format("pp{}{}", row.n_prompt, depth) : fmt::format("tg{}{}", row.n_gen, depth);
}

std::string model_text(const ComparedRow& r) {
  if (!r.left_out.empty()) return r.bench.model_type;
  return fmt::format("{} {}{}", r.model, r.quant, r.exact ? "" : " ~");
}

std::string rows_text(const std::vector<ComparedRow>& rows) {
  std::size_t test = 4, model = 5;  // their headings
  for (const auto& r : rows) {
    test = std::max(test, test_name(r.bench).size());
    model = std::max(model, model_text(r).size());
  }
  auto out =
      fmt::format("{:<{}}  {:<{}}{:>10}{:>11}{:>7}\n", "test", test, "model", model, "measured", "estimated", "ratio");
  for (const auto& r : rows) {
    out +=
        fmt::format("{:<{}}  {:<{}}{:>10}", test_name(r.bench), test, model_text(r), model, speed_text(r.bench.avg_ts));
    out += r.left_out.empty() ? fmt::format("{:>11}{:>7.2f}\n", speed_text(r.estimated), r.ratio())
                              : fmt::format("{:>11}\n", "left out");
  }
  return out;
}

std::string factor_text(std::string_view word, const std::optional<Factor>& f) {
  if (!f) return {};
  return fmt::format("  {:<8} x {:.2f} ({:.2f}-{:.2f}) from {} run{}\n", word, f->mid, f->low, f->high, f->rows,
                     f->rows == 1 ? "" : "s");
}

std::string correction_text(const Correction& c) {
  const auto date = c.date.empty() ? std::string() : fmt::format(", {}", c.date);
  return fmt::format("{}, {} ({}{})\n", c.name, c.backend, c.source, date) + factor_text("decode", c.decode) +
         factor_text("prompt", c.prefill);
}

std::string notes_text(const std::vector<ComparedRow>& rows) {
  std::string out;
  for (const auto& r : rows)
    if (!r.left_out.empty()) out += fmt::format("left out: test {}: {}\n", r.bench.number, r.left_out);
  if (std::any_of(rows.begin(), rows.end(), [](const auto& r) { return r.left_out.empty() && !r.exact; }))
    out += "~ nearest model of the catalog; its parameters or bytes differ a little from the file's\n";
  return out;
}

Result<BenchMachine> stated_machine(const Options& options) {
  BenchMachine out;
  if (options.gpu.size() > 1) return Error{"usage", "one --gpu names the device of the runs"};
  if (!options.gpu.empty()) {
    const auto found = find_device(options.gpu[0]);
    if (!found) return found.error();
    out.gpu = found->entry;
  }
  if (options.cpu) {
    const auto cpu = find_cpu(*options.cpu);
    if (!cpu) return cpu.error();
    out.cpu = *cpu;
  }
  return out;
}

int show(const Options& options) {
  const auto stored = stored_corrections();
  if (!stored) return fail(stored.error(), options);
  std::string text;
  if (wants_json(options)) {
    text = to_json(*stored);
  } else {
    for (const auto& c : stored->devices) text += correction_text(c);
    if (text.empty()) text = "no calibration is stored\n";
  }
  return write_output(text) ? 0 : exit_output;
}

int forget(const Options& options) {
  const auto removed = forget_corrections();
  if (!removed) return fail(removed.error(), options);
  return write_output(*removed ? "the calibration is removed\n" : "no calibration is stored\n") ? 0 : exit_output;
}

/// Reads and compares all before anything is stored.
Result<std::vector<ComparedRow>> read_and_compare(const std::string& path, const Options& options) {
  const auto machine = stated_machine(options);
  if (!machine) return machine.error();
  const auto text = read_catalog_text(path);
  if (!text) return text.error();
  const auto rows = read_llama_bench(*text, display_name(path));
  if (!rows) return rows.error();
  auto compared = compare_bench(*rows, *machine);
  const auto used = std::find_if(compared.begin(), compared.end(), [](const auto& r) { return r.left_out.empty(); });
  if (used != compared.end()) return compared;
  return Error{
      "nothing_comparable",
      fmt::format("{}: {}", display_name(path),
                  compared.size() == 1 ? fmt::format("its test cannot be compared: {}", compared.front().left_out)
                                       : fmt::format("none of its {} tests can be compared, the first because {}",
                                                     compared.size(), compared.front().left_out))};
}

}  // namespace

int run_calibrate(const Invocation& invocation) {
  const auto& options = invocation.options;
  if (invocation.show_stored) return show(options);
  if (invocation.forget_stored) return forget(options);
  if (invocation.subject.empty())
    return fail(Error{"usage", "name what `llama-bench -o json` printed, or - for stdin"}, options);
  const auto compared = read_and_compare(invocation.subject, options);
  if (!compared) return fail(compared.error(), options);
  auto stored = stored_corrections();
  if (!stored) return fail(stored.error(), options);
  const auto source = std::filesystem::path(display_name(invocation.subject)).filename().string();
  const auto fresh = corrections_from(*compared, source);
  merge(*stored, fresh);
  if (const auto error = store_corrections(*stored)) return fail(*error, options);
  std::string text;
  if (wants_json(options)) {
    text = to_json(*stored);
  } else {
    text = rows_text(*compared) + "\n";
    for (const auto& c : fresh) text += correction_text(c);
    text += notes_text(*compared);
    text +=
        fmt::format("stored in {}\nused from now on; --no-calibration leaves it out\n", calibration_path().string());
  }
  return options.quiet || write_output(text) ? 0 : exit_output;
}

}  // namespace willitrun::cli
