// What must hold of every question: no memory appears, disappears or is counted twice.
#include <algorithm>
#include <numeric>

#include "support/catch.hpp"
#include "support/sample.hpp"

using namespace willitrun;
using namespace willitrun::test;

namespace {

/// What is allocated for good. Scratch is left out: it is the peak of a graph whose pieces may share memory better in a
/// larger one, and a quantised cache is unpacked into it.
Bytes held(const Load& load) { return load.weights + load.kv_cache + load.state; }

Bytes held(const Loads& loads) {
  return std::accumulate(loads.devices.begin(), loads.devices.end(), held(loads.host),
                         [](Bytes sum, const Load& load) { return sum + held(load); });
}

Loads on_one_card(const Footprint& footprint, std::uint32_t gpu_layers) {
  const auto n = footprint.spec().n_layer;
  return distribute(footprint, make_split(n, gpu_layers, {1.0}, 0, footprint.params.offload_kqv));
}

Loads all_on_one_card(const Footprint& footprint) { return on_one_card(footprint, footprint.spec().n_layer + 1); }

int rank(VerdictCode code) { return static_cast<int>(code); }

/// Runs `body` on `count` questions of a sample.
template <class Body>
void for_each_question(std::uint32_t seed, int count, Body body) {
  Sampler sampler(seed);
  for (int i = 0; i < count; ++i) {
    auto request = sampler.question();
    request.advise = false;
    INFO(describe(request));
    body(request, sampler);
  }
}

}  // namespace

TEST_CASE("more context never needs less memory") {
  for (const auto& name : sampled_models()) {
    Sampler sampler(1);
    auto params = sampler.context();
    Bytes before = 0;
    for (params.n_ctx = 256; params.n_ctx <= 131072; params.n_ctx += params.n_ctx / 2 + 100) {
      INFO(name << " at " << params.n_ctx);
      const auto now = held(all_on_one_card(measure(catalog_model(name, "q4_k_m"), params)));
      CHECK(now >= before);
      before = now;
    }
  }
}

TEST_CASE("more context never needs less memory, scratch included, with the batch unchanged") {
  for (const auto& name : sampled_models()) {
    ContextParams params;
    Bytes before = 0;
    for (params.n_ctx = 2048; params.n_ctx <= 131072; params.n_ctx *= 2) {
      INFO(name << " at " << params.n_ctx);
      const auto load = all_on_one_card(measure(catalog_model(name, "q4_k_m"), params)).devices[0];
      CHECK(load.total() >= before);
      before = load.total();
    }
  }
}

TEST_CASE("more slots never need less memory") {
  for_each_question(2, 60, [](const CheckRequest& request, Sampler&) {
    auto params = request.context;
    Bytes before = 0;
    for (params.n_seq_max = 1; params.n_seq_max <= 16; ++params.n_seq_max) {
      INFO(params.n_seq_max << " slots of the same length");
      params.n_ctx = params.n_seq_max * 2000;
      const auto now = held(all_on_one_card(measure(request.model, params)));
      CHECK(now >= before);
      before = now;
    }
    // Of one context three slots may need more than four: each is padded to 256 cells. Doubling never needs less.
    before = 0;
    for (params.n_seq_max = 1; params.n_seq_max <= 16; params.n_seq_max *= 2) {
      INFO(params.n_seq_max << " slots of one context");
      params.n_ctx = request.context.n_ctx;
      const auto now = held(all_on_one_card(measure(request.model, params)));
      CHECK(now >= before);
      before = now;
    }
  });
}

TEST_CASE("more bits never need less memory") {
  for (const auto& name : sampled_models()) {
    Bytes before = 0;
    for (const auto* quant : {"q2_k", "q4_k_m", "q8_0", "f16"}) {
      INFO(name << ' ' << quant);
      const auto loads = all_on_one_card(measure(catalog_model(name, quant), {}));
      CHECK(loads.devices[0].weights + loads.host.weights >= before);
      before = loads.devices[0].weights + loads.host.weights;
    }
    before = 0;
    for (const auto type : {TensorType::q4_0, TensorType::q8_0, TensorType::f16, TensorType::f32}) {
      ContextParams params;
      params.type_k = params.type_v = type;
      INFO(name << " with a cache of " << info(type).name);
      const auto now = all_on_one_card(measure(catalog_model(name, "q4_k_m"), params)).devices[0].kv_cache;
      CHECK(now >= before);
      before = now;
    }
  }
}

TEST_CASE("more layers on the device never need less of it, nor more of the host") {
  for_each_question(3, 60, [](const CheckRequest& request, Sampler&) {
    const auto footprint = measure(request.model, request.context);
    Bytes device = 0, host = UINT64_MAX, all = 0;
    for (std::uint32_t n = 0; n <= footprint.spec().n_layer + 1; ++n) {
      INFO(n << " layers");
      const auto loads = on_one_card(footprint, n);
      CHECK(held(loads.devices[0]) >= device);
      CHECK(held(loads.host) <= host);
      device = held(loads.devices[0]);
      host = held(loads.host);
      all = std::max(all, held(loads));
    }
    CHECK(all <= device + host + footprint.weights().shared.host + footprint.weights().tied_output.host);
  });
}

TEST_CASE("more memory never worsens a verdict") {
  for_each_question(4, 120, [](const CheckRequest& request, Sampler& sampler) {
    auto larger = request;
    auto before = check(larger)->verdict.code;
    for (int step = 0; step < 6; ++step) {
      for (auto& device : larger.machine.devices) device.visible_bytes += (1 + sampler.below(6000)) * mib;
      INFO("step " << step << ": " << describe(larger));
      const auto now = check(larger)->verdict.code;
      CHECK(rank(now) <= rank(before));
      before = now;
    }
    if (!larger.machine.host.memory_bytes) return;
    *larger.machine.host.memory_bytes += 64 * gib;
    CHECK(rank(check(larger)->verdict.code) <= rank(before));
  });
}

TEST_CASE("parts sum to totals on every device and over all") {
  for_each_question(5, 120, [](CheckRequest& request, Sampler&) {
    request.explain = true;
    const auto report = check(request);
    REQUIRE(report);
    Bytes sum = report->host.total();
    for (const auto& load : report->devices) {
      CHECK(load.total() == load.weights + load.kv_cache + load.state + load.compute + load.tables + load.overhead);
      sum += load.total();
    }
    CHECK(report->total_bytes() == sum);
    CHECK(report->devices.size() == request.machine.devices.size());
    for (const auto& breakdown : report->breakdowns) {
      INFO(breakdown.title);
      CHECK(breakdown.total == std::accumulate(breakdown.parts.begin(), breakdown.parts.end(), Bytes{0},
                                               [](Bytes s, const Part& part) { return s + part.bytes; }));
    }
  });
}

TEST_CASE("wherever layers lie, their cache and weights are there exactly once") {
  for_each_question(6, 120, [](const CheckRequest& request, Sampler&) {
    if (request.machine.unified()) return;
    const auto footprint = measure(request.model, request.context);
    const auto placement = solve_placement(footprint, request.machine, request.placement);
    Bytes cache = placement.host.kv_cache + placement.host.state;
    Bytes weights = placement.host.weights;
    for (const auto& load : placement.devices) {
      cache += load.kv_cache + load.state;
      weights += load.weights;
    }
    Bytes least = 0, most = 0;
    for (const auto& layer : footprint.caches) {
      least += std::min(layer.kv_device, layer.kv_host) + std::min(layer.state_device, layer.state_host);
      most += std::max(layer.kv_device, layer.kv_host) + std::max(layer.state_device, layer.state_host);
    }
    CHECK(cache >= least);
    CHECK(cache <= most);
    const auto& table = footprint.weights();
    Bytes loaded = table.input.file + table.output.file;
    for (const auto& layer : table.layers) loaded += layer.total().file;
    const auto copies = placement.devices.size() + 1;
    CHECK(weights >= loaded);
    const auto doubled = table.tied_output.host + copies * table.shared.host;
    CHECK(weights <= (loaded + doubled) / 100 * 101);
  });
}

TEST_CASE("a shared pool is counted once") {
  for_each_question(7, 80, [](CheckRequest& request, Sampler& sampler) {
    request.machine = sampler.shared_pool();
    request.placement = {};
    request.placement.gpu_layers = UINT32_MAX;
    const auto pooled = check(request);
    REQUIRE(pooled);
    REQUIRE(pooled->devices.size() == 1);
    CHECK(pooled->host.total() == 0);
    auto apart = request;
    apart.machine.devices[0].spec.kind = DeviceKind::discrete;
    const auto discrete = check(apart);
    REQUIRE(discrete);
    // A device pads the input table's rows where system memory does not.
    const auto& input = request.model->weights.input;
    CHECK(pooled->total_bytes() <= discrete->total_bytes() + input.device - std::min(input.device, input.host));
  });
}

TEST_CASE("of a shared pool the GPU's limit binds its own part, and what the system leaves binds all") {
  int spilled = 0;
  for_each_question(9, 200, [&](CheckRequest& request, Sampler& sampler) {
    request.machine = sampler.shared_pool();
    request.placement = {};
    const auto& device = request.machine.devices[0];
    const auto footprint = measure(request.model, request.context);
    const auto placement = solve_placement(footprint, request.machine, request.placement);
    const auto total = placement.devices[0].total();
    CHECK(placement.host.total() == 0);
    if (!placement.fits()) return;
    CHECK(total - placement.beside_gpu <= device.usable_bytes());
    CHECK(total <= device.usable_pool());
    spilled += !placement.fully_on_device();
    // What a card of the limit's size and system memory of the rest's hold, the pool holds too.
    auto wider = request.machine;
    wider.devices[0].visible_bytes = std::max(device.visible_bytes, device.pool_bytes);
    CHECK(solve_placement(footprint, wider, {}).fits());
  });
  CHECK(spilled > 10);
}

TEST_CASE("what is said to fit is within usable memory everywhere") {
  int solved = 0;
  for_each_question(8, 200, [&](const CheckRequest& request, Sampler&) {
    const auto report = check(request);
    REQUIRE(report);
    if (report->verdict.code == VerdictCode::wont_run) return;
    ++solved;
    for (std::size_t i = 0; i < report->devices.size(); ++i) {
      CHECK(report->devices[i].total() <= report->usable[i]);
      CHECK(report->usable[i] <= request.machine.devices[i].usable_pool());
      const auto left = report->usable[i] - report->devices[i].total();
      if (report->verdict.code == VerdictCode::fits && report->devices[i].total() > 0)
        CHECK(left >= recommended_headroom);
    }
    if (const auto usable = request.machine.host.usable_bytes()) CHECK(report->host.total() <= *usable);
  });
  CHECK(solved > 60);
}
