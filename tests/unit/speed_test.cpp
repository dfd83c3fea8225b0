// What physics forbids, over devices of every backend and models of every kind.
#include "willitrun/speed.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "support/catch.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/machine.hpp"
#include "willitrun/quant.hpp"
#include "willitrun/speed_calibration.hpp"

using namespace willitrun;

namespace {

const std::vector<std::string> devices{"rtx3060-12gb", "rtx4090",   "rtx5090",         "gtx1070",       "p40",
                                       "h100-sxm",     "rx7900xtx", "arc-b580",        "m1-pro-16core", "m4-max-40core",
                                       "dgx-spark",    "rx6600",    "ryzen-ai-max-395"};
const std::vector<std::string> models{"llama3.2-1b", "llama3.1-8b", "qwen3-30b-a3b", "gemma3-4b", "qwen3.5-9b"};

std::shared_ptr<const WeighedModel> model_at(const std::string& name, const std::string& quant) {
  static std::map<std::string, std::shared_ptr<const WeighedModel>> known;
  auto& slot = known[name + quant];
  if (slot) return slot;
  const auto found = find_model(name);
  REQUIRE(found.has_value());
  auto model = model_from_entry(found->entry);
  REQUIRE(model.has_value());
  const auto preset = find_quant(quant);
  REQUIRE(preset.has_value());
  apply_quant(*preset, model->spec, model->tensors);
  return slot = weigh_model(std::move(*model));
}

struct Setup {
  std::string device, model = "llama3.1-8b", quant = "q4_k_m";
  std::optional<double> bandwidth = {};
  std::uint32_t depth = 0, gpu_layers = UINT32_MAX, cpu_moe_layers = 0, parallel = 1, count = 1;
  Engine engine = Engine::llama_cpp;
  bool kv_offload = true;
  std::vector<double> slices = {};
};

struct Answer {
  SpeedEstimate speed;
  Footprint footprint;
  Machine machine;
};

Answer ask(const Setup& s) {
  MachineRequest request;
  const auto device = find_device(s.device);
  REQUIRE(device.has_value());
  request.devices.assign(s.count, device->entry);
  request.bandwidth_gb_s = s.bandwidth;
  auto machine = assemble_machine(request);
  ContextParams params;
  params.n_ctx = std::max(8192U, s.depth + 1024) * s.parallel;
  params.n_seq_max = s.parallel;
  params.offload_kqv = s.kv_offload;
  auto footprint = measure(model_at(s.model, s.quant), params);
  PlacementOptions options;
  options.gpu_layers = s.gpu_layers;
  options.cpu_moe_layers = s.cpu_moe_layers;
  SpeedRequest speed;
  speed.depth = s.depth;
  speed.engine = s.engine;
  auto placement = solve_placement(footprint, machine, options);
  placement.split.slices = s.slices;
  auto estimate = estimate_speed(footprint, placement, machine, speed);
  return {std::move(estimate), std::move(footprint), std::move(machine)};
}

double decode(const Setup& s) {
  const auto answer = ask(s);
  CAPTURE(s.device, s.model, s.quant);
  REQUIRE(answer.speed.decode_tokens_per_s);
  return answer.speed.decode_tokens_per_s->mid;
}

double prefill(const Setup& s) {
  const auto answer = ask(s);
  REQUIRE(answer.speed.prefill_tokens_per_s);
  return answer.speed.prefill_tokens_per_s->mid;
}

}  // namespace

TEST_CASE("no estimate is above the roofline, and ranges are ordered") {
  for (const auto& device : devices)
    for (const auto& model : models)
      for (const auto* quant : {"q4_k_m", "q8_0", "f16"}) {
        const auto answer = ask({device, model, quant});
        CAPTURE(device, model, quant);
        REQUIRE(answer.speed.decode_tokens_per_s);
        REQUIRE(answer.speed.prefill_tokens_per_s);
        REQUIRE(answer.speed.limited_by);
        const auto& range = *answer.speed.decode_tokens_per_s;
        const double bytes = static_cast<double>(answer.footprint.weights().active_bytes);
        CHECK(range.high * bytes <= 1.001e9 * *answer.machine.devices[0].spec.bandwidth_gb_s);
        CHECK(range.low <= range.mid);
        CHECK(range.mid <= range.high);
        CHECK(answer.speed.time_to_first_token_s->mid > 0);
      }
}

TEST_CASE("more bandwidth is never slower") {
  for (const auto& device : devices)
    for (const auto& model : models) {
      double last = 0;
      for (const double bandwidth : {50.0, 100.0, 400.0, 1000.0, 4000.0}) {
        const double speed = decode({device, model, "q4_k_m", bandwidth});
        CHECK(speed >= last);
        last = speed;
      }
    }
}

TEST_CASE("a smaller quant of one family is never slower than 0.9 of a larger") {
  const std::vector<std::vector<std::string>> families{
      {"q4_k_s", "q4_k_m", "q5_k_m", "q6_k"}, {"q4_0", "q5_0", "q8_0"}, {"q8_0", "f16"}, {"iq3_s", "iq4_xs"}};
  for (const auto& device : devices)
    for (const auto& model : models)
      for (const auto& family : families)
        for (std::size_t i = 1; i < family.size(); ++i) {
          CAPTURE(device, model, family[i - 1], family[i]);
          CHECK(decode({device, model, family[i - 1]}) >= 0.9 * decode({device, model, family[i]}));
        }
}

TEST_CASE("deeper context is never faster") {
  for (const auto& device : devices)
    for (const auto& model : models) {
      double last = 1e9;
      for (const std::uint32_t depth : {0U, 1000U, 8000U, 32000U}) {
        const double speed = decode({device, model, "q4_k_m", {}, depth});
        CHECK(speed <= last);
        last = speed;
      }
    }
}

TEST_CASE("spilled is never faster than resident") {
  for (const auto& device : devices) {
    const auto info = find_device(device);
    if (info->entry.kind == DeviceKind::unified) continue;
    for (const auto& model : models) {
      Setup setup{device, model};
      double last = decode(setup);
      const double read_at_once = prefill(setup);
      for (const std::uint32_t layers : {16U, 8U, 0U}) {
        setup.gpu_layers = layers;
        CAPTURE(device, model, layers);
        const double spilled = decode(setup);
        CHECK(spilled <= last * 1.0001);
        CHECK(prefill(setup) <= read_at_once * 1.0001);
        last = spilled;
      }
    }
    Setup experts{device, "qwen3-30b-a3b"};
    const double resident = decode(experts);
    experts.cpu_moe_layers = 48;
    CHECK(decode(experts) <= resident);
    Setup cache{device, "llama3.1-8b"};
    cache.depth = 16000;
    const double kept = decode(cache);
    cache.kv_offload = false;
    CHECK(decode(cache) < kept);
  }
}

TEST_CASE("more users together read more tokens, each of them fewer") {
  for (const auto& device : devices) {
    Setup setup{device};
    const double alone = decode(setup);
    setup.parallel = 4;
    const auto answer = ask(setup);
    REQUIRE(answer.speed.parallel);
    CHECK(answer.speed.parallel->users == 4);
    CHECK(answer.speed.parallel->user_tokens_per_s.mid <= alone * 1.0001);
    CHECK(answer.speed.parallel->total_tokens_per_s.mid >= alone * 0.999);
  }
}

TEST_CASE("a few users together gain what was measured of them") {
  struct Row {
    std::string device;
    std::uint32_t users;
    double gain;  // tokens per second together, over those of one alone
  };
  // 8B at Q4_0, micro-batches of as many tokens: llama.cpp pull requests 15802 (RTX 3090) and 23227 (MI100).
  const std::vector<Row> rows{{"rtx3090", 2, 277.0 / 155}, {"rtx3090", 4, 469.0 / 155}, {"rtx3090", 6, 529.0 / 155},
                              {"rtx3090", 8, 571.0 / 155}, {"mi100", 2, 230.0 / 146},   {"mi100", 4, 355.0 / 146},
                              {"mi100", 8, 442.0 / 146}};
  for (const auto& row : rows) {
    Setup setup{row.device, "llama3.1-8b", "q4_0"};
    const double alone = decode(setup);
    setup.parallel = row.users;
    const double gain = ask(setup).speed.parallel->total_tokens_per_s.mid / alone;
    CAPTURE(row.device, row.users, row.gain, gain);
    CHECK(std::abs(gain / row.gain - 1) < 0.15);
  }
}

TEST_CASE("one more user never lowers what all read together") {
  for (const auto* device : {"rtx3090", "mi100", "p40", "h100-sxm5-80gb", "m3-max-40core"}) {
    double before = 0;
    for (std::uint32_t users = 2; users <= 12; ++users) {
      Setup setup{device};
      setup.parallel = users;
      const double total = ask(setup).speed.parallel->total_tokens_per_s.mid;
      CAPTURE(device, users);
      CHECK(total > before);
      before = total;
    }
  }
}

TEST_CASE("layers over two devices take turns; vLLM splits them") {
  const double one = decode({"rtx3090"});
  Setup two{"rtx3090"};
  two.count = 2;
  CHECK(decode(two) <= one);
  CHECK(decode(two) >= 0.8 * one);
  Setup alone{"rtx3090"};
  alone.engine = two.engine = Engine::vllm;
  two.slices = {0, 0};
  CHECK(decode(two) > decode(alone));
}

TEST_CASE("devices in slices work at once, at most twice as fast as one and never above their roofline") {
  for (const auto* device : {"rtx3090", "rx7900xtx", "arc-b580", "h100-sxm", "p40"})
    for (const auto& model : models) {
      CAPTURE(device, model);
      const Setup one{device, model};
      Setup two = one, layers = one;
      two.count = layers.count = 2;
      two.slices = {0, 0};  // equal
      const auto answer = ask(two);
      REQUIRE(answer.speed.decode_tokens_per_s);
      const auto& range = *answer.speed.decode_tokens_per_s;
      const double bytes = static_cast<double>(answer.footprint.weights().active_bytes);
      CHECK(range.high * bytes <= 2.002e9 * *answer.machine.devices[0].spec.bandwidth_gb_s);
      CHECK(range.mid <= 2.0001 * decode(one));
      CHECK(prefill(two) <= 2.0001 * prefill(one));
      Setup deeper = two;
      deeper.depth = 8000;
      CHECK(decode(deeper) < range.mid);
      Setup lopsided = two;
      lopsided.slices = {3, 1};
      CHECK(decode(lopsided) <= range.mid);
      Setup alone = two;
      alone.slices = {1, 0};
      CHECK(decode(alone) == Approx(decode(one)));
    }
  Setup large{"rtx3090", "llama3.1-8b", "q8_0"}, sliced = large;
  large.count = sliced.count = 2;
  sliced.slices = {1, 1};
  CHECK(decode(sliced) > 1.4 * decode(large));
}

TEST_CASE("a chip nobody measured is estimated as the one most like it") {
  const auto rows = speed_rows();
  const auto row = [&](std::string_view architecture, std::string_view capability, Backend backend = Backend::cuda,
                       Engine engine = Engine::llama_cpp) -> const SpeedRow& {
    return speed_row(rows, engine, backend, architecture, capability);
  };
  CHECK(row("Kepler", "3.7").architecture == "Pascal");
  CHECK(row("Maxwell", "5.2").architecture == "Pascal");
  CHECK(row("Hopper", "9.0").capability == "8.0");
  CHECK(row("Hopper", "9.0", Backend::cuda, Engine::llamafile).architecture == "Hopper");
  CHECK(row("Blackwell", "10.0").capability == "8.0");
  CHECK(row("Blackwell", "12.0").architecture == "Blackwell");
  CHECK(row("Blackwell", "11.0").capability == "12.1");
  CHECK(row("Alchemist", "", Backend::vulkan).architecture == "Xe");
  CHECK(row("Alchemist", "", Backend::sycl).architecture == "Alchemist");
  CHECK(row("Adreno X1-85", "", Backend::vulkan).architecture.empty());
}

TEST_CASE("a device without bandwidth is answered with the missing fact") {
  MachineRequest request;
  request.devices.emplace_back();
  request.devices[0].memory_bytes = 64 * gib;
  const auto machine = assemble_machine(request);
  const auto footprint = measure(model_at("llama3.1-8b", "q4_k_m"), {});
  const auto speed = estimate_speed(footprint, solve_placement(footprint, machine, {}), machine, {});
  CHECK_FALSE(speed.decode_tokens_per_s);
  REQUIRE(speed.notes.size() == 1);
  CHECK(speed.notes[0] == "memory bandwidth of gpu0 is unknown; give --bandwidth");
}

TEST_CASE("published measurements stand beside the estimate unless they are not wanted") {
  MachineRequest request;
  request.devices.push_back(find_device("rtx3060-12gb")->entry);
  const auto machine = assemble_machine(request);
  const auto footprint = measure(model_at("llama3.1-8b", "q4_k_m"), {});
  const auto placement = solve_placement(footprint, machine, {});
  SpeedRequest wanted;
  wanted.quant = "q4_k_m";
  const auto with = estimate_speed(footprint, placement, machine, wanted);
  wanted.measured = false;
  const auto without = estimate_speed(footprint, placement, machine, wanted);
  CHECK_FALSE(without.measured_decode);
  CHECK(with.decode_tokens_per_s->mid == without.decode_tokens_per_s->mid);
  if (with.measured_decode) CHECK_FALSE(with.measured_decode->source.empty());
}

TEST_CASE("loading takes the file at the disk's rate, and is unknown without one") {
  const auto model = find_model("llama3.1-8b");
  REQUIRE(model);
  const auto footprint = measure(weigh_model(*model_from_entry(model->entry)), {});
  MachineRequest request;
  request.devices = {find_device("rtx4090")->entry};
  const auto estimate = [&] {
    const auto machine = assemble_machine(request);
    return estimate_speed(footprint, solve_placement(footprint, machine, {}), machine, {});
  };
  CHECK_FALSE(estimate().load_from_disk_s);
  request.disk_gb_s = 2;
  const auto seconds = estimate().load_from_disk_s;
  REQUIRE(seconds);
  CHECK(std::abs(*seconds - static_cast<double>(footprint.weights().file_bytes) / 2e9) < 1e-9);
}
