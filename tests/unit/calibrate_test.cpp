// From llama-bench's output to a corrected estimate.
#include "willitrun/calibrate.hpp"

#include <fmt/format.h>

#include "support/catch.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/machine.hpp"
#include "willitrun/placement.hpp"
#include "willitrun/quant.hpp"
#include "willitrun/speed.hpp"

using namespace willitrun;

namespace {

/// Llama 3.1 8B at Q4_K_M as llama-bench describes it: 128 tokens on one GPU.
BenchRow row_on(const std::string& gpu, const std::string& backends, double tokens_per_s) {
  BenchRow row;
  row.number = 1;
  row.model_filename = "models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf";
  row.model_type = "llama 8B Q4_K - Medium";
  row.model_size = 4912898304;
  row.model_n_params = 8030261312;
  row.gpu_info = gpu;
  row.cpu_info = "AMD Ryzen 7 7800X3D 8-Core Processor";
  row.backends = backends;
  row.n_gen = 128;
  row.avg_ts = tokens_per_s;
  row.date = "2026-10-04";
  return row;
}

ComparedRow compared(const BenchRow& row) { return compare_bench({row}, {}).front(); }

double decode(const std::string& device, const std::string& model, const Corrections& corrections, Range* range = {}) {
  MachineRequest request;
  request.devices.push_back(find_device(device)->entry);
  const auto machine = assemble_machine(request);
  auto loaded = *model_from_entry(find_model(model)->entry);
  apply_quant(*find_quant("q4_k_m"), loaded.spec, loaded.tensors);
  const auto footprint = measure(weigh_model(std::move(loaded)), {});
  SpeedRequest speed;
  speed.quant = "q4_k_m";
  speed.measured = false;
  speed.corrections = corrections;
  const auto out = estimate_speed(footprint, solve_placement(footprint, machine, {}), machine, speed);
  if (range != nullptr) *range = *out.decode_tokens_per_s;
  CHECK(out.corrections.size() == (corrections.devices.empty() ? 0 : 1));
  return out.decode_tokens_per_s->mid;
}

Corrections of(const std::vector<BenchRow>& rows) {
  Corrections out;
  merge(out, corrections_from(compare_bench(rows, {}), "bench.json"));
  return out;
}

}  // namespace

TEST_CASE("llama-bench tests are found in the catalogs") {
  const auto row = compared(row_on("NVIDIA GeForce RTX 3060", "CUDA", 60));
  CHECK(row.left_out.empty());
  CHECK(row.device == "rtx3060-12gb");
  CHECK(row.backend == "cuda");
  CHECK(row.model == "llama3.1-8b");
  CHECK(row.quant == "q4_k_m");
  CHECK(row.exact);
  CHECK(row.estimated > 40);

  CHECK(compared(row_on("AMD Radeon RX 7900 XTX (RADV NAVI31)", "Vulkan", 100)).device == "rx7900xtx");
  CHECK(compared(row_on("Apple M1 Pro", "MTL,BLAS", 30)).backend == "metal");
  CHECK(compared(row_on("NVIDIA GeForce RTX 3090/NVIDIA GeForce RTX 3090", "CUDA", 90)).device == "rtx3090");
  auto second = row_on("NVIDIA GeForce RTX 3090, NVIDIA GeForce RTX 3060", "CUDA", 60);
  second.devices = "CUDA1";
  CHECK(compared(second).device == "rtx3060-12gb");
  auto cpu = row_on("", "CPU", 10);
  CHECK(compared(cpu).device == "ryzen-7-7800x3d");
  auto on_host = row_on("NVIDIA GeForce RTX 3060", "CUDA", 10);
  on_host.n_gpu_layers = 0;
  CHECK(compared(on_host).backend == "cpu");
}

TEST_CASE("tests that say nothing of one device are left out with the reason") {
  const auto reason = [](auto change) {
    auto row = row_on("NVIDIA GeForce RTX 3060", "CUDA", 60);
    change(row);
    return compared(row).left_out;
  };
  CHECK(reason([](BenchRow& r) { r.n_gpu_layers = 20; }) == "20 layers were on the GPU, the rest on the CPU");
  CHECK(reason([](BenchRow& r) { r.n_prompt = 512; }) == "it times prompt and answer together");
  CHECK(reason([](BenchRow& r) { r.n_cpu_moe = 4; }) == "some experts were in system memory");
  CHECK(reason([](BenchRow& r) { r.split_mode = "row"; }) == "split mode row is not modelled");
  CHECK(reason([](BenchRow& r) {
          r.split_mode = "tensor";
          r.gpu_info = "NVIDIA GeForce RTX 3060, NVIDIA GeForce RTX 3060";
        }).empty());
  CHECK(reason([](BenchRow& r) { r.backends = "CUDA,RPC"; }) == "backend CUDA,RPC is not modelled");
  CHECK(reason([](BenchRow& r) { r.gpu_info = "Rage 128"; }) ==
        "GPU 'Rage 128' is not in the catalog; name it with --gpu");
  CHECK(reason([](BenchRow& r) { r.gpu_info = "NVIDIA GeForce RTX 3060, NVIDIA GeForce RTX 3090"; }) ==
        "different GPUs worked together");
  CHECK(reason([](BenchRow& r) { r.avg_ts = 200; }) ==
        "it would read 923 GB/s where GeForce RTX 3060 12 GB has 360; was it another device?");
  CHECK(reason([](BenchRow& r) { r.model_type = "llama 8B something"; }) == "no known quant in 'llama 8B something'");
  CHECK(reason([](BenchRow& r) { r.model_n_params = 9'300'000'000; }) ==
        "no model of the catalog has 9,300,000,000 parameters and the shape of 'llama 8B Q4_K - Medium'");
}

TEST_CASE("the measured model is answered as measured, others on the device are moved along") {
  const auto plain = decode("rtx3060-12gb", "llama3.1-8b", {});
  const double measured = 0.8 * plain;
  const auto corrections = of({row_on("NVIDIA GeForce RTX 3060", "CUDA", measured)});
  Range own, other;
  CHECK(decode("rtx3060-12gb", "llama3.1-8b", corrections, &own) == Approx(measured).epsilon(0.001));
  const auto before = decode("rtx3060-12gb", "qwen3-8b", {});
  CHECK(decode("rtx3060-12gb", "qwen3-8b", corrections, &other) == Approx(0.8 * before).epsilon(0.01));
  CHECK(own.high / own.low < other.high / other.low);
  CHECK(own.high / own.low < 1.2);
  // Nothing may outrun its memory, whatever was measured elsewhere.
  auto fast = corrections;
  fast.devices[0].models.clear();
  fast.devices[0].decode->mid = fast.devices[0].decode->high = 50;
  CHECK(decode("rtx3060-12gb", "llama3.1-8b", fast) <= 360e9 / 4.6e9);
}

TEST_CASE("corrections of another device, engine or fit are not used") {
  const auto corrections = of({row_on("NVIDIA GeForce RTX 3060", "CUDA", 30)});
  const auto footprint_of = [] {
    auto loaded = *model_from_entry(find_model("llama3.1-8b")->entry);
    return measure(weigh_model(std::move(loaded)), {});
  };
  const auto footprint = footprint_of();
  const auto ask = [&](const std::string& device, const Corrections& used, Engine engine) {
    MachineRequest request;
    request.devices.push_back(find_device(device)->entry);
    const auto machine = assemble_machine(request);
    SpeedRequest speed;
    speed.measured = false;
    speed.engine = engine;
    speed.corrections = used;
    return estimate_speed(footprint, solve_placement(footprint, machine, {}), machine, speed);
  };
  CHECK(ask("rtx3090", corrections, Engine::llama_cpp).corrections.empty());
  CHECK(ask("rtx3060-12gb", corrections, Engine::vllm).corrections.empty());
  auto old = corrections;
  old.estimates = "2020-01-01";
  const auto out = ask("rtx3060-12gb", old, Engine::llama_cpp);
  CHECK(out.corrections.empty());
  REQUIRE_FALSE(out.notes.empty());
  CHECK(out.notes[0] == "your own measurements correct the estimates of 2020-01-01, not today's: run calibrate again");
}

TEST_CASE("corrections survive being written, and bad ones are refused") {
  const auto corrections = of({row_on("NVIDIA GeForce RTX 3060", "CUDA", 60)});
  const auto text = to_json(corrections);
  const auto again = read_corrections(text, "speed.json");
  REQUIRE(again);
  CHECK(to_json(*again) == text);
  CHECK(again->devices[0].models.size() == 1);

  const auto message = [](std::string_view json) { return read_corrections(json, "x").error().message; };
  CHECK(message("[]") == "x:1:1: must be an object, is an array");
  CHECK(message(R"({"schema":"other","estimates":"a","devices":[]})") ==
        "x:1:11: /schema: must be \"willitrun.calibration/1\"");
  const auto with_factor = [&](std::string_view factor) {
    return message(fmt::format(R"({{"schema":"willitrun.calibration/1","estimates":"a","devices":[
{{"device":"d","name":"n","backend":"cuda","source":"s","decode":{}}}]}})",
                               factor));
  };
  CHECK(with_factor(R"({"factor":0,"low":1,"high":1,"rows":1})") ==
        "x:2:75: /devices/0/decode/factor: must be a factor between 0.01 and 100");
  CHECK(with_factor(R"({"factor":1,"low":2,"high":3,"rows":1})") ==
        "x:2:65: /devices/0/decode: must have low <= factor <= high");
}

TEST_CASE("new measurements replace those of the same device and backend") {
  auto corrections = of({row_on("NVIDIA GeForce RTX 3060", "CUDA", 60), row_on("NVIDIA GeForce RTX 3090", "CUDA", 90)});
  CHECK(corrections.devices.size() == 2);
  merge(corrections, of({row_on("NVIDIA GeForce RTX 3060", "CUDA", 50)}).devices);
  REQUIRE(corrections.devices.size() == 2);
  CHECK(find_correction(corrections, "rtx3060-12gb", "cuda")->decode->mid < 1);
  CHECK(find_correction(corrections, "rtx3060-12gb", "vulkan") == nullptr);
  corrections.estimates = "2020-01-01";
  merge(corrections, {});
  CHECK(corrections.devices.empty());
}
