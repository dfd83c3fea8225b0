// Prints the accuracy tables of the README from the measured truth: memory by architecture and by configuration, and
// placement. `accuracy --check` also fails when a figure falls short of what the README promises.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "support/truth.hpp"

namespace {

using namespace willitrun;
using namespace willitrun::test;

double error_of(Bytes ours, Bytes truth) {
  if (truth == 0) return ours == 0 ? 0 : 1;
  return std::abs(static_cast<double>(ours) - static_cast<double>(truth)) / static_cast<double>(truth);
}

struct Errors {
  std::vector<double> values;
  void add(double value) { values.push_back(value); }
  [[nodiscard]] double quantile(double p) const {
    auto sorted = values;
    std::sort(sorted.begin(), sorted.end());
    return sorted.empty()
               ? 1
               : sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(p * static_cast<double>(sorted.size())))];
  }
  [[nodiscard]] double within(double bound) const {
    const auto n = std::count_if(values.begin(), values.end(), [&](double v) { return v <= bound; });
    return values.empty() ? 0 : static_cast<double>(n) / static_cast<double>(values.size());
  }
  [[nodiscard]] double worst() const { return quantile(1); }
};

void print(const std::string& name, const Errors& e) {
  fmt::print("| {} | {} | {:.3f} % | {:.1f} % | {:.2f} % |\n", name, e.values.size(), 100 * e.quantile(0.5),
             100 * e.within(0.01), 100 * e.worst());
}

void print_head(const char* what) {
  fmt::print("\n| {} | runs | median error | within 1 % | worst |\n|---|---|---|---|---|\n", what);
}

/// The device that is furthest off, of one run; the host counts when there is no device.
struct MemoryAccuracy {
  Errors all, host;
  std::map<std::string, Errors> by_architecture, by_config;
};
MemoryAccuracy measure_memory() {
  MemoryAccuracy out;
  for (const auto& truth : memory_truth()) {
    const auto ours = predict(truth);
    const auto counted = truth.n_device == 0 ? std::size_t{1} : ours.size() - 1;
    double worst = 0;
    for (std::size_t i = 0; i < counted; ++i)
      worst = std::max(worst, error_of(ours[i].total(), truth.sizes[i].total()));
    out.all.add(worst);
    out.by_architecture[catalog_model(truth.model, truth.quant)->model.spec.architecture].add(worst);
    out.by_config[truth.config].add(worst);
    const auto& host = truth.sizes.back();
    if (truth.n_device > 0)
      out.host.add(std::max(error_of(ours.back().model, host.model), error_of(ours.back().context, host.context)));
  }
  return out;
}

struct PlacementAccuracy {
  std::size_t asked = 0, full_agrees = 0;
  Errors layers, context;
};
PlacementAccuracy measure_placement() {
  PlacementAccuracy out;
  for (const auto& truth : placement_truth()) {
    const auto ours = predict(truth);
    const bool full = truth.gpu_layers == -1 && truth.overrides == 0;
    if (truth.ctx == 0) {
      if (full) out.context.add(error_of(ours.context.n_ctx, truth.n_ctx));
      continue;
    }
    ++out.asked;
    if ((ours.fits() && ours.fully_on_device()) == full) ++out.full_agrees;
    if (full) continue;
    const auto want = truth.overrides == 0 ? truth.gpu_layers : static_cast<int>(truth.overrides);
    const auto got = static_cast<int>(truth.overrides == 0 ? ours.split.gpu_layers : ours.split.n_expert_overrides);
    out.layers.add(std::abs(want - got));
  }
  return out;
}

bool promise(const char* what, double value, double bound, bool at_most) {
  const bool kept = at_most ? value <= bound : value >= bound;
  if (!kept) fmt::print("short: {} is {:.4f}, promised {} {}\n", what, value, at_most ? "at most" : "at least", bound);
  return kept;
}

}  // namespace

int main(int argc, char** argv) {
  const auto memory = measure_memory();
  fmt::print(
      "Memory of the fullest-off device against llama.cpp 0.7.0 (build 11669), {} runs; host weights and cache "
      "within 1 %: {:.1f} %\n",
      memory.all.values.size(), 100 * memory.host.within(0.01));
  print_head("architecture");
  for (const auto& [name, errors] : memory.by_architecture) print(name, errors);
  print("**all**", memory.all);
  print_head("configuration");
  for (const auto& [name, errors] : memory.by_config) print(name, errors);

  const auto placement = measure_placement();
  const auto full = static_cast<double>(placement.full_agrees) / static_cast<double>(placement.asked);
  fmt::print("\n| placement against llama.cpp 0.7.0's --fit | rows | agreement |\n|---|---|---|\n");
  fmt::print("| everything fits, or not | {} | {:.1f} % |\n", placement.asked, 100 * full);
  fmt::print("| layers (or layers of experts) moved, within 1 | {} | {:.1f} % |\n", placement.layers.values.size(),
             100 * placement.layers.within(1));
  fmt::print("| longest context, within 2 % | {} | {:.1f} % |\n", placement.context.values.size(),
             100 * placement.context.within(0.02));
  if (argc < 2 || std::strcmp(argv[1], "--check") != 0) return 0;

  bool kept = promise("median error", memory.all.quantile(0.5), 0.001, true);
  kept &= promise("share within 1 %", memory.all.within(0.01), 0.98, false);
  kept &= promise("share within 3 %", memory.all.within(0.03), 0.998, false);
  kept &= promise("worst error", memory.all.worst(), 0.06, true);
  kept &= promise("host within 1 %", memory.host.within(0.01), 0.97, false);
  kept &= promise("full fit", full, 0.985, false);
  kept &= promise("layers within 1", placement.layers.within(1), 0.93, false);
  kept &= promise("context within 2 %", placement.context.within(0.02), 0.95, false);
  return kept ? 0 : 1;
}
