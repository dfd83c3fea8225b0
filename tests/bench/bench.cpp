// Prints how fast answers come: `willitrun_bench [path of the command line program]`. Figures are one machine's.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <thread>

#include "bench/manifest.hpp"
#include "support/gguf_builder.hpp"
#include "support/truth.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/check.hpp"
#include "willitrun/fits.hpp"
#include "willitrun/machine.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {

using namespace willitrun;
using Clock = std::chrono::steady_clock;

constexpr std::array models{"llama3.1-8b",  "llama3.1-70b",     "llama3.2-3b",  "qwen3-0.6b",  "qwen3-8b",
                            "qwen3-32b",    "qwen3-30b-a3b",    "qwen3.5-9b",   "gemma3-4b",   "gemma3-27b",
                            "gemma3n-e4b",  "mistral-7b-v0.3",  "mixtral-8x7b", "phi4-14b",    "gpt-oss-20b",
                            "gpt-oss-120b", "deepseek-v2-lite", "glm4.5-air",   "mamba2-2.7b", "granite4-h-tiny"};
constexpr std::array<std::uint32_t, 3> contexts{4096, 8192, 32768};
constexpr std::size_t machine_count = 50;

/// Of this process. What other work a machine has does not count, as it would in wall time.
double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Cards of 4 to 53 GiB, every third machine with two of them.
Machine machine_at(std::size_t index) {
  DeviceSpec spec;
  spec.vendor = "nvidia";
  spec.memory_bytes = (4 + index) * gib;
  MachineRequest request;
  request.devices.assign(index % 3 == 2 ? 2 : 1, spec);
  request.ram = 128 * gib;
  return assemble_machine(request);
}

CheckRequest question(const std::string& model, std::uint32_t n_ctx, const Machine& machine) {
  CheckRequest request;
  request.model = test::catalog_model(model, "q4_k_m");
  request.quant = "Q4_K_M";
  request.context.n_ctx = request.requested_ctx = n_ctx;
  request.machine = machine;
  request.advise = false;
  return request;
}

void bench_placements() {
  std::vector<CheckRequest> requests;
  for (const auto* model : models)
    for (std::size_t i = 0; i < machine_count; ++i)
      for (const auto n_ctx : contexts) requests.push_back(question(model, n_ctx, machine_at(i)));
  const auto run = [&](const char* what) {
    const auto start = processor_seconds();
    std::size_t fitting = 0;
    for (const auto& request : requests)
      if (const auto report = check(request); report && report->verdict.code == VerdictCode::fits) ++fitting;
    const auto seconds = processor_seconds() - start;
    fmt::print("  {:<32} {:>8.0f} a second  ({} requests, {} fit)\n", what,
               static_cast<double>(requests.size()) / seconds, requests.size(), fitting);
  };
  fmt::print("placements, library, one core: {} models x {} machines x {} contexts\n", models.size(), machine_count,
             contexts.size());
  run("each question for the first time");
  run("each question again");
}

void bench_expert_placement() {
  DeviceSpec card;
  card.vendor = "nvidia";
  card.memory_bytes = 24 * gib;
  MachineRequest machine_request;
  machine_request.devices = {card};
  const auto machine = assemble_machine(machine_request);
  const auto build = Clock::now();
  const auto model = test::catalog_model("glm4.5", "q4_k_m");
  const auto build_ms = 1e3 * seconds_since(build);
  const auto solve = [&](std::uint32_t n_ctx) {
    ContextParams params;
    params.n_ctx = n_ctx;
    const auto start = Clock::now();
    const auto placement = solve_placement(measure(model, params), machine, {});
    return std::pair(1e3 * seconds_since(start), placement.n_hosted_experts);
  };
  std::vector<double> cold, warm;
  std::uint32_t on_host = 0;
  for (std::uint32_t i = 0; i < 50; ++i) {
    cold.push_back(solve(8192 + 256 * i).first);
    const auto [ms, layers] = solve(8192 + 256 * i);
    warm.push_back(ms);
    on_host = layers;
  }
  const auto first = cold.front();
  std::sort(cold.begin(), cold.end());
  std::sort(warm.begin(), warm.end());
  fmt::print("auto placement, GLM 4.5 355B ({} layers) on a 24 GiB card, experts of {} layers on the host\n",
             model->model.spec.n_layer, on_host);
  fmt::print("  {:<32} {:>8.3f} ms\n", "model from the catalog", build_ms);
  fmt::print("  {:<32} {:>8.3f} ms\n", "very first", first);
  fmt::print("  {:<32} {:>8.3f} ms  (median of {} contexts, best {:.3f})\n", "context not met before",
             cold[cold.size() / 2], cold.size(), cold.front());
  fmt::print("  {:<32} {:>8.3f} ms  (median of {})\n", "asked again", warm[warm.size() / 2], warm.size());
}

/// Every model of the catalog at every preset, on a card that holds a part of them.
void bench_fits() {
  FitsRequest request;
  request.machine = assemble_machine([] {
    MachineRequest machine;
    machine.devices = {find_device("rtx3060").value().entry};
    return machine;
  }());
  request.requirement.level = Requirement::Level::gpu;
  const auto time = [&](std::size_t limit) {
    request.limit = limit;
    std::vector<double> times;
    std::size_t rows = 0;
    for (int i = 0; i < 10; ++i) {
      const auto start = Clock::now();
      rows = rank_fits(request).rows.size();
      times.push_back(1e3 * seconds_since(start));
    }
    std::sort(times.begin(), times.end());
    fmt::print("  {:<32} {:>8.1f} ms  (median of {})\n", fmt::format("{} rows", rows), times[times.size() / 2],
               times.size());
  };
  fmt::print("fits: {} models at {} presets on an RTX 3060, anew each time\n", all_models().size(),
             quant_presets().size());
  time(20);
  time(0);
}

void bench_gguf() {
  constexpr std::uint64_t tokens = 260000;
  const auto bytes = test::GgufBuilder()
                         .str("general.architecture", "llama")
                         .u32("llama.block_count", 1)
                         .strs("tokenizer.ggml.tokens", tokens, "sixteen_letters_")
                         .i32s("tokenizer.ggml.token_type", std::vector<std::int32_t>(tokens, 1))
                         .strs("tokenizer.ggml.merges", tokens, "sixteen letters_")
                         .tensor("token_embd.weight", {256, tokens}, TensorType::q4_k)
                         .tensor("output_norm.weight", {256})
                         .bytes();
  std::vector<double> times;
  for (int i = 0; i < 20; ++i) {
    const auto start = Clock::now();
    const auto header = test::read_bytes(bytes);
    times.push_back(1e3 * seconds_since(start));
    if (!header) fmt::print("  {}\n", header.error().message);
  }
  std::sort(times.begin(), times.end());
  fmt::print("GGUF header with {} tokens and as many merges, {}\n", tokens, format_bytes(bytes.size()));
  fmt::print("  {:<32} {:>8.3f} ms  (median of {})\n", "read from memory", times[times.size() / 2], times.size());
}

#if defined(__unix__) || defined(__APPLE__)

/// Wall time of a shell command in seconds; below 0 when it could not be run.
double wall_time(const std::string& command) {
  const auto start = Clock::now();
  return std::system(command.c_str()) < 0 ? -1 : seconds_since(start);
}

std::string quoted(const std::string& path) { return "'" + path + "'"; }

// What getrusage counts resident memory in.
#if defined(__APPLE__)
constexpr Bytes resident_unit = 1;
#else
constexpr Bytes resident_unit = kib;
#endif

struct ChildrenUsage {
  double seconds = 0;  ///< of processor time
  Bytes peak = 0;      ///< of the largest
};
ChildrenUsage children_usage() {
  rusage usage{};
  if (getrusage(RUSAGE_CHILDREN, &usage) != 0) return {};
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return {seconds(usage.ru_utime) + seconds(usage.ru_stime), static_cast<Bytes>(usage.ru_maxrss) * resident_unit};
}

void bench_headline(const std::string& program) {
  constexpr int runs = 20;
  const auto command = quoted(program) + " llama3.1:8b --gpu 'rtx 3060' --ctx 32768 > /dev/null";
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) times.push_back(1e3 * wall_time(command));
  std::sort(times.begin(), times.end());
  fmt::print("willitrun llama3.1:8b --gpu \"rtx 3060\" --ctx 32768, started anew\n");
  fmt::print("  {:<32} {:>8.1f} ms  (median of {}, shell included; best {:.1f})\n", "wall time", times[runs / 2], runs,
             times.front());
}

/// The library's questions, `rounds` times. Peak memory is that of the largest child so far, so short runs come first.
void bench_batch(const std::string& program, int rounds) {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("willitrun-bench-{}.ndjson", rounds);
  std::size_t count = 0;
  {
    std::ofstream out(path);
    for (int round = 0; round < rounds; ++round)
      for (std::size_t i = 0; i < machine_count; ++i)
        for (const auto* model : models)
          for (const auto n_ctx : contexts)
            out << fmt::format(
                       R"({{"id":{},"model":"{}","quant":"q4_k_m","ctx":{},"vram":"{}GiB","gpu_count":{},"ram":"128GiB"}})",
                       count++, model, n_ctx, 4 + i, i % 3 == 2 ? 2 : 1)
                << '\n';
  }
  const auto before = children_usage();
  const auto wall = wall_time(quoted(program) + " batch < " + quoted(path.string()) + " > /dev/null");
  const auto after = children_usage();
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  fmt::print("  {:<32} {:>8.0f} a second  ({:.2f} s of wall time), peak memory {}\n", fmt::format("{} requests", count),
             static_cast<double>(count) / (after.seconds - before.seconds), wall, format_bytes(after.peak));
}

struct ChildUsage {
  double seconds = 0;  ///< of processor time
  Bytes peak = 0;
};
/// Of one shell command that ends in "exec", so that the figures are the program's own.
std::optional<ChildUsage> run_child(const std::string& command) {
  const auto child = fork();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  rusage usage{};
  int status = 0;
  if (child < 0 || wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) > 3)
    return std::nullopt;
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return ChildUsage{seconds(usage.ru_utime) + seconds(usage.ru_stime),
                    static_cast<Bytes>(usage.ru_maxrss) * resident_unit};
}

void bench_manifest(const std::string& program) {
  constexpr std::size_t model_count = 200, target_count = 50;
  const auto path = std::filesystem::temp_directory_path() / "willitrun-bench-manifest.json";
  std::ofstream(path) << bench::catalog_manifest(model_count, target_count);
  fmt::print("willitrun check, {} models x {} machines of the catalogs, output discarded\n", model_count, target_count);
  for (const auto* format : {"text", "json", "junit", "sarif"}) {
    std::vector<double> times;
    Bytes peak = 0;
    for (int i = 0; i < 5; ++i) {
      const auto used =
          run_child(fmt::format("exec {} check {} -o {} > /dev/null", quoted(program), quoted(path.string()), format));
      if (!used) {
        fmt::print("  {}: the program did not end well\n", format);
        break;
      }
      times.push_back(used->seconds);
      peak = std::max(peak, used->peak);
    }
    if (times.empty()) continue;
    std::sort(times.begin(), times.end());
    fmt::print("  {:<32} {:>8.2f} s  (median of {}, processor time; best {:.2f}), peak memory {}\n", format,
               times[times.size() / 2], times.size(), times.front(), format_bytes(peak));
  }
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

void bench_program(const std::string& program) {
  bench_headline(program);
  fmt::print("willitrun batch, from file to discarded output\n");
  for (const int rounds : {1, 4, 16}) bench_batch(program, rounds);
  bench_manifest(program);
}

#else

void bench_program(const std::string&) { fmt::print("the program is timed on Unix only\n"); }

#endif

}  // namespace

int main(int argc, char** argv) {
  fmt::print("{} cores here; every figure is of one, rates by its processor time\n",
             std::thread::hardware_concurrency());
  // First, because a child starts with its parent's peak memory.
  if (argc > 1)
    bench_program(argv[1]);
  else
    fmt::print("name the willitrun program to time it too\n");
  std::fflush(stdout);
  bench_placements();
  bench_expert_placement();
  bench_fits();
  bench_gguf();
  return 0;
}
