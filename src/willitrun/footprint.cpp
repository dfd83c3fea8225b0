#include "willitrun/footprint.hpp"

#include <algorithm>
#include <utility>

#include "willitrun/sliced_model.hpp"

namespace willitrun {
namespace {

/// Adds bytes to a device's load, or to the host's when `device` is -1.
struct Distributor {
  Loads& loads;

  Load& at(std::int32_t device) { return device < 0 ? loads.host : loads.devices[static_cast<std::size_t>(device)]; }
  void weights(std::int32_t device, const WeightBytes& bytes) {
    at(device).weights += device < 0 ? bytes.host : bytes.device;
  }
};

std::int32_t input_device(const Footprint& footprint, const Split& split) {
  return footprint.params.input_on_device ? split.layer_device.front() : -1;
}

/// Whether a tied embedding is loaded a second time, as the output.
bool output_copied(const Footprint& footprint, const Split& split) {
  return split.layer_device.back() != input_device(footprint, split) || footprint.spec().tied_twice_on_host;
}

void add_weights(const Footprint& footprint, const WeightTable& weights, const Split& split, Distributor& to) {
  const auto n_trunk = footprint.spec().n_layer_trunk();
  const auto last = split.layer_device.back();
  to.weights(input_device(footprint, split), weights.input);
  to.weights(last, weights.output);
  if (output_copied(footprint, split)) to.weights(last, weights.tied_output);
  for (std::uint32_t il = 0; il < n_trunk; ++il) {
    to.weights(split.layer_device[il], weights.layers[il].dense);
    to.weights(split.experts_host(il) ? -1 : split.layer_device[il], weights.layers[il].experts);
  }
  // A copy for every place that holds a layer.
  for (std::int32_t device = -1; device < static_cast<std::int32_t>(split.n_device); ++device) {
    const auto end = split.layer_device.begin() + n_trunk;
    if (std::find(split.layer_device.begin(), end, device) != end) to.weights(device, weights.shared);
  }
}

void add_caches(const std::vector<LayerCache>& caches, const Split& split, Distributor& to) {
  for (std::size_t il = 0; il < caches.size(); ++il) {
    const auto& cache = caches[il];
    const auto device = split.kv_on_device ? split.layer_device[il] : -1;
    to.at(device).kv_cache += device < 0 ? cache.kv_host : cache.kv_device;
    to.at(device).state += device < 0 ? cache.state_host : cache.state_device;
  }
}

/// Every device holds its slice of what the first one stands for.
void add_slices(const Footprint& footprint, const Split& split, Loads& loads) {
  const auto sliced = footprint.weighed->slices->cut(footprint.weighed->model, split.slices, split.sharded);
  for (std::size_t device = 0; device < split.slices.size(); ++device) {
    const auto caches = layer_caches(
        footprint.spec(), footprint.params, footprint.context,
        [&](CacheRow part, std::uint32_t il, std::uint64_t row) { return sliced->slices.of(part, il, row, device); });
    Loads own;
    own.devices.resize(split.n_device);
    Distributor to{own};
    add_weights(footprint, sliced->weights[device], split, to);
    add_caches(caches, split, to);
    loads.devices[device] = own.devices[0];
  }
}

}  // namespace

Load& Load::operator+=(const Load& other) {
  weights += other.weights;
  kv_cache += other.kv_cache;
  state += other.state;
  compute += other.compute;
  tables += other.tables;
  overhead += other.overhead;
  return *this;
}

std::shared_ptr<const WeighedModel> weigh_model(Model model) {
  auto weights = weigh(model);
  ComputePlan compute(model.spec, model.tensors);
  return std::make_shared<const WeighedModel>(
      WeighedModel{std::move(model), std::move(weights), std::move(compute), std::make_shared<SliceMemo>()});
}

Footprint measure(std::shared_ptr<const WeighedModel> model, const ContextParams& params) {
  Footprint footprint{std::move(model), params, {}, {}};
  footprint.context = resolve_context(footprint.spec(), params);
  footprint.caches = layer_caches(footprint.spec(), params, footprint.context);
  return footprint;
}

Loads distribute_stored(const Footprint& footprint, const Split& split) {
  Loads loads;
  loads.devices.resize(split.n_device);
  Distributor to{loads};
  add_weights(footprint, footprint.weights(), split, to);
  add_caches(footprint.caches, split, to);
  if (split.sliced()) add_slices(footprint, split, loads);
  return loads;
}

Loads distribute(const Footprint& footprint, const Split& split) {
  auto loads = distribute_stored(footprint, split);
  if (!footprint.params.served) {
    const auto compute = footprint.weighed->compute.evaluate(footprint.params, footprint.context, split);
    for (std::size_t i = 0; i < split.n_device; ++i) loads.devices[i].compute = compute.devices[i];
    loads.host.compute = compute.host;
  }
  return loads;
}

Bytes counted_twice(const Footprint& footprint, const Split& split) {
  if (!footprint.params.use_mmap || !output_copied(footprint, split)) return 0;
  const auto& copy = footprint.weights().tied_output;
  return split.layer_device.back() < 0 ? copy.host : copy.device;
}

}  // namespace willitrun
