#include "willitrun/advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "willitrun/architecture.hpp"

namespace willitrun {
namespace {

VerdictCode solved(const CheckRequest& request, const std::shared_ptr<const WeighedModel>& model,
                   const ContextParams& params, PlacementOptions options = {}) {
  options.tensor_split = request.placement.tensor_split;
  options.split_mode = request.placement.split_mode;
  const auto footprint = measure(model, params);
  const auto placement = solve_placement(footprint, request.machine, options);
  return judge(footprint, placement, request.machine, {}, {}).code;
}

bool better(VerdictCode candidate, VerdictCode current) {
  return static_cast<int>(candidate) < static_cast<int>(current);
}

/// Presets below a model's own, in falling size; what people step down through.
constexpr std::array<std::string_view, 8> quant_ladder{"q8_0",   "q6_k",   "q5_k_m",  "q4_k_m",
                                                       "iq4_xs", "q3_k_m", "iq3_xxs", "iq2_m"};

/// The largest preset below the present one that is better on this machine.
std::optional<Alternative> smaller_quant(const CheckRequest& request, VerdictCode current) {
  if (!request.unquantized) return std::nullopt;
  for (const auto id : quant_ladder) {
    const auto preset = find_quant(id);
    if (!preset) continue;
    auto model = *request.unquantized;
    apply_quant(*preset, model.spec, model.tensors);
    const auto weighed = weigh_model(std::move(model));
    if (weighed->weights.file_bytes >= request.model->weights.file_bytes) continue;
    const auto verdict = solved(request, weighed, request.context);
    if (better(verdict, current)) return Alternative{fmt::format("--quant {}", id), verdict};
  }
  return std::nullopt;
}

std::optional<Alternative> smaller_cache(const CheckRequest& request, VerdictCode current) {
  if (request.context.type_k != TensorType::f16 || !request.context.flash_attn) return std::nullopt;
  auto params = request.context;
  params.type_k = params.type_v = TensorType::q8_0;
  const auto verdict = solved(request, request.model, params);
  return better(verdict, current) ? std::optional(Alternative{"--kv q8_0", verdict}) : std::nullopt;
}

std::optional<Alternative> shorter_context(const CheckRequest& request, const Footprint& footprint,
                                           VerdictCode current) {
  for (std::uint32_t ctx = footprint.context.n_ctx / 2; ctx >= 2048; ctx /= 2) {
    auto params = request.context;
    params.n_ctx = ctx;
    const auto verdict = solved(request, request.model, params);
    if (better(verdict, current)) return Alternative{fmt::format("--ctx {}", ctx), verdict};
  }
  return std::nullopt;
}

/// A placement the user fixed and that does not fit, left to be solved.
std::optional<Alternative> automatic_placement(const CheckRequest& request, VerdictCode current) {
  if (!request.placement.gpu_layers) return std::nullopt;
  const auto verdict = solved(request, request.model, request.context);
  return better(verdict, current) ? std::optional(Alternative{"--gpu-layers auto", verdict}) : std::nullopt;
}

struct Group {
  std::string_view title;
  std::string_view marks;  // between spaces; any occurs in the tensor's name
};
constexpr std::array tensor_groups{
    Group{"token embedding", "token_embd. position_embd token_types per_layer_token_embd"},
    Group{"output", "output.weight cls"},
    Group{"experts", "_exps"},
    Group{"shared experts", "_shexp"},
    Group{"recurrent", "ssm_ shortconv time_mix"},
    Group{"attention", "attn_q. attn_k. attn_v. attn_qkv attn_output. attn_gate attn_q_ attn_k_b attn_v_b attn_kv"},
    Group{"feed-forward", "ffn_up ffn_gate ffn_down"},
};

bool has_mark(std::string_view name, std::string_view marks) {
  while (!marks.empty()) {
    const auto space = std::min(marks.find(' '), marks.size());
    if (name.find(marks.substr(0, space)) != std::string_view::npos) return true;
    marks.remove_prefix(std::min(space + 1, marks.size()));
  }
  return false;
}

Breakdown weights_by_group(const Footprint& footprint) {
  Breakdown out{"weights as stored", footprint.weights().file_bytes, {}};
  for (const auto& group : tensor_groups) out.parts.push_back({std::string(group.title), 0});
  out.parts.push_back({"norms and the rest", 0});
  for (const auto& tensor : footprint.weighed->model.tensors) {
    const auto it = std::find_if(tensor_groups.begin(), tensor_groups.end(),
                                 [&](const Group& g) { return has_mark(tensor.name, g.marks); });
    out.parts[static_cast<std::size_t>(it - tensor_groups.begin())].bytes += tensor.bytes();
  }
  std::erase_if(out.parts, [](const Part& part) { return part.bytes == 0; });
  return out;
}

Breakdown cache_by_kind(const Footprint& footprint) {
  Breakdown out{"context", 0, {}};
  Bytes full = 0, sliding = 0, state = 0;
  std::uint32_t n_full = 0, n_sliding = 0, n_state = 0;
  for (std::uint32_t il = 0; il < footprint.caches.size(); ++il) {
    const auto& c = footprint.caches[il];
    auto& bytes = footprint.spec().slides(il) ? sliding : full;
    auto& count = footprint.spec().slides(il) ? n_sliding : n_full;
    bytes += c.kv_device;
    count += c.kv_device > 0 ? 1 : 0;
    state += c.state_device;
    n_state += c.state_device > 0 ? 1 : 0;
  }
  const auto& x = footprint.context;
  if (full > 0) out.parts.push_back({fmt::format("{} layers x {} cells", n_full, x.n_ctx_seq * x.n_stream), full});
  if (sliding > 0)
    out.parts.push_back({fmt::format("{} sliding layers x {} cells", n_sliding, x.n_swa_cells * x.n_stream), sliding});
  if (state > 0) out.parts.push_back({fmt::format("state of {} recurrent layers", n_state), state});
  out.total = full + sliding + state;
  return out;
}

Breakdown by_kind(std::string title, const Load& load) {
  Breakdown out{std::move(title), load.total(), {}};
  const std::array<Part, 6> parts{Part{"weights", load.weights},         Part{"KV cache", load.kv_cache},
                                  Part{"recurrent state", load.state},   Part{"compute", load.compute},
                                  Part{"embedding tables", load.tables}, Part{"runtime overhead", load.overhead}};
  std::copy_if(parts.begin(), parts.end(), std::back_inserter(out.parts), [](const Part& p) { return p.bytes > 0; });
  return out;
}

std::string file_name(const CheckRequest& request) {
  if (!request.model_file.empty()) return request.model_file;
  std::string name = request.model->model.spec.id + "-" + request.quant + ".gguf";
  return name;
}

std::string cache_type_flags(const ContextParams& p) {
  if (p.type_k == TensorType::f16 && p.type_v == TensorType::f16) return {};
  return fmt::format(" -ctk {} -ctv {}", info(p.type_k).name, info(p.type_v).name);
}

}  // namespace

std::vector<Alternative> find_alternatives(const CheckRequest& request, const Footprint& footprint,
                                           VerdictCode current) {
  std::vector<Alternative> out;
  if (current == VerdictCode::fits || request.machine.devices.empty()) return out;
  const auto add = [&](std::optional<Alternative> a) {
    if (a) out.push_back(std::move(*a));
  };
  add(automatic_placement(request, current));
  add(smaller_cache(request, current));
  add(shorter_context(request, footprint, current));
  add(smaller_quant(request, current));
  std::stable_sort(out.begin(), out.end(),
                   [](const Alternative& a, const Alternative& b) { return better(a.verdict, b.verdict); });
  return out;
}

std::vector<std::pair<std::string, std::string>> run_commands(const CheckRequest& request, const Placement& placement) {
  if (!placement.fits() || !request.model->model.spec.keeps_cache) return {};
  const auto& p = request.context;
  const bool all = placement.split.gpu_layers >= placement.split.layer_device.size();
  std::string command = fmt::format("llama-server -m {} -c {} -ngl {}", file_name(request), placement.context.n_ctx,
                                    all ? 99 : placement.split.gpu_layers);
  if (placement.cpu_moe_layers > 0) {
    const auto& hosted = placement.split.experts_on_host;
    const auto last = std::find(hosted.rbegin(), hosted.rend(), true);
    command += fmt::format(" --n-cpu-moe {}", hosted.rend() - last);
  }
  command += cache_type_flags(p);
  if (p.n_seq_max > 1) command += fmt::format(" -np {}", p.n_seq_max);
  if (p.n_ubatch != 512) command += fmt::format(" -ub {}", p.n_ubatch);
  if (!p.flash_attn) command += " -fa off";
  if (!p.offload_kqv) command += " --no-kv-offload";
  if (p.swa_full) command += " --swa-full";
  return {{"llama.cpp", command}};
}

std::vector<Breakdown> explain_figures(const Footprint& footprint, const Placement& placement, const Machine& machine) {
  std::vector<Breakdown> out{weights_by_group(footprint), cache_by_kind(footprint)};
  for (std::size_t i = 0; i < placement.devices.size(); ++i)
    out.push_back(by_kind(machine.devices[i].id + " holds", placement.devices[i]));
  if (placement.host.total() > 0) out.push_back(by_kind("system memory holds", placement.host));
  return out;
}

}  // namespace willitrun
