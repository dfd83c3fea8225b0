#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "cli/commands.hpp"
#include "cli/lock_file.hpp"
#include "cli/manifest_run.hpp"
#include "cli/terminal.hpp"
#include "willitrun/formats.hpp"

namespace willitrun::cli {
namespace {

/// The day, in UTC; SOURCE_DATE_EPOCH (reproducible-builds.org) names another one in seconds since 1970.
Result<std::chrono::year_month_day> today() {
  using namespace std::chrono;
  const char* text = std::getenv("SOURCE_DATE_EPOCH");
  if (text == nullptr || *text == '\0') return year_month_day(floor<days>(system_clock::now()));
  std::int64_t epoch = 0;
  const char* end = text + std::strlen(text);
  const auto [rest, code] = std::from_chars(text, end, epoch);
  constexpr std::int64_t latest = 253402300799;  // 9999-12-31
  if (code != std::errc() || rest != end || epoch < 0 || epoch > latest)
    return Error{"bad_value", fmt::format("SOURCE_DATE_EPOCH '{}': must be seconds since 1970-01-01", text)};
  return year_month_day(floor<days>(sys_seconds(seconds(epoch))));
}

Outcome outcome_of(const ManifestProblem& problem) {
  auto out = willitrun::outcome_of(problem.error);
  out.place = problem.place;
  out.name = problem.place.file;
  if (!problem.place.pointer.empty()) out.name += " " + problem.place.pointer;
  return out;
}

/// All rows of a run; names that several manifests use are told apart by the file, or else by a number.
std::vector<Outcome> gather(std::vector<ManifestResult> results) {
  std::vector<Outcome> out;
  std::set<std::string> names;
  for (auto& result : results) {
    const auto add = [&](Outcome outcome) {
      const auto name = outcome.name;
      for (unsigned n = 2; !names.insert(outcome.name).second; ++n) outcome.name = fmt::format("{} #{}", name, n);
      out.push_back(std::move(outcome));
    };
    for (auto& outcome : result.outcomes) {
      if (names.contains(outcome.name)) outcome.name += fmt::format(" ({})", result.file);
      add(std::move(outcome));
    }
    result.outcomes = {};
    for (const auto& problem : result.problems) add(outcome_of(problem));
  }
  return out;
}

void append_step_summary(const std::vector<Outcome>& outcomes, const RunHeader& header) {
  // https://docs.github.com/actions/reference/workflow-commands: a file that every step appends to.
  const char* path = std::getenv("GITHUB_STEP_SUMMARY");
  if (path == nullptr || *path == '\0') return;
  const auto text = step_summary(outcomes, header);
  std::FILE* file = std::fopen(path, "ab");
  const bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file == nullptr || std::fclose(file) != 0 || !written)
    write_error(fmt::format("willitrun: GITHUB_STEP_SUMMARY {}: could not be written\n", path));
}

/// In text, what is wrong with a manifest goes to standard error; other formats have rows for it.
void report_problems(const std::vector<ManifestResult>& results, std::vector<Outcome>& outcomes) {
  std::string text;
  for (const auto& result : results)
    for (const auto& problem : result.problems) text += fmt::format("willitrun: {}\n", to_text(problem));
  write_error(text);
  std::erase_if(outcomes, [](const Outcome& outcome) { return outcome.status == OutcomeStatus::error; });
}

int finish(std::vector<ManifestResult> results, const Format& format, const TextStyle& style, const Options& options) {
  std::vector<ManifestResult> problems;
  for (const auto& result : results) problems.push_back({result.file, {}, result.problems});
  auto outcomes = gather(std::move(results));
  const auto status = exit_status(outcomes);
  if (format.name == "text" || options.quiet) report_problems(problems, outcomes);
  if (options.quiet || (outcomes.empty() && status != 0)) return status;
  const auto header = run_header({});
  if (!write_output(format.run(outcomes, header, style))) return exit_output;
  if (format.name == "github") append_step_summary(outcomes, header);
  return status;
}

}  // namespace

int run_check(const Options& options) {
  const auto style = output_style(options);
  if (!style) return fail(style.error(), options);
  const auto format = find_format(options.json ? "json" : options.format.value_or("text"), Subject::run);
  if (!format) return fail(format.error(), options);
  const auto day = today();
  if (!day) return fail(day.error(), options);
  if (options.update_lock && !options.lock)
    return fail(Error{"usage", "--update-lock goes with --lock FILE", {"--lock"}}, options);
  const bool compare = options.lock && !options.update_lock;
  const auto lock = compare ? read_lock(*options.lock) : Result<Lock>(Lock());
  if (!lock) return fail(lock.error(), options);

  std::vector<ManifestResult> results;
  bool bad = false;
  for (const auto& path : options.manifests) {
    results.push_back(run_manifest(path, *day));
    bad = bad || !results.back().problems.empty();
  }
  if (compare)
    for (const auto& note : hold_against(*lock, *options.lock, results)) write_error("willitrun: " + note + "\n");
  if (options.update_lock && !bad)
    if (const auto error = update_lock(*options.lock, results)) return fail(*error, options);
  return finish(std::move(results), **format, *style, options);
}

}  // namespace willitrun::cli
