#include "willitrun/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "willitrun/advice.hpp"
#include "willitrun/speed_model.hpp"

namespace willitrun {
namespace {

ModelSummary summarize(const CheckRequest& request) {
  const auto& model = request.model->model;
  const auto& weights = request.model->weights;
  ModelSummary out;
  out.id = model.spec.id;
  out.name = model.spec.name;
  out.source = model.source;
  out.architecture = model.spec.architecture;
  out.quant = request.quant;
  out.parameters = weights.parameters;
  out.active_parameters = weights.active_parameters;
  out.layers = model.spec.n_layer;
  out.context_length = model.spec.n_ctx_train;
  out.weights_bytes = weights.file_bytes;
  out.token_embedding_bytes = weights.token_embedding_bytes;
  out.output_bytes = weights.output_bytes;
  return out;
}

PlacementSummary summarize(const Placement& placement) {
  PlacementSummary out;
  out.gpu_layers = placement.split.gpu_layers;
  out.total_layers = static_cast<std::uint32_t>(placement.split.layer_device.size());
  out.cpu_moe_layers = placement.split.n_expert_overrides;
  out.kv_on_gpu = placement.split.kv_on_device && !placement.devices.empty();
  const auto total = static_cast<double>(placement.total());
  if (total > 0) {
    out.cpu_percent = 100.0 * static_cast<double>(placement.host.total() + placement.beside_gpu) / total;
    out.gpu_percent = 100.0 - out.cpu_percent;
  }
  return out;
}

/// The context asked for, `--ctx max` resolved.
ContextParams context_of(const CheckRequest& request) {
  auto params = request.context;
  if (request.longest_ctx)
    params.n_ctx = chosen_context(measure(request.model, params), request.machine, request.placement);
  return params;
}

/// What llama.cpp would refuse of --split-mode tensor.
std::optional<Error> refused_slices(const CheckRequest& request) {
  if (request.placement.split_mode != SplitMode::tensor || request.machine.devices.size() < 2) return {};
  const auto& model = request.model->model;
  if (!can_be_sliced(model.spec))
    return Error{"contradiction",
                 fmt::format("--split-mode tensor is not possible with architecture '{}' ({}); use layer",
                             model.spec.architecture, model.spec.id)};
  if (!request.context.flash_attn)
    return Error{"contradiction", "--split-mode tensor contradicts --flash-attn off: slices need flash attention"};
  return {};
}

void add_warnings(const CheckRequest& request, const Footprint& footprint, Report& report) {
  const auto& spec = footprint.spec();
  const auto warn = [&](std::string code, std::string message) {
    report.warnings.push_back({std::move(code), std::move(message)});
  };
  if (spec.n_ctx_train != 0 && request.requested_ctx > spec.n_ctx_train)
    warn("context_beyond_model", fmt::format("context {} is beyond the model's own {}",
                                             format_grouped(request.requested_ctx), format_grouped(spec.n_ctx_train)));
  if (request.model->model.generic)
    warn("unknown_architecture",
         fmt::format("architecture '{}' is not known here: weights are exact, cache and compute follow the generic "
                     "transformer rules",
                     spec.architecture));
  if (spec.hears())
    warn("scratch_not_modelled",
         "whisper.cpp runs this model; its scratch buffers are not known here, what an encoder of this size takes "
         "stands "
         "in for them");
  if (!request.context.flash_attn && is_block_quantized(request.context.type_v))
    warn("quantized_v_needs_flash_attention", "llama.cpp refuses a quantised V cache without flash attention");
}

/// Where vLLM's memory is less well known. One page of state or two: MambaSpec in vllm/v1/kv_cache_interface.py.
void add_served_warnings(const CheckRequest& request, const Footprint& footprint, Report& report) {
  if (!footprint.params.served) return;
  const auto& caches = footprint.caches;
  if (std::any_of(caches.begin(), caches.end(), [](const LayerCache& c) { return c.state_device > 0; }))
    report.warnings.push_back({"state_not_modelled",
                               "the recurrent state is one request's, as vllm keeps it without prefix caching: with it "
                               "that may be twice as much"});
  const auto& devices = request.machine.devices;
  if (std::any_of(devices.begin(), devices.end(), [](const Device& d) { return d.spec.vendor == "amd"; }))
    report.warnings.push_back({"scratch_not_modelled",
                               "what vllm takes besides weights and cache follows its logs on NVIDIA GPUs; on AMD's it "
                               "took up to several GiB more"});
}

/// How vLLM spreads a model, and why not in slices where it does not.
void add_parallel_assumption(const CheckRequest& request, const Placement& placement, Report& report) {
  const auto n = request.machine.devices.size();
  if (request.placement.split_mode != SplitMode::parallel || n < 2) return;
  const auto undivided = undivided_part(request.model->model, n);
  report.assumptions.push_back(
      {"engine_parallel",
       placement.split.sharded
           ? fmt::format("tensor parallel over {} GPUs, a share of every layer on each", n)
           : fmt::format("pipeline parallel over {} GPUs, as {} do not divide by {}", n, undivided, n)});
}

/// llama-server is told all of it, lms a part.
void add_command_warning(const CheckRequest& request, Report& report) {
  const auto& all = report.commands;
  const auto named = [](const auto& command) { return command.first == "lmstudio"; };
  if (request.speed.engine != Engine::lmstudio || all.empty() || std::any_of(all.begin(), all.end(), named)) return;
  report.warnings.push_back(
      {"set_in_window", "lms load has no options for all of this: LM Studio's window sets it, per model"});
}

/// A prompt on the processor alone is as fast as its cores are many.
void add_cores_assumption(const Machine& machine, Report& report) {
  const auto& cpu = machine.host.cpu;
  if (!machine.devices.empty() || !report.speed.prefill_tokens_per_s || (cpu && cpu->cores)) return;
  const auto why = cpu ? fmt::format(", as '{}' comes with various counts", cpu->name) : std::string();
  report.assumptions.push_back(
      {"cpu_cores",
       fmt::format("{} processor cores{} (--cpu with an exact processor states them)", typical_cores, why)});
}

}  // namespace

Bytes Report::total_bytes() const {
  Bytes sum = host.total();
  for (const auto& load : devices) sum += load.total();
  return sum;
}

Result<Report> check(const CheckRequest& request) {
  if (auto impossible = refused_slices(request)) return *impossible;
  const auto params = context_of(request);
  const auto footprint = measure(request.model, params);
  const auto placement = solve_placement(footprint, request.machine, request.placement);

  Report report;
  report.machine = request.machine;
  report.assumptions = request.machine.assumptions;
  report.model = summarize(request);
  report.devices = placement.devices;
  report.usable = placement.usable;
  report.host = placement.host;
  report.placement = summarize(placement);
  report.context.requested = request.longest_ctx ? params.n_ctx : request.requested_ctx;
  report.context.allocated = footprint.spec().keeps_cache ? placement.context.n_ctx : 0;
  // A placement the user fixed is answered for even where the rules say it does not fit: limits can be raised.
  if (placement.fits() || request.placement.gpu_layers) {
    report.speed = estimate_speed(footprint, placement, request.machine, request.speed);
    if (!placement.fits()) report.speed.notes.emplace_back("the speed is as if it fitted");
  }
  // Sound is read in pieces of half a minute; nobody asks for tokens per second.
  if (footprint.spec().hears()) {
    report.speed = {};
    report.speed.notes.emplace_back("the speed of speech recognition is not estimated");
  }
  // An encoder reads a text at once; it decodes nothing.
  if (!footprint.spec().keeps_cache) report.speed.decode_tokens_per_s.reset();
  // A line of a batch has no reader.
  if (request.advise)
    for (auto& note : speed_notes(request, footprint, placement, report)) report.speed.notes.push_back(std::move(note));
  report.verdict = judge(footprint, placement, request.machine, report.speed, request.requirement);
  report.warnings = request.warnings;
  add_warnings(request, footprint, report);
  add_served_warnings(request, footprint, report);
  add_parallel_assumption(request, placement, report);
  add_cores_assumption(request.machine, report);
  const bool has_limit = footprint.spec().keeps_cache && footprint.spec().n_ctx_train > 0;
  if ((request.advise || request.measure_room) && has_limit) {
    const auto longest = longest_context(footprint, request.machine, request.placement, footprint.spec().n_ctx_train);
    report.context.max_on_gpu = longest.on_device;
    report.context.max = longest.anywhere;
  }
  if (request.advise) {
    // No change makes a speed known that is not.
    if (report.verdict.code != VerdictCode::unknown)
      report.alternatives = find_alternatives(request, params, report.verdict.code);
    if (report.verdict.code == VerdictCode::fits) report.larger_quant = largest_quant_that_fits(request, params);
  }
  report.commands = run_commands(request, placement);
  add_command_warning(request, report);
  if (request.explain) report.breakdowns = explain_figures(footprint, placement, request.machine);
  return report;
}

}  // namespace willitrun
