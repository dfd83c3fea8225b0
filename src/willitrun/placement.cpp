#include "willitrun/placement.hpp"

#include <algorithm>
#include <numeric>

namespace willitrun {
namespace {

/// Tries splits of one footprint on one machine; the free-memory shares are computed once.
class Solver {
 public:
  Solver(const Footprint& footprint, const Machine& machine, const PlacementOptions& options)
      : footprint_(footprint), machine_(machine), options_(options), shares_(options.tensor_split) {
    if (shares_.empty())
      for (const auto& device : machine.devices) shares_.push_back(static_cast<double>(device.visible_bytes));
    if (options.split_mode == SplitMode::none)
      for (std::size_t i = 1; i < shares_.size(); ++i) shares_[i] = 0;
  }

  [[nodiscard]] std::uint32_t all_layers() const { return footprint_.spec().n_layer + 1; }

  [[nodiscard]] Placement at(std::uint32_t gpu_layers, std::uint32_t cpu_moe_layers) const {
    return with_shares(gpu_layers, cpu_moe_layers, shares_);
  }

  [[nodiscard]] Placement with_shares(std::uint32_t gpu_layers, std::uint32_t cpu_moe_layers,
                                      const std::vector<double>& shares) const {
    const auto split =
        make_split(footprint_.spec().n_layer, gpu_layers, shares, cpu_moe_layers, footprint_.params.offload_kqv);
    auto placement = place(footprint_, machine_, split);
    placement.cpu_moe_layers = cpu_moe_layers;
    return placement;
  }

 private:
  const Footprint& footprint_;
  const Machine& machine_;
  const PlacementOptions& options_;
  std::vector<double> shares_;
};

/// Smallest n in [low, high] for which `accept` holds, given that it holds from some n on; high + 1 if it never does.
template <class Accept>
std::uint32_t first_that(std::uint32_t low, std::uint32_t high, Accept accept) {
  auto end = high + 1;
  while (low < end) {
    const auto middle = low + (end - low) / 2;
    if (accept(middle))
      end = middle;
    else
      low = middle + 1;
  }
  return low;
}

/// Largest n in [0, high] that is accepted, given that 0 is and that acceptance ends once.
template <class Accept>
std::uint32_t last_that(std::uint32_t high, Accept accept) {
  return first_that(1, high, [&](std::uint32_t n) { return !accept(n); }) - 1;
}

}  // namespace

bool Placement::fully_on_device() const {
  const bool layers = !devices.empty() &&
                      std::none_of(split.layer_device.begin(), split.layer_device.end(), [](auto d) { return d < 0; });
  return layers && cpu_moe_layers == 0 && split.kv_on_device;
}

Bytes Placement::total() const {
  return std::accumulate(devices.begin(), devices.end(), host.total(),
                         [](Bytes sum, const Load& load) { return sum + load.total(); });
}

Placement place(const Footprint& footprint, const Machine& machine, const Split& split) {
  Placement placement;
  placement.split = split;
  placement.context = footprint.context;
  auto loads = distribute(footprint, split, machine.unified());
  placement.devices = std::move(loads.devices);
  placement.host = loads.host;
  for (std::size_t i = 0; i < placement.devices.size(); ++i) {
    auto& load = placement.devices[i];
    // A device that holds nothing is not opened.
    if (load.total() > 0) load.overhead = machine.devices[i].overhead_bytes;
    placement.devices_fit = placement.devices_fit && load.total() <= machine.devices[i].usable_bytes();
  }
  if (const auto usable = machine.host.usable_bytes()) placement.host_fits = placement.host.total() <= *usable;
  return placement;
}

Placement solve_placement(const Footprint& footprint, const Machine& machine, const PlacementOptions& options) {
  const Solver solver(footprint, machine, options);
  const auto all = solver.all_layers();
  const auto moe = options.cpu_moe_layers;
  if (machine.devices.empty()) return solver.at(0, 0);
  if (options.gpu_layers) return solver.at(std::min(*options.gpu_layers, all), moe.value_or(0));

  auto full = solver.at(all, moe.value_or(0));
  if (full.devices_fit || machine.unified()) return full;
  const auto& spec = footprint.spec();
  if (spec.is_moe() && !moe) {
    const auto lead = std::min(spec.n_layer_dense_lead, spec.n_layer);
    const auto n = first_that(lead + 1, spec.n_layer, [&](std::uint32_t k) { return solver.at(all, k).devices_fit; });
    if (n <= spec.n_layer) return solver.at(all, n);
    const auto layers = last_that(all, [&](std::uint32_t k) { return solver.at(k, spec.n_layer).devices_fit; });
    return solver.at(layers, spec.n_layer);
  }
  const auto layers = last_that(all, [&](std::uint32_t k) { return solver.at(k, moe.value_or(0)).devices_fit; });
  return solver.at(layers, moe.value_or(0));
}

LongestContext longest_context(const Footprint& footprint, const Machine& machine, const PlacementOptions& options,
                               std::uint32_t limit) {
  const auto solved = [&](std::uint32_t steps) {
    auto params = footprint.params;
    params.n_ctx = steps * 256;
    return solve_placement(measure(footprint.weighed, params), machine, options);
  };
  const auto steps = std::max(limit / 256, 1U);
  LongestContext longest;
  longest.on_device = 256 * last_that(steps, [&](std::uint32_t n) {
                        const auto p = solved(n);
                        return p.fits() && p.fully_on_device();
                      });
  longest.anywhere = longest.on_device == steps * 256
                         ? longest.on_device
                         : 256 * last_that(steps, [&](std::uint32_t n) { return solved(n).fits(); });
  return longest;
}

std::uint32_t chosen_context(const Footprint& footprint, const Machine& machine, const PlacementOptions& options) {
  constexpr std::uint32_t shortest = 4096;  // llama.cpp's --fit-ctx default
  const auto own = footprint.spec().n_ctx_train;
  if (own <= shortest) return own == 0 ? shortest : own;
  const auto longest = longest_context(footprint, machine, options, own);
  return std::max(longest.on_device != 0 ? longest.on_device : std::min(longest.anywhere, shortest), shortest);
}

}  // namespace willitrun
