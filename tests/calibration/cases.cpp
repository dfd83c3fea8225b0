#include "calibration/cases.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "willitrun/catalog.hpp"
#include "willitrun/machine.hpp"
#include "willitrun/quant.hpp"

namespace calibration {
namespace {

using namespace willitrun;

Engine engine_of(const Measurement& m) {
  const auto has = [&](std::string_view word) {
    return m.engine.find(word) != std::string_view::npos || m.backend == word;
  };
  // On processors the machines differ far more than the engines do: all share one set of rows.
  if (m.cls == "cpu") return Engine::llama_cpp;
  if (has("localscore")) return Engine::llamafile;
  if (has("mlx")) return Engine::mlx;
  if (has("vllm")) return Engine::vllm;
  return Engine::llama_cpp;
}

std::optional<Backend> backend_of(const Measurement& m) {
  for (const auto backend :
       {Backend::cuda, Backend::rocm, Backend::vulkan, Backend::metal, Backend::sycl, Backend::cpu})
    if (m.backend == name_of(backend)) return backend;
  return std::nullopt;
}

Result<Machine> machine_of(const Measurement& m) {
  MachineRequest request;
  request.backend = backend_of(m);
  request.reserve.kind = Reserve::Kind::bytes;
  if (m.cls == "cpu") {
    const auto cpu = find_cpu(m.device);
    if (!cpu) return cpu.error();
    request.host_name = cpu->name;
    request.ram_bandwidth_gb_s = cpu->bandwidth_gb_s;
    request.cpu = *cpu;
  } else {
    const auto device = find_device(m.device);
    if (!device) return device.error();
    request.devices.assign(m.count, device->entry);
    if (device->entry.vendor == "apple") request.os = OperatingSystem::macos;
  }
  return assemble_machine(request);
}

class Models {
 public:
  Result<std::shared_ptr<const WeighedModel>> at(const Measurement& m) {
    const auto key = std::string(m.model) + ' ' + std::string(m.quant);
    if (const auto it = models_.find(key); it != models_.end()) return it->second;
    const auto found = find_model(m.model);
    if (!found) return found.error();
    const auto preset = find_quant(m.quant);
    if (!preset) return preset.error();
    auto model = model_from_entry(found->entry);
    if (!model) return model.error();
    apply_quant(*preset, model->spec, model->tensors);
    return models_.emplace(key, weigh_model(std::move(*model))).first->second;
  }

 private:
  std::map<std::string, std::shared_ptr<const WeighedModel>> models_;
};

std::string source_group(std::string_view source) {
  const auto end = source.find(' ');
  return std::string(source.substr(0, end));
}

Result<Case> load_case(const Measurement& m, Models& models, std::span<const SpeedRow> rows) {
  Case out;
  out.measured = &m;
  out.engine = engine_of(m);
  auto machine = machine_of(m);
  if (!machine) return machine.error();
  out.machine = std::move(*machine);
  auto model = models.at(m);
  if (!model) return model.error();
  ContextParams params;
  const auto tokens = m.tokens == 0 ? 128 : m.tokens;
  params.n_ctx = std::max(2048U, m.depth + tokens);
  params.flash_attn = m.flash_attn != "off";
  params.n_ubatch = m.ubatch;
  if (!m.kv.empty())
    if (const auto type = find_cache_type(m.kv)) params.type_k = params.type_v = *type;
  const auto footprint = measure(*model, params);
  PlacementOptions options;
  if (!out.machine.devices.empty()) options.gpu_layers = UINT32_MAX;
  if (m.sliced) options.split_mode = SplitMode::tensor;
  if (out.engine == Engine::vllm) options.split_mode = SplitMode::parallel;
  const auto placement = solve_placement(footprint, out.machine, options);
  SpeedRequest request;
  request.engine = out.engine;
  request.depth = m.depth;
  request.prompt_tokens = m.prefill ? tokens : 512;
  out.work = speed_work(footprint, placement, out.machine, request);
  out.speed = machine_speed(out.machine, out.engine, rows);
  out.source_group = source_group(measurement_source(m.source));
  out.gigabytes = static_cast<double>((*model)->weights.active_bytes) / 1e9;
  out.experts = footprint.spec().is_moe();
  if (missing_bandwidth(out.work, out.speed) != nullptr) return Error{"no_bandwidth", "bandwidth unknown"};
  return out;
}

}  // namespace

const willitrun::SpeedRow& Case::row() const {
  return machine.devices.empty() ? *speed.places.back().row : *speed.places.front().row;
}

double Case::predicted() {
  update_readable(machine, speed);
  return measured->prefill ? work.prompt_tokens / prefill_seconds(work, speed).total()
                           : 1 / decode_seconds(work, speed, 1).total();
}

std::vector<Case> load_cases(std::span<const willitrun::SpeedRow> rows, std::vector<std::string>& unanswered) {
  Models models;
  std::vector<Case> out;
  for (const auto& m : all_measurements()) {
    if (m.cls == "moe-offload") continue;  // how much was offloaded is not in the table
    auto loaded = load_case(m, models, rows);
    if (loaded)
      out.push_back(std::move(*loaded));
    else
      unanswered.push_back(std::string(m.device) + ", " + std::string(m.model) + " " + std::string(m.quant) + ": " +
                           loaded.error().message);
  }
  std::map<std::string_view, double> per_device;
  for (const auto& c : out) ++per_device[c.measured->device];
  // A device with thirty rows says less per row than thirty devices with one.
  for (auto& c : out) c.weight = std::pow(per_device[c.measured->device], -0.3);
  return out;
}

}  // namespace calibration
