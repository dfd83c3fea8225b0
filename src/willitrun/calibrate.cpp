#include "willitrun/calibrate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "willitrun/bench_match.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/kv_cache.hpp"
#include "willitrun/placement.hpp"
#include "willitrun/speed.hpp"

namespace willitrun {
namespace {

/// How far (as a factor) other models on a device are from what some models say of it: 80 % of published runs are
/// within, see `willitrun_refit --held-out`.
constexpr double transfer_decode = 1.25, transfer_prefill = 1.45;
/// The same for a second run: published repetitions on one device differ by a median of 2.4 %.
constexpr double repeat = 1.06;
/// Published runs up to this share of the theoretical bandwidth are believable; beyond, the device was another.
constexpr double most_of_bandwidth = 1.15;

std::string cannot_compare(const BenchRow& row) {
  if (row.embeddings) return "it computes embeddings";
  if (row.n_prompt > 0 && row.n_gen > 0) return "it times prompt and answer together";
  if (row.n_prompt == 0 && row.n_gen == 0) return "it has neither prompt nor answer";
  if (row.tensor_buft_overrides != "none" && !row.tensor_buft_overrides.empty()) return "it overrides tensors' places";
  if (row.n_cpu_moe > 0) return "some experts were in system memory";
  if (row.split_mode == "row") return "split mode row is not modelled";
  return {};
}

struct Setup {
  Machine machine;
  std::string device, name;
};

Setup cpu_setup(const BenchRow& row, const BenchMachine& stated) {
  MachineRequest request;
  request.backend = Backend::cpu;
  auto cpu = stated.cpu;
  if (!cpu)
    if (const auto found = find_cpu(row.cpu_info)) cpu = *found;
  request.host_name = cpu ? cpu->name : row.cpu_info;
  if (cpu) request.ram_bandwidth_gb_s = cpu->bandwidth_gb_s;
  request.cpu = cpu;
  return {assemble_machine(request), cpu ? cpu->id : row.cpu_info, request.host_name};
}

Result<Setup> gpu_setup(const BenchRow& row, const BenchMachine& stated, Backend backend) {
  auto devices =
      stated.gpu ? Result<std::vector<DeviceSpec>>(std::vector<DeviceSpec>{*stated.gpu}) : bench_devices(row);
  if (!devices) return devices.error();
  const auto& first = devices->front();
  if (std::any_of(devices->begin(), devices->end(), [&](const DeviceSpec& d) { return d.id != first.id; }))
    return Error{"different_gpus", "different GPUs worked together"};
  if (!first.bandwidth_gb_s)
    return Error{"no_bandwidth", fmt::format("the memory bandwidth of {} is unknown", first.name)};
  MachineRequest request;
  request.devices = *devices;
  request.backend = backend;
  request.os = first.vendor == "apple" ? OperatingSystem::macos : OperatingSystem::linux_os;
  return Setup{assemble_machine(request), first.id, first.name};
}

/// Where the run's work was done; runs over both GPU and CPU say nothing of either alone.
Result<Setup> setup_of(const BenchRow& row, const BenchMachine& stated, const Footprint& footprint) {
  const auto backend = bench_backend(row);
  if (!backend) return Error{"unknown_backend", fmt::format("backend {} is not modelled", row.backends)};
  if (*backend == Backend::cpu) return cpu_setup(row, stated);
  if (row.n_gpu_layers == 0 && row.n_prompt == 0) return cpu_setup(row, stated);
  if (row.n_gpu_layers == 0) return Error{"mixed", "its weights were copied to the GPU for the prompt"};
  if (row.n_gpu_layers > 0 && row.n_gpu_layers < static_cast<std::int64_t>(footprint.spec().n_layer) + 1)
    return Error{"mixed", fmt::format("{} layers were on the GPU, the rest on the CPU", row.n_gpu_layers)};
  if (row.no_kv_offload) return Error{"mixed", "the cache was in system memory"};
  return gpu_setup(row, stated, *backend);
}

Result<ContextParams> context_of(const BenchRow& row) {
  ContextParams params;
  params.n_ctx = std::max(2048U, row.n_depth + row.n_prompt + row.n_gen);
  params.n_batch = std::max(row.n_batch, 1U);
  params.n_ubatch = std::max(row.n_ubatch, 1U);
  params.flash_attn = row.flash_attn;
  const auto k = find_cache_type(row.type_k), v = find_cache_type(row.type_v);
  if (!k) return k.error();
  if (!v) return v.error();
  params.type_k = *k;
  params.type_v = *v;
  return params;
}

/// Fills in the estimate, or says why there is none.
std::string estimate(ComparedRow& out, const BenchMachine& stated) {
  const auto& row = out.bench;
  if (auto reason = cannot_compare(row); !reason.empty()) return reason;
  const auto model = bench_model(row);
  if (!model) return model.error().message;
  const auto params = context_of(row);
  if (!params) return params.error().message;
  const auto footprint = measure(model->weighed, *params);
  auto setup = setup_of(row, stated, footprint);
  if (!setup) return setup.error().message;
  const auto& machine = setup->machine;
  PlacementOptions options;
  if (!machine.devices.empty()) options.gpu_layers = UINT32_MAX;
  if (row.split_mode == "tensor" && machine.devices.size() > 1) {
    if (!can_be_sliced(footprint.spec())) return "llama.cpp does not slice this model";
    options.split_mode = SplitMode::tensor;
  }
  SpeedRequest request;
  request.depth = row.n_depth;
  request.prompt_tokens = std::max(row.n_prompt, 1U);
  request.measured = false;
  const auto speed = estimate_speed(footprint, solve_placement(footprint, machine, options), machine, request);
  out.prefill = row.n_prompt > 0;
  const auto& range = out.prefill ? speed.prefill_tokens_per_s : speed.decode_tokens_per_s;
  if (!range) return speed.notes.empty() ? "there is no estimate for it" : speed.notes.front();
  const double gb_s =
      machine.devices.empty() ? machine.host.bandwidth_gb_s.value_or(0) : *machine.devices[0].spec.bandwidth_gb_s;
  const double read = row.avg_ts * static_cast<double>(footprint.weights().active_bytes) * 1e-9;
  if (!out.prefill && gb_s > 0 && read > most_of_bandwidth * gb_s)
    return fmt::format("it would read {:.0f} GB/s where {} has {:.0f}; was it another device?", read, setup->name,
                       gb_s);
  out.device = setup->device;
  out.device_name = setup->name;
  out.backend = name_of(machine.backend);
  out.model = footprint.spec().id;
  out.model_name = footprint.spec().name;
  out.quant = model->quant;
  out.exact = model->exact;
  out.estimated = range->mid;
  return {};
}

/// The median of measured over estimated, in a range that is at least `least` each way.
std::optional<Factor> factor_of(std::vector<double> ratios, double least) {
  if (ratios.empty()) return std::nullopt;
  std::sort(ratios.begin(), ratios.end());
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(ratios.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const auto above = std::min(below + 1, ratios.size() - 1);
    return std::exp(std::lerp(std::log(ratios[below]), std::log(ratios[above]), place - std::floor(place)));
  };
  const double mid = at(0.5);
  return Factor{mid, std::min(at(0.1), mid / least), std::max(at(0.9), mid * least),
                static_cast<std::uint32_t>(ratios.size())};
}

std::optional<Factor> factor_of(const std::vector<const ComparedRow*>& rows, bool prefill, double least) {
  std::vector<double> ratios;
  for (const auto* row : rows)
    if (row->prefill == prefill) ratios.push_back(row->ratio());
  return factor_of(std::move(ratios), least);
}

}  // namespace

std::vector<ComparedRow> compare_bench(const std::vector<BenchRow>& rows, const BenchMachine& machine) {
  std::vector<ComparedRow> out;
  for (const auto& row : rows) {
    ComparedRow compared;
    compared.bench = row;
    compared.left_out = estimate(compared, machine);
    out.push_back(std::move(compared));
  }
  return out;
}

std::vector<Correction> corrections_from(const std::vector<ComparedRow>& rows, const std::string& source) {
  using Key = std::pair<std::string, std::string>;
  std::map<Key, std::vector<const ComparedRow*>> devices;
  for (const auto& row : rows)
    if (row.left_out.empty()) devices[{row.device, row.backend}].push_back(&row);
  std::vector<Correction> out;
  for (const auto& [key, group] : devices) {
    Correction c{key.first,
                 group.front()->device_name,
                 key.second,
                 {},
                 source,
                 factor_of(group, false, transfer_decode),
                 factor_of(group, true, transfer_prefill),
                 {}};
    std::map<Key, std::vector<const ComparedRow*>> models;
    for (const auto* row : group) {
      c.date = std::max(c.date, row->bench.date);
      models[{row->model, row->quant}].push_back(row);
    }
    for (const auto& [model, own] : models)
      c.models.push_back({model.first, model.second, factor_of(own, false, repeat), factor_of(own, true, repeat)});
    out.push_back(std::move(c));
  }
  return out;
}

void merge(Corrections& into, const std::vector<Correction>& fresh) {
  if (into.estimates != speed_fit_date()) into = {std::string(speed_fit_date()), {}};
  for (const auto& correction : fresh) {
    std::erase_if(into.devices, [&](const Correction& old) {
      return old.device == correction.device && old.backend == correction.backend;
    });
    into.devices.push_back(correction);
  }
}

}  // namespace willitrun
