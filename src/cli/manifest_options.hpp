// Options laid over each other: a manifest's defaults, then a target's, a model's and a check's.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "cli/options.hpp"
#include "willitrun/manifest.hpp"

namespace willitrun::cli {

/// Which options may stand where in a manifest.
[[nodiscard]] const ManifestKeys& manifest_keys();

/// Sets what can be set; set_problems() tells what cannot.
void lay_over(const ManifestOptions& layer, Options& options);

/// The problems of one manifest, each told once however many checks share it.
class ManifestProblems {
 public:
  void add(ManifestProblem problem);
  /// Values of kinds that their options do not take.
  void add_kinds(const ManifestOptions& layer);
  /// Every error that `resolve` makes of these options: each time, the option at fault is taken back and the rest tried
  /// again. An error is placed at its option in the last layer that sets it, or else at `otherwise`.
  using Resolve = std::function<std::optional<Error>(const Options&)>;
  void add_all(Options options, const std::vector<const ManifestOptions*>& layers, const SourcePlace& otherwise,
               const Resolve& resolve);

  [[nodiscard]] bool empty() const { return list_.empty(); }
  /// Whether something at or below that JSON pointer is wrong already.
  [[nodiscard]] bool any_within(const std::string& pointer) const;
  /// In the order of the file.
  [[nodiscard]] std::vector<ManifestProblem> take();

 private:
  std::vector<ManifestProblem> list_;
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::string>> seen_;
};

}  // namespace willitrun::cli
