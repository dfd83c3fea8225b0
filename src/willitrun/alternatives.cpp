// The nearest changes that would serve better, each solved with the same code before it is offered.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string_view>

#include "willitrun/advice.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/engine_support.hpp"
#include "willitrun/memory_rules.hpp"

namespace willitrun {
namespace {

bool better(VerdictCode candidate, VerdictCode current) {
  return static_cast<int>(candidate) < static_cast<int>(current);
}

/// A question changed in one thing, and how that change is typed.
struct Attempt {
  std::string change;
  std::shared_ptr<const WeighedModel> model;
  ContextParams context;
  PlacementOptions placement;
  const Machine* machine;
};

class Search {
 public:
  Search(const CheckRequest& request, const ContextParams& context, VerdictCode current)
      : request_(request), context_(context), current_(current) {}

  /// Offers the attempt when it is better than what is there, and no worse than `worst`; true then.
  bool offer(const Attempt& attempt, VerdictCode worst = VerdictCode::cpu) {
    const auto footprint = measure(attempt.model, attempt.context);
    const auto placement = solve_placement(footprint, *attempt.machine, attempt.placement);
    SpeedEstimate speed;
    if (placement.fits()) speed = estimate_speed(footprint, placement, *attempt.machine, request_.speed);
    const auto verdict = judge(footprint, placement, *attempt.machine, speed, request_.requirement).code;
    if (!better(verdict, current_) || better(worst, verdict)) return false;
    // `--ctx max` would take up again what the change frees.
    const bool pin = request_.longest_ctx && attempt.change.find("--ctx ") == std::string::npos;
    found_.push_back(
        {pin ? fmt::format("{} --ctx {}", attempt.change, attempt.context.n_ctx) : attempt.change, verdict});
    return true;
  }

  [[nodiscard]] Attempt unchanged() const {
    return {{}, request_.model, context_, request_.placement, &request_.machine};
  }
  [[nodiscard]] const CheckRequest& request() const { return request_; }
  [[nodiscard]] std::vector<Alternative> found() const { return found_; }

 private:
  const CheckRequest& request_;
  ContextParams context_;
  VerdictCode current_;
  std::vector<Alternative> found_;
};

bool is_vllm(const Search& search) { return search.request().speed.engine == Engine::vllm; }

/// A placement the user fixed, left to be solved.
void try_automatic_placement(Search& search) {
  auto attempt = search.unchanged();
  if (!attempt.placement.gpu_layers && !attempt.placement.cpu_moe_layers) return;
  const auto engine = search.request().speed.engine;
  // There it is the engine that fixed it.
  if (engine == Engine::vllm || engine == Engine::mlx || engine == Engine::ollama) return;
  attempt.change = "--gpu-layers auto --cpu-moe-layers auto";
  attempt.placement.gpu_layers.reset();
  attempt.placement.cpu_moe_layers.reset();
  (void)search.offer(attempt);
}

/// From Ada on. Before it, vLLM reads an FP8 cache with one of its attention backends alone (issue 7714: "fp8e4nv data
/// type is not supported on CUDA arch < 89").
bool computes_fp8(const Device& device) {
  const std::string_view text = device.spec.compute_capability;
  double capability = 0;
  std::from_chars(text.data(), text.data() + text.size(), capability);
  return capability >= 8.9;
}

void try_quantized_cache(Search& search) {
  auto attempt = search.unchanged();
  const auto& devices = attempt.machine->devices;
  if (attempt.context.type_k != TensorType::f16 || !attempt.context.flash_attn) return;
  if (is_vllm(search) && !std::all_of(devices.begin(), devices.end(), computes_fp8)) return;
  const auto type = is_vllm(search) ? TensorType::fp8 : TensorType::q8_0;
  attempt.change = fmt::format("--kv {}", info(type).name);
  attempt.context.type_k = attempt.context.type_v = type;
  (void)search.offer(attempt);
}

/// Of what vLLM leaves alone, all but what the driver and PyTorch's unevenness need.
void try_higher_share(Search& search) {
  constexpr double higher = 0.95;  // what benchmarks of it run with, those in tests/oracle/truth/vllm.tsv included
  auto machine = search.request().machine;
  if (machine.share.value_or(1) >= higher) return;
  claim_share(machine, higher);
  if (*machine.share < higher) return;  // more is not free
  auto attempt = search.unchanged();
  attempt.machine = &machine;
  attempt.change = "--reserve 5%";
  (void)search.offer(attempt);
}

/// All that the system leaves, where one setting lets the GPU have more of a shared pool than its default: macOS's
/// iogpu.wired_limit_mb, Linux's ttm.pages_limit.
void try_higher_limit(Search& search) {
  auto machine = search.request().machine;
  if (!machine.unified() || machine.share) return;
  auto& device = machine.devices[0];
  const bool settable =
      device.spec.vendor == "apple" || (device.spec.vendor == "amd" && machine.os == OperatingSystem::linux_os);
  const auto limit = device.memory_bytes - driver_rule(device.spec, machine.os, device.memory_bytes).bytes;
  const auto higher = device.pool_bytes / gib * gib;
  if (!settable || device.visible_bytes != limit || higher <= limit) return;
  device.visible_bytes = higher;
  auto attempt = search.unchanged();
  attempt.machine = &machine;
  attempt.change = fmt::format("--free-vram {}GiB", higher / gib);
  (void)search.offer(attempt, VerdictCode::tight);
}

void try_fewer_slots(Search& search) {
  auto attempt = search.unchanged();
  if (attempt.context.n_seq_max <= 1) return;
  attempt.context.n_ctx /= attempt.context.n_seq_max;  // the same context for the slot that stays
  attempt.context.n_seq_max = 1;
  attempt.change = fmt::format("--parallel 1 --ctx {}", attempt.context.n_ctx);
  (void)search.offer(attempt);
}

void try_smaller_batch(Search& search) {
  auto attempt = search.unchanged();
  constexpr std::uint32_t smaller = 128;
  if (attempt.context.n_ubatch <= smaller) return;
  attempt.change = fmt::format("--ubatch {}", smaller);
  attempt.context.n_ubatch = smaller;
  (void)search.offer(attempt);
}

void try_shorter_context(Search& search) {
  constexpr std::uint32_t shortest = 2048;
  for (auto attempt = search.unchanged(); attempt.context.n_ctx / 2 >= shortest;) {
    attempt.context.n_ctx /= 2;
    attempt.change = fmt::format("--ctx {}", attempt.context.n_ctx);
    if (search.offer(attempt)) return;
  }
}

/// The largest preset below the present one that is better here.
void try_smaller_quant(Search& search) {
  if (!search.request().at_quant) return;
  for (const auto id : usual_presets(search.request().speed.engine)) {
    auto attempt = search.unchanged();
    const auto smaller = search.request().at_quant(id);
    if (!smaller || smaller->weights.file_bytes >= attempt.model->weights.file_bytes) continue;
    if (refused_device(search.request().speed.engine, search.request().machine, id)) continue;
    attempt.model = smaller;
    attempt.change = fmt::format("--quant {}", id);
    if (search.offer(attempt)) return;
  }
}

/// What one would buy today by memory, laptops apart; read once per process.
const std::vector<DeviceSpec>& devices_by_memory() {
  static const auto devices = [] {
    auto all = all_devices();
    std::erase_if(all, [](const DeviceSpec& d) {
      return d.memory_bytes == 0 || !d.release_year || *d.release_year < 2020 || is_laptop(d);
    });
    std::stable_sort(all.begin(), all.end(), [](const DeviceSpec& a, const DeviceSpec& b) {
      if (a.memory_bytes != b.memory_bytes) return a.memory_bytes < b.memory_bytes;
      const auto price_a = a.msrp_usd.value_or(1e9), price_b = b.msrp_usd.value_or(1e9);
      return price_a != price_b ? price_a < price_b : *a.release_year > *b.release_year;
    });
    return all;
  }();
  return devices;
}

/// `spec` in the place of each of the machine's devices, with that much memory where it has none of its own.
Machine with_device(const Machine& machine, const DeviceSpec& spec, std::optional<Bytes> memory = std::nullopt) {
  const auto& present = machine.devices[0];
  MachineRequest request;
  request.devices.assign(machine.devices.size(), spec);
  request.vram = memory;
  request.os = machine.os;
  request.backend = machine.backend;
  request.vllm = machine.share.has_value();
  if (machine.reserve_share > 0)
    request.reserve = {Reserve::Kind::percent, 0, 100 * machine.reserve_share};
  else
    request.reserve = {Reserve::Kind::bytes, present.reserve_bytes, 0};
  auto out = assemble_machine(request);
  out.host = machine.host;
  if (machine.share) claim_share(out, *machine.share);
  for (auto& device : out.devices) device.overhead_bytes = std::max(device.overhead_bytes, present.overhead_bytes);
  return out;
}

/// For a nameless device, the least memory, in sizes that cards have, with which it fits.
void try_more_device_memory(Search& search) {
  constexpr std::array<Bytes, 14> sold{4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 80, 96, 141};
  const auto& present = search.request().machine.devices[0];
  if (present.visible_bytes != present.memory_bytes) return;  // what is free was stated, whatever the size
  for (const auto size : sold) {
    if (size * gib <= present.memory_bytes) continue;
    const auto larger = with_device(search.request().machine, present.spec, size * gib);
    auto attempt = search.unchanged();
    attempt.machine = &larger;
    attempt.change = fmt::format("--vram {}GiB", size);
    if (search.offer(attempt)) return;
  }
}

bool all_alike(const Machine& machine) {
  return std::all_of(machine.devices.begin(), machine.devices.end(),
                     [&](const Device& d) { return d.spec.id == machine.devices[0].spec.id; });
}

/// The smallest device of the same vendor and kind, released since 2020, on as many of which it fits; its own
/// generation first.
void try_next_device(Search& search) {
  const auto& machine = search.request().machine;
  const auto n = machine.devices.size();
  if (n == 0 || !all_alike(machine) || (n > 1 && !search.unchanged().placement.tensor_split.empty())) return;
  const auto& present = machine.devices[0];
  if (present.spec.id.empty()) return n == 1 ? try_more_device_memory(search) : void();
  const auto& all = devices_by_memory();
  const bool unified = present.spec.kind == DeviceKind::unified;
  for (const bool own_generation : {true, false}) {
    if (own_generation && !unified) continue;
    for (const auto& spec : all) {
      if (spec.kind != present.spec.kind || spec.memory_bytes <= present.memory_bytes ||
          spec.memory_bytes * n < search.request().model->weights.file_bytes || (n > 1 && is_laptop(spec)))
        continue;
      if (!present.spec.vendor.empty() && spec.vendor != present.spec.vendor) continue;
      if (own_generation && spec.architecture != present.spec.architecture) continue;
      if (!has_kernels(search.request().speed.engine, spec, search.request().speed.quant)) continue;
      const auto larger = with_device(machine, spec);
      auto attempt = search.unchanged();
      attempt.machine = &larger;
      attempt.change = n == 1 ? fmt::format("--gpu {}", spec.id) : fmt::format("--gpu {}x{}", n, spec.id);
      if (search.offer(attempt)) return;
    }
  }
}

/// More of the same card, as many as one board takes, until all of it is on them. vLLM's boards take eight.
void try_more_of_the_same(Search& search) {
  constexpr std::array<std::size_t, 4> counts{2, 3, 4, 8};
  auto machine = search.request().machine;
  if (machine.devices.empty()) return;
  const auto present = machine.devices[0];
  const bool addable =
      present.spec.kind == DeviceKind::discrete && !present.spec.id.empty() && !is_laptop(present.spec);
  if (!all_alike(machine) || !addable || !search.unchanged().placement.tensor_split.empty()) return;
  for (const auto count : counts) {
    if (count <= machine.devices.size() || (count > 4 && !is_vllm(search))) continue;
    while (machine.devices.size() < count) {
      machine.devices.push_back(present);
      machine.devices.back().id = fmt::format("gpu{}", machine.devices.size() - 1);
    }
    auto attempt = search.unchanged();
    attempt.machine = &machine;
    attempt.change = fmt::format("--gpu {}x{}", count, present.spec.id);
    if (search.offer(attempt, VerdictCode::tight)) return;
  }
}

/// The least system memory, in sizes that are sold, with which it runs.
void try_more_system_memory(Search& search) {
  constexpr std::array<Bytes, 15> sold{8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536};
  auto machine = search.request().machine;
  if (machine.unified() || !machine.host.memory_bytes) return;
  const auto present = *machine.host.memory_bytes;
  for (const auto size : sold) {
    if (size * gib <= present) continue;
    const auto added = static_cast<double>(size * gib - *machine.host.memory_bytes);
    if (machine.devices.empty()) machine.host.reserve_bytes += static_cast<Bytes>(added * machine.reserve_share);
    machine.host.memory_bytes = size * gib;
    auto attempt = search.unchanged();
    attempt.machine = &machine;
    attempt.change = fmt::format("--ram {}GiB", size);
    if (search.offer(attempt)) return;
  }
}

}  // namespace

std::vector<Alternative> find_alternatives(const CheckRequest& request, const ContextParams& context,
                                           VerdictCode current) {
  if (current == VerdictCode::fits || (request.machine.devices.empty() && current == VerdictCode::cpu)) return {};
  Search search(request, context, current);
  try_automatic_placement(search);
  try_quantized_cache(search);
  try_higher_share(search);
  try_higher_limit(search);
  try_fewer_slots(search);
  try_smaller_batch(search);
  try_shorter_context(search);
  try_smaller_quant(search);
  try_next_device(search);
  try_more_of_the_same(search);
  if (current == VerdictCode::wont_run) try_more_system_memory(search);
  auto out = search.found();
  std::stable_sort(out.begin(), out.end(),
                   [](const Alternative& a, const Alternative& b) { return better(a.verdict, b.verdict); });
  return out;
}

std::optional<LargerQuant> largest_quant_that_fits(const CheckRequest& request, const ContextParams& context) {
  // A format the model was trained or published in gains nothing from more bits.
  const auto preset = find_quant(request.quant);
  const bool native = !preset || preset->type == TensorType::mxfp4 || preset->type == TensorType::nvfp4;
  if (!request.at_quant || native || request.machine.devices.empty() || !is_llama_based(request.speed.engine))
    return std::nullopt;
  constexpr std::array<std::string_view, 4> ladder{"q8_0", "q6_k", "q5_k_m", "q4_k_m"};
  for (const auto id : ladder) {
    const auto larger = request.at_quant(id);
    if (!larger || larger->weights.file_bytes <= request.model->weights.file_bytes) continue;
    const auto footprint = measure(larger, context);
    const auto placement = solve_placement(footprint, request.machine, request.placement);
    if (judge(footprint, placement, request.machine, {}, {}).code != VerdictCode::fits) continue;
    LargerQuant out{std::string(find_quant(id)->name), 0};
    for (const auto& load : placement.devices) out.device_bytes += load.total();
    return out;
  }
  return std::nullopt;
}

}  // namespace willitrun
