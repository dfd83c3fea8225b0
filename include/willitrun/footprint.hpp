// Everything a model needs for one context, before it is decided where it lies.
#pragma once

#include <memory>
#include <vector>

#include "willitrun/compute.hpp"
#include "willitrun/kv_cache.hpp"
#include "willitrun/model.hpp"
#include "willitrun/split.hpp"
#include "willitrun/weights.hpp"

namespace willitrun {

class SliceMemo;

/// A model at one quant with its weights summed; shared by every context and placement tried on it.
struct WeighedModel {
  Model model;
  WeightTable weights;
  ComputePlan compute;
  std::shared_ptr<SliceMemo> slices;  ///< filled as slices are asked for
};
[[nodiscard]] std::shared_ptr<const WeighedModel> weigh_model(Model model);

struct Footprint {
  std::shared_ptr<const WeighedModel> weighed;
  ContextParams params;
  ResolvedContext context;
  std::vector<LayerCache> caches;

  [[nodiscard]] const ModelSpec& spec() const { return weighed->model.spec; }
  [[nodiscard]] const WeightTable& weights() const { return weighed->weights; }
};
[[nodiscard]] Footprint measure(std::shared_ptr<const WeighedModel> model, const ContextParams& params);

/// Bytes on one device or on the host.
struct Load {
  Bytes weights = 0, kv_cache = 0, state = 0, compute = 0, tables = 0, overhead = 0;
  [[nodiscard]] Bytes total() const { return weights + kv_cache + state + compute + tables + overhead; }
  Load& operator+=(const Load& other);
  bool operator==(const Load& other) const = default;
};

struct Loads {
  std::vector<Load> devices;
  Load host;
};

/// Weights, cache and state alone, which take no replay of the graph: a lower bound of what distribute() says of a
/// device.
[[nodiscard]] Loads distribute_stored(const Footprint& footprint, const Split& split);

/// What lies where for a given split of layers. vLLM's scratch, which depends on the machine, is not in it.
[[nodiscard]] Loads distribute(const Footprint& footprint, const Split& split);

/// Of what distribute() counts, bytes that one mapped file backs for host and device alike: a tied embedding.
[[nodiscard]] Bytes counted_twice(const Footprint& footprint, const Split& split);

}  // namespace willitrun
