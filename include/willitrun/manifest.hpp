// willitrun.manifest/1: which models have to run on which machines, as values that know their place in the file.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/model_spec.hpp"
#include "willitrun/outcome.hpp"
#include "willitrun/result.hpp"

namespace willitrun {

/// Something wrong with a manifest, at a place of it. `error.message` does not repeat the place.
struct ManifestProblem {
  SourcePlace place;
  Error error;
};
/// "ci.json:3:12: /targets/laptop/gpu: unknown GPU 'rtx9999'"
[[nodiscard]] std::string to_text(const ManifestProblem& problem);

/// An option as the command line has it, under its long name with _ for -.
struct ManifestOption {
  std::string key;
  std::optional<OptionValue> value;  ///< empty: null, which takes back what an outer level set
  SourcePlace place;
};
using ManifestOptions = std::vector<ManifestOption>;

struct ManifestTarget {
  std::string name;
  SourcePlace place;
  ManifestOptions options;
};

/// Either a name or the shapes themselves.
struct ManifestModel {
  std::string name;
  SourcePlace place;                      ///< of what the model is said to be
  std::string model;                      ///< a catalog name, or a path from the manifest's folder
  std::shared_ptr<const SpecModel> spec;  ///< from "spec" or "tables"
  ManifestOptions options;
};

/// Every model on every target. In a budget, the models of one target are there at once, started in this order.
struct ManifestCheck {
  std::string name;  ///< a budget always has one
  SourcePlace place;
  std::vector<std::uint32_t> models, targets;  ///< indices, in the order of the file
  ManifestOptions options;
};

/// Lets a failure pass until a day. Covers the checks of its models, or the budgets it names, on its targets.
struct ManifestWaiver {
  SourcePlace place;
  std::vector<std::uint32_t> models, budgets, targets;
  std::string reason, owner;
  std::chrono::year_month_day expires;  ///< the last day it holds
};

struct Manifest {
  std::string file;
  ManifestOptions defaults;
  std::vector<ManifestTarget> targets;
  std::vector<ManifestModel> models;
  std::vector<ManifestCheck> checks, budgets;
  std::vector<ManifestWaiver> waivers;
};

/// Option keys by where they may stand: machines are described by targets and defaults only.
struct ManifestKeys {
  std::vector<std::string> machine, other;
};

/// What could be read, and everything that is wrong with its form: names, keys, kinds of values, dates, specs.
/// Options' own values are not looked into.
struct ManifestReading {
  Manifest manifest;
  std::vector<ManifestProblem> problems;  ///< in the order of the file
};
/// `what` names the input in problems. // and /* */ comments are allowed.
[[nodiscard]] ManifestReading read_manifest(std::string_view json, std::string_view what, const ManifestKeys& keys);

/// A waiver that covers this model (or budget) on this target, the one that holds longest; null when none does.
[[nodiscard]] const ManifestWaiver* find_waiver(const Manifest& manifest, bool budget, std::uint32_t index,
                                                std::uint32_t target);
/// A failed or unknown outcome is let pass by a waiver that still holds on that day; else the outcome says when, and
/// whose, the waiver was that ended.
void apply_waiver(const ManifestWaiver& waiver, std::chrono::year_month_day today, Outcome& outcome);

/// A calendar day as "2026-12-31".
[[nodiscard]] std::optional<std::chrono::year_month_day> parse_day(std::string_view text);
[[nodiscard]] std::string format_day(std::chrono::year_month_day day);

/// Whether a name fits a pattern of * (anything) and ? (one character).
[[nodiscard]] bool matches_pattern(std::string_view name, std::string_view pattern);

}  // namespace willitrun
