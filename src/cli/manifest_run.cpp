#include "cli/manifest_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <unordered_map>

#include "cli/input_source.hpp"
#include "cli/manifest_models.hpp"
#include "cli/manifest_options.hpp"
#include "willitrun/budget.hpp"
#include "willitrun/quant.hpp"

namespace willitrun::cli {
namespace {

/// A manifest's answer is the same on every computer: nobody's own measurements correct it.
Result<CheckRequest> make_shared_check(Options options, const LoadedModel& model, Machine machine) {
  options.no_calibration = true;
  return make_check(options, model, std::move(machine));
}

constexpr std::size_t largest_manifest = 16 << 20;

struct Target {
  Options options;  // defaults and its own
  std::optional<Machine> machine;
};

/// One model of a check on one target, and where its outcome goes.
struct Job {
  std::uint32_t model, target;
  const ManifestCheck* check;
  std::size_t row;
  bool budget = false;
};

class Run {
 public:
  Run(const Manifest& manifest, std::string folder, ManifestProblems& problems)
      : manifest_(manifest), folder_(std::move(folder)), problems_(problems) {}

  std::vector<Outcome> all(std::chrono::year_month_day today) {
    check_options();
    resolve_targets();
    auto outcomes = run_checks();
    const auto n_check = outcomes.size();
    for (std::uint32_t i = 0; i < manifest_.budgets.size(); ++i) run_budget(i, outcomes);
    if (problems_.empty()) waive(today, n_check, outcomes);
    name_apart(outcomes);
    return outcomes;
  }

 private:
  void resolve_targets() {
    for (const auto& target : manifest_.targets) {
      auto& resolved = targets_.emplace_back();
      // Alternatives and the longest context take tens of placements each; a gate needs neither.
      resolved.options.advise = false;
      lay_over(manifest_.defaults, resolved.options);
      lay_over(target.options, resolved.options);
      auto machine = resolve_machine(resolved.options);
      if (machine) {
        resolved.machine = std::move(*machine);
        continue;
      }
      // A misspelt key is why there is none.
      if (machine.error().code == "no_machine" && problems_.any_within(target.place.pointer)) continue;
      problems_.add_all(resolved.options, {&manifest_.defaults, &target.options}, target.place,
                        [](const Options& options) -> std::optional<Error> {
                          const auto again = resolve_machine(options);
                          return again ? std::nullopt : std::optional(again.error());
                        });
    }
  }

  /// Every option on its own, used or not.
  void check_options() {
    check_layer(manifest_.defaults, {manifest_.file, 0, 0, {}});
    for (const auto& target : manifest_.targets) check_layer(target.options, target.place);
    for (const auto& model : manifest_.models) check_layer(model.options, model.place);
    for (const auto* checks : {&manifest_.checks, &manifest_.budgets})
      for (const auto& check : *checks) check_layer(check.options, check.place);
  }

  void check_layer(const ManifestOptions& layer, const SourcePlace& place) {
    problems_.add_kinds(layer);
    Options options;
    lay_over(layer, options);
    problems_.add_all(options, {&layer}, place, wrong_value);
  }

  /// What is wrong whatever the model and the machine.
  static std::optional<Error> wrong_value(const Options& options) {
    static const auto any_model = [] {
      LoadedModel model;
      model.recommender.emplace();
      return model;
    }();
    if (options.quant)
      if (const auto quant = find_quant(*options.quant); !quant) return quant.error();
    const auto check = make_shared_check(options, any_model, Machine());
    return check || check.error().code == "contradiction" ? std::nullopt : std::optional(check.error());
  }

  /// Model by model, so that one at a time is in memory.
  std::vector<Outcome> run_checks() {
    std::vector<Job> jobs;
    for (const auto& check : manifest_.checks)
      for (const auto model : check.models)
        for (const auto target : check.targets) jobs.push_back({model, target, &check, jobs.size()});
    std::vector<Outcome> outcomes(jobs.size());
    std::stable_sort(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) { return a.model < b.model; });
    Options general;
    lay_over(manifest_.defaults, general);
    auto job = jobs.begin();
    for (std::uint32_t i = 0; i < manifest_.models.size(); ++i) {
      ManifestModelLoader loader(manifest_.models[i], folder_);
      // One that no check names is read all the same: its mistakes are the manifest's.
      if (job == jobs.end() || job->model != i) (void)load(loader, general, {i, 0, nullptr, 0, false});
      for (; job != jobs.end() && job->model == i; ++job)
        if (auto report = answer(loader, *job, machine_of(*job))) {
          auto& outcome = outcomes[job->row] = outcome_of(report->first);
          outcome.require = report->second;
          outcome.model = manifest_.models[i].name;
          outcome.name = job->check->name.empty() ? "" : job->check->name + ": ";
          outcome.name += fmt::format("{} on {}", outcome.model, manifest_.targets[job->target].name);
          outcome.target = manifest_.targets[job->target].name;
          outcome.place = job->check->place;
        }
    }
    return outcomes;
  }

  void run_budget(std::uint32_t index, std::vector<Outcome>& outcomes) {
    const auto& budget = manifest_.budgets[index];
    std::map<std::uint32_t, ManifestModelLoader> loaders;
    for (const auto target : budget.targets) {
      const auto& machine = targets_[target].machine;
      Budget sum(machine.value_or(Machine()));
      auto require = Requirement::Level::runs;
      for (const auto model : budget.models) {
        auto& loader = loaders.try_emplace(model, manifest_.models[model], folder_).first->second;
        const auto report =
            answer(loader, {model, target, &budget, 0, true}, machine ? std::optional(sum.left()) : machine);
        if (!report) continue;
        sum.add(manifest_.models[model].name, report->first);
        require = report->second;
      }
      auto outcome = sum.outcome();
      outcome.require = require;
      outcome.target = manifest_.targets[target].name;
      outcome.name = fmt::format("{} on {}", budget.name, outcome.target);
      outcome.place = budget.place;
      budget_rows_.push_back({index, target});
      outcomes.push_back(std::move(outcome));
    }
  }

  [[nodiscard]] std::vector<const ManifestOptions*> layers_of(const Job& job) const {
    std::vector<const ManifestOptions*> layers{&manifest_.defaults};
    if (job.check != nullptr) layers.push_back(&manifest_.targets[job.target].options);
    layers.push_back(&manifest_.models[job.model].options);
    if (job.check != nullptr) layers.push_back(&job.check->options);
    return layers;
  }

  [[nodiscard]] Options options_of(const Job& job) const {
    auto options = targets_[job.target].options;
    lay_over(manifest_.models[job.model].options, options);
    lay_over(job.check->options, options);
    return options;
  }

  /// The target as the job's engine finds it: vLLM claims a share of every GPU. Models that share a target in a budget
  /// have a share each, whose sum is what counts.
  [[nodiscard]] std::optional<Machine> machine_of(const Job& job) const {
    const auto& target = targets_[job.target];
    auto options = target.options;
    options.engine = options_of(job).engine;
    if (!target.machine || options.engine == target.options.engine) return target.machine;
    auto machine = resolve_machine(options);
    return machine ? std::optional(std::move(*machine)) : std::nullopt;
  }

  static bool falls_short(const Report& report, const CheckRequest& check) {
    return !report.verdict.met && check.model && check.requirement.level != Requirement::Level::runs &&
           !check.placement.gpu_layers;
  }

  /// What it would take on the accelerators, where it had to be and is not: a budget tells by how much it is over.
  static Result<Report> all_on_devices(const Report& instead, CheckRequest check) {
    check.placement.gpu_layers = std::numeric_limits<std::uint32_t>::max();
    auto report = willitrun::check(check);
    if (report) report->verdict.code = instead.verdict.code;
    return report;
  }

  /// The model at the quant of the job; without a check, at that of the defaults.
  std::shared_ptr<const LoadedModel> load(ManifestModelLoader& loader, const Options& general, const Job& job) {
    const auto& model = manifest_.models[job.model];
    if (model.model.empty() && !model.spec) return nullptr;  // its problem is noted already
    Options asked;
    lay_over(model.options, asked);
    if (job.check != nullptr) lay_over(job.check->options, asked);
    const auto& engine = asked.engine ? asked.engine : general.engine;
    auto loaded = loader.load(general.quant, asked.quant, engine);
    if (loaded) return *loaded;
    problems_.add_all(asked, layers_of(job), model.place, [&](const Options& options) {
      const auto again = loader.load(general.quant, options.quant, engine);
      return again ? std::nullopt : std::optional(again.error());
    });
    return nullptr;
  }

  /// The report and what was required; nothing where something is wrong with the manifest, which is noted.
  std::optional<std::pair<Report, Requirement::Level>> answer(ManifestModelLoader& loader, const Job& job,
                                                              const std::optional<Machine>& machine) {
    const auto& model = manifest_.models[job.model];
    const auto loaded = load(loader, targets_[job.target].options, job);
    if (!loaded || !machine) return std::nullopt;
    const auto options = options_of(job);
    auto check = make_shared_check(options, *loaded, *machine);
    if (!check) {
      problems_.add_all(options, layers_of(job), job.check->place, [&](const Options& less) -> std::optional<Error> {
        const auto again = make_shared_check(less, *loaded, *machine);
        return again ? std::nullopt : std::optional(again.error());
      });
      return std::nullopt;
    }
    if (!problems_.empty()) return std::nullopt;
    auto report = run(*check, loaded->recommender);
    if (report && job.budget && falls_short(*report, *check)) report = all_on_devices(*report, std::move(*check));
    if (report) return std::pair(std::move(*report), check->requirement.level);
    problems_.add({model.place, report.error()});
    return std::nullopt;
  }

  /// Checks that share a model and a machine are told apart by a number.
  static void name_apart(std::vector<Outcome>& outcomes) {
    std::unordered_map<std::string, unsigned> seen;
    for (auto& outcome : outcomes)
      if (const auto n = ++seen[outcome.name]; n > 1) outcome.name += fmt::format(" #{}", n);
  }

  void waive(std::chrono::year_month_day today, std::size_t n_check, std::vector<Outcome>& outcomes) {
    std::vector<bool> told(manifest_.waivers.size());
    const auto apply = [&](bool budget, std::uint32_t index, std::uint32_t target, Outcome& outcome) {
      const auto* waiver = find_waiver(manifest_, budget, index, target);
      if (waiver == nullptr || outcome.status == OutcomeStatus::passed) return;
      apply_waiver(*waiver, today, outcome);
      told[static_cast<std::size_t>(waiver - manifest_.waivers.data())] = true;
    };
    std::size_t row = 0;
    for (const auto& check : manifest_.checks)
      for (const auto model : check.models)
        for (const auto target : check.targets) apply(false, model, target, outcomes[row++]);
    for (std::size_t i = 0; i < budget_rows_.size(); ++i)
      apply(true, budget_rows_[i].index, budget_rows_[i].target, outcomes[n_check + i]);
    for (std::size_t i = 0; i < told.size(); ++i)
      if (manifest_.waivers[i].expires < today && !told[i]) outcomes.push_back(ended(manifest_.waivers[i]));
  }

  /// A waiver that ended fails on its own where nothing else that it covers does.
  static Outcome ended(const ManifestWaiver& waiver) {
    Outcome out;
    out.name = "waiver: " + waiver.reason;
    out.place = waiver.place;
    out.status = OutcomeStatus::failed;
    out.code = "waiver_expired";
    out.message =
        fmt::format("ended on {} ({}) and is no longer needed: take it out", format_day(waiver.expires), waiver.owner);
    return out;
  }

  struct BudgetRow {
    std::uint32_t index, target;
  };

  const Manifest& manifest_;
  std::string folder_;
  ManifestProblems& problems_;
  std::vector<Target> targets_;
  std::vector<BudgetRow> budget_rows_;
};

}  // namespace

ManifestResult run_manifest(const std::string& path, std::chrono::year_month_day today) {
  ManifestResult out;
  out.file = display_name(path);
  const auto source = open_input(path);
  const auto text = source ? read_all(*source, largest_manifest, out.file) : Result<std::string>(source.error());
  if (!text) {
    auto error = text.error();
    // The place names the file already.
    if (error.message.starts_with(out.file + ": ")) error.message.erase(0, out.file.size() + 2);
    out.problems.push_back({{out.file, 0, 0, {}}, std::move(error)});
    return out;
  }
  auto reading = read_manifest(*text, out.file, manifest_keys());
  ManifestProblems problems;
  for (auto& problem : reading.problems) problems.add(std::move(problem));
  const auto folder = path == "-" ? std::string() : std::filesystem::path(path).parent_path().string();
  out.outcomes = Run(reading.manifest, folder, problems).all(today);
  out.problems = problems.take();
  if (!out.problems.empty()) out.outcomes.clear();
  return out;
}

}  // namespace willitrun::cli
