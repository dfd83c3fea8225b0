// --split-mode tensor: every device holds its slice of every layer.
#include "support/catch.hpp"
#include "support/sample.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/placement.hpp"
#include "willitrun/quant.hpp"

using namespace willitrun;

namespace {

Footprint footprint_of(const std::string& name, const ContextParams& params = {}) {
  auto model = model_from_entry(find_model(name)->entry);
  REQUIRE(model);
  apply_quant(*find_quant("q4_k_m"), model->spec, model->tensors);
  return measure(weigh_model(std::move(*model)), params);
}

Machine cards(std::size_t count, Bytes memory) {
  Machine machine;
  Device device;
  device.memory_bytes = device.visible_bytes = memory;
  machine.devices.assign(count, device);
  return machine;
}

PlacementOptions sliced() {
  PlacementOptions options;
  options.split_mode = SplitMode::tensor;
  return options;
}

}  // namespace

TEST_CASE("slices of weights and cache make up the whole") {
  for (const auto& name : test::sampled_models()) {
    const auto footprint = footprint_of(name);
    if (!can_be_sliced(footprint.spec()) || !footprint.spec().keeps_cache) continue;
    CAPTURE(name);
    const auto n_layer = footprint.spec().n_layer;
    const auto whole = distribute_stored(footprint, make_split(n_layer, n_layer + 1, {1.0}, 0, true));
    for (const std::size_t n : {2, 3, 5}) {
      const auto parts =
          distribute_stored(footprint, make_sliced_split(n_layer, n_layer + 1, std::vector<double>(n), 0, true));
      CHECK(parts.host.total() == whole.host.total());
      Bytes weights = 0, cache = 0;
      for (const auto& part : parts.devices) {
        CHECK(part.weights <= whole.devices[0].weights);
        weights += part.weights, cache += part.kv_cache;
      }
      // What cannot be cut is there once per device.
      CHECK(weights >= whole.devices[0].weights);
      CHECK(cache >= whole.devices[0].kv_cache);
    }
  }
}

TEST_CASE("two equal slices of Llama 3.1 8B are halves, norms and rope factors aside") {
  const auto footprint = footprint_of("llama3.1-8b");
  const auto parts = distribute_stored(footprint, make_sliced_split(32, 33, {0, 0}, 0, true));
  CHECK(parts.devices[0].weights == parts.devices[1].weights);
  CHECK(parts.devices[0].kv_cache == 512 * mib);
  // 65 norms of 4096 and the rope factors are on both.
  const auto whole = distribute_stored(footprint, make_split(32, 33, {1.0}, 0, true));
  CHECK(2 * parts.devices[0].weights - whole.devices[0].weights == 65 * 4096 * 4 + 256);
}

TEST_CASE("shares of slices follow --tensor-split") {
  auto options = sliced();
  options.tensor_split = {3, 1};
  const auto placement = solve_placement(footprint_of("llama3.1-8b"), cards(2, 24 * gib), options);
  REQUIRE(placement.split.sliced());
  CHECK(placement.devices[0].kv_cache == 3 * placement.devices[1].kv_cache);
  CHECK(placement.fully_on_device());
}

TEST_CASE("a model too large for two cards' slices gives up experts first, layers else") {
  const auto experts = solve_placement(footprint_of("qwen3-30b-a3b"), cards(2, 8 * gib), sliced());
  CHECK(experts.devices_fit);
  CHECK(experts.n_hosted_experts > 0);
  CHECK(experts.split.gpu_layers == 49);
  const auto layers = solve_placement(footprint_of("llama3.1-70b"), cards(2, 16 * gib), sliced());
  CHECK(layers.devices_fit);
  CHECK(layers.split.gpu_layers > 30);
  CHECK(layers.split.gpu_layers < 81);
  auto more = sliced();
  more.gpu_layers = layers.split.gpu_layers + 1;
  CHECK_FALSE(solve_placement(footprint_of("llama3.1-70b"), cards(2, 16 * gib), more).devices_fit);
}

TEST_CASE("one card has nothing to share") {
  const auto footprint = footprint_of("llama3.2-1b");
  const auto machine = cards(1, 8 * gib);
  CHECK(solve_placement(footprint, machine, sliced()).total() == solve_placement(footprint, machine, {}).total());
}

TEST_CASE("architectures llama.cpp does not slice are known") {
  CHECK(can_be_sliced(footprint_of("llama3.1-8b").spec()));
  CHECK_FALSE(can_be_sliced(footprint_of("deepseek-r1").spec()));
  CHECK_FALSE(can_be_sliced(footprint_of("olmo2-7b").spec()));
}
