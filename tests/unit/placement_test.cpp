// What lies where, for splits small enough to count.
#include "willitrun/placement.hpp"

#include <algorithm>

#include "support/catch.hpp"
#include "support/truth.hpp"

using namespace willitrun;
using test::catalog_model;

namespace {

Machine cards(const std::vector<Bytes>& memory) {
  Machine machine;
  for (const auto bytes : memory) {
    Device device;
    device.memory_bytes = device.visible_bytes = bytes;
    device.overhead_bytes = 100 * mib;
    machine.devices.push_back(device);
  }
  return machine;
}

Footprint llama(std::uint32_t n_ctx = 8192) {
  ContextParams params;
  params.n_ctx = n_ctx;
  return measure(catalog_model("llama3.1-8b", "q4_k_m"), params);
}

std::ptrdiff_t layers_on(const Placement& placement, std::int32_t device) {
  return std::count(placement.split.layer_device.begin(), placement.split.layer_device.end(), device);
}

}  // namespace

TEST_CASE("everything goes on a card that holds it") {
  const auto placement = solve_placement(llama(), cards({24 * gib}), {});
  CHECK(placement.fits());
  CHECK(placement.fully_on_device());
  CHECK(placement.split.gpu_layers == 33);
  CHECK(placement.devices[0].kv_cache == gib);
  CHECK(placement.devices[0].overhead == 100 * mib);
  CHECK(placement.host.kv_cache == 0);
  CHECK(placement.slack[0] == static_cast<std::int64_t>(24 * gib - placement.devices[0].total()));
}

TEST_CASE("what a shared pool's GPU may not have, the processor takes") {
  auto machine = cards({4 * gib});
  machine.devices[0].spec.kind = DeviceKind::unified;
  machine.devices[0].pool_bytes = 7 * gib;
  const auto beside = solve_placement(llama(), cards({4 * gib}), {});
  const auto placement = solve_placement(llama(), machine, {});
  CHECK(placement.fits());
  CHECK(placement.split.gpu_layers == beside.split.gpu_layers);
  CHECK(placement.host.total() == 0);
  CHECK(placement.devices[0].total() == beside.total());
  CHECK(placement.beside_gpu == beside.host.total());
  CHECK(placement.usable[0] == 7 * gib);
  machine.devices[0].pool_bytes = 5 * gib;
  CHECK_FALSE(solve_placement(llama(), machine, {}).fits());
  PlacementOptions on_processor;
  on_processor.gpu_layers = 0;
  machine.devices[0].pool_bytes = 7 * gib;
  CHECK(solve_placement(llama(), machine, on_processor).fits());
}

TEST_CASE("a shared pool whose GPU may have all holds no more for that") {
  auto machine = cards({12 * gib});
  machine.devices[0].spec.kind = DeviceKind::unified;
  const auto placement = solve_placement(llama(), machine, {});
  CHECK(placement.fully_on_device());
  CHECK(placement.beside_gpu > 0);
  CHECK(placement.usable[0] == 12 * gib);
}

TEST_CASE("a smaller card takes as many whole layers as fit") {
  const auto machine = cards({4 * gib});
  const auto placement = solve_placement(llama(), machine, {});
  CHECK(placement.fits());
  CHECK_FALSE(placement.fully_on_device());
  REQUIRE(placement.split.gpu_layers > 0);
  REQUIRE(placement.split.gpu_layers < 33);
  PlacementOptions one_more;
  one_more.gpu_layers = placement.split.gpu_layers + 1;
  CHECK_FALSE(solve_placement(llama(), machine, one_more).devices_fit);
  CHECK(placement.host.kv_cache + placement.devices[0].kv_cache == gib);
}

TEST_CASE("of an expert model the experts leave first") {
  const auto model = measure(catalog_model("qwen3-30b-a3b", "q4_k_m"), {});
  const auto placement = solve_placement(model, cards({8 * gib}), {});
  CHECK(placement.fits());
  CHECK(placement.split.gpu_layers == 49);
  CHECK(placement.n_hosted_experts > 0);
  CHECK(placement.n_hosted_experts < 48);
  CHECK_FALSE(placement.fully_on_device());
  CHECK(placement.host.kv_cache == 0);
}

TEST_CASE("layers asked for are the last ones") {
  PlacementOptions options;
  options.gpu_layers = 10;
  const auto placement = solve_placement(llama(), cards({24 * gib}), options);
  CHECK(placement.split.layer_device[22] == -1);
  CHECK(placement.split.layer_device[23] == 0);
  CHECK(layers_on(placement, 0) == 10);
  options.gpu_layers = 1000;
  CHECK(solve_placement(llama(), cards({24 * gib}), options).split.gpu_layers == 33);
}

TEST_CASE("experts asked for on the host are the first ones") {
  PlacementOptions options;
  options.cpu_moe_layers = 7;
  const auto model = measure(catalog_model("qwen3-30b-a3b", "q4_k_m"), {});
  const auto placement = solve_placement(model, cards({80 * gib}), options);
  CHECK(placement.n_hosted_experts == 7);
  CHECK(placement.split.experts_host(6));
  CHECK_FALSE(placement.split.experts_host(7));
}

TEST_CASE("layers are shared as asked, and by memory when not") {
  PlacementOptions options;
  options.tensor_split = {3, 1};
  const auto asked = solve_placement(llama(), cards({24 * gib, 24 * gib}), options);
  CHECK(layers_on(asked, 0) == 25);
  CHECK(layers_on(asked, 1) == 8);
  const auto even = solve_placement(llama(), cards({24 * gib, 24 * gib}), {});
  CHECK(layers_on(even, 0) == 17);
  CHECK(layers_on(even, 1) == 16);
}

TEST_CASE("without a split only the first card is opened") {
  PlacementOptions options;
  options.split_mode = SplitMode::none;
  const auto placement = solve_placement(llama(), cards({24 * gib, 24 * gib}), options);
  CHECK(layers_on(placement, 0) == 33);
  CHECK(placement.devices[1].total() == 0);
}

TEST_CASE("a shared pool holds everything once") {
  auto machine = cards({32 * gib});
  machine.devices[0].spec.kind = DeviceKind::unified;
  const auto pooled = solve_placement(llama(), machine, {});
  CHECK(pooled.host.total() == 0);
  const auto& table = llama().weights();
  Bytes weights = table.input.device + table.output.device + table.shared.device;
  for (const auto& layer : table.layers) weights += layer.total().device;
  CHECK(pooled.devices[0].weights == weights);
  CHECK(pooled.devices[0].kv_cache == gib);
}

TEST_CASE("a cache kept off the card is on the host") {
  auto model = llama();
  model.params.offload_kqv = false;
  const auto placement = solve_placement(model, cards({24 * gib}), {});
  CHECK(placement.host.kv_cache == gib);
  CHECK(placement.devices[0].kv_cache == 0);
  CHECK_FALSE(placement.fully_on_device());
}

TEST_CASE("without a card everything is on the host") {
  auto machine = cards({});
  machine.host.memory_bytes = 16 * gib;
  const auto placement = solve_placement(llama(), machine, {});
  CHECK(placement.devices.empty());
  CHECK(placement.fits());
  CHECK_FALSE(placement.fully_on_device());
  CHECK(placement.total() == placement.host.total());
  machine.host.memory_bytes = 4 * gib;
  CHECK_FALSE(solve_placement(llama(), machine, {}).fits());
}

TEST_CASE("the longest context is the model's own where there is room") {
  CHECK(longest_context(llama(), cards({80 * gib}), {}, 131072).on_device == 131072);
  CHECK(longest_context(llama(), cards({2 * gib}), {}, 131072).on_device == 0);
  CHECK(longest_context(llama(), cards({2 * gib}), {}, 131072).anywhere == 131072);
  CHECK(chosen_context(llama(), cards({80 * gib}), {}) == 131072);
  CHECK(chosen_context(llama(), cards({2 * gib}), {}) == 4096);
}

TEST_CASE("a pipeline's stages are even, and the last is the first to have less") {
  const auto layers = [](std::uint32_t n, std::uint32_t n_device) {
    std::vector<std::ptrdiff_t> out;
    const auto split = make_staged_split(n, n, n_device, true);
    for (std::uint32_t d = 0; d < n_device; ++d)
      out.push_back(std::count(split.layer_device.begin(), split.layer_device.end() - 1, static_cast<std::int32_t>(d)));
    CHECK(split.layer_device.back() == static_cast<std::int32_t>(n_device) - 1);
    return out;
  };
  CHECK(layers(32, 2) == std::vector<std::ptrdiff_t>{16, 16});
  CHECK(layers(33, 2) == std::vector<std::ptrdiff_t>{17, 16});
  CHECK(layers(62, 4) == std::vector<std::ptrdiff_t>{15, 16, 16, 15});
}

TEST_CASE("vLLM slices a model whose heads divide, and else lines its layers up") {
  const auto footprint = llama();
  CHECK(undivided_part(footprint.weighed->model, 4).empty());
  CHECK(undivided_part(footprint.weighed->model, 3) == "32 attention heads");
  CHECK(undivided_part(footprint.weighed->model, 16).empty());  // 8 key heads, each on two
  const auto experts = catalog_model("qwen3-235b-a22b-2507", "fp8-block");
  CHECK(undivided_part(experts->model, 4).empty());
  CHECK(undivided_part(experts->model, 8) == "1536 rows of an expert in blocks of 128");
  PlacementOptions options;
  options.split_mode = SplitMode::parallel;
  const auto two = solve_placement(footprint, cards({24 * gib, 24 * gib}), options);
  CHECK(two.split.sharded);
  CHECK(two.devices[0].weights == two.devices[1].weights);
  CHECK(two.devices[0].kv_cache == llama().params.n_ctx * Bytes{32 * 2 * 4 * 128 * 2});
  const auto three = solve_placement(footprint, cards({24 * gib, 24 * gib, 24 * gib}), options);
  CHECK_FALSE(three.split.sliced());
  CHECK(layers_on(three, 1) == 11);
}

TEST_CASE("the smallest of unequal cards binds an even split") {
  PlacementOptions options;
  options.split_mode = SplitMode::parallel;
  options.gpu_layers = 99;
  CHECK(solve_placement(llama(), cards({4 * gib, 4 * gib}), options).fits());
  CHECK_FALSE(solve_placement(llama(), cards({24 * gib, 2 * gib}), options).fits());
}
