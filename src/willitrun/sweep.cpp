#include "willitrun/sweep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>

#include "willitrun/engine_support.hpp"
#include "willitrun/figures.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun {
namespace {

constexpr std::array<std::string_view, 3> kinds{"ctx", "quant", "gpu-layers"};
// One preset for each step in size that people choose between.
constexpr std::array<std::string_view, 12> presets{"iq2_m",  "q2_k",   "iq3_xxs", "q3_k_m", "iq4_xs", "q4_k_s",
                                                   "q4_k_m", "q5_k_m", "q6_k",    "q8_0",   "f16",    "mxfp4_moe"};
constexpr std::uint32_t shortest_ctx = 1024, longest_ctx = 131072;  // the latter where a model states none
constexpr std::uint32_t most_layer_steps = 12;

/// A point: the question, and the option as it would be typed.
struct Point {
  std::string option;
  CheckRequest request;
};

CheckRequest point_of(const CheckRequest& request) {
  auto out = request;
  out.advise = out.explain = false;
  return out;
}

std::vector<Point> contexts(const CheckRequest& request) {
  const auto own = request.model->model.spec.n_ctx_train;
  const auto last = own == 0 ? longest_ctx : own;
  std::vector<std::uint32_t> lengths;
  for (std::uint64_t n = shortest_ctx; n < last; n *= 2) lengths.push_back(static_cast<std::uint32_t>(n));
  lengths.push_back(last);
  std::vector<Point> out;
  for (const auto n : lengths) {
    auto point = point_of(request);
    point.context.n_ctx = point.requested_ctx = n;
    point.longest_ctx = false;
    out.push_back({fmt::format("--ctx {}", n), std::move(point)});
  }
  return out;
}

Result<std::vector<Point>> quants(const CheckRequest& request) {
  if (!request.at_quant)
    return Error{"contradiction", "--sweep quant: a file fixes the types of this model; name the model instead"};
  std::vector<Point> out;
  const auto engine = request.speed.engine;
  for (const auto id : is_llama_based(engine) ? std::span<const std::string_view>(presets) : usual_presets(engine)) {
    // Made for models with experts.
    if (id == "mxfp4_moe" && !request.model->model.spec.is_moe()) continue;
    if (refused_device(engine, request.machine, id)) continue;
    auto point = point_of(request);
    point.model = request.at_quant(id);
    if (!point.model) continue;
    point.quant = find_quant(id) ? find_quant(id)->name : id;
    point.speed.quant = std::string(id);
    out.push_back({fmt::format("--quant {}", id), std::move(point)});
  }
  std::stable_sort(out.begin(), out.end(), [](const Point& a, const Point& b) {
    return a.request.model->weights.file_bytes < b.request.model->weights.file_bytes;
  });
  return out;
}

Result<std::vector<Point>> layers(const CheckRequest& request) {
  if (request.speed.engine == Engine::vllm || request.speed.engine == Engine::mlx)
    return Error{"contradiction",
                 fmt::format("--sweep gpu-layers: {} has no such setting", name_of(request.speed.engine))};
  if (request.machine.devices.empty())
    return Error{"contradiction", "--sweep gpu-layers: there is no GPU to put layers on"};
  const auto all = request.model->model.spec.n_layer_trunk() + 1;  // the output counts as one
  const auto step = std::max(1U, (all + most_layer_steps - 1) / most_layer_steps);
  std::vector<Point> out;
  for (std::uint32_t n = 0;; n = std::min(n + step, all)) {
    auto point = point_of(request);
    point.placement.gpu_layers = n;
    out.push_back({fmt::format("--gpu-layers {}", n), std::move(point)});
    if (n == all) return out;
  }
}

Result<std::vector<Point>> points_of(const CheckRequest& request, SweepKind kind) {
  switch (kind) {
    case SweepKind::quant: return quants(request);
    case SweepKind::gpu_layers: return layers(request);
    case SweepKind::ctx: break;
  }
  if (!request.model->model.spec.keeps_cache) return Error{"contradiction", "--sweep ctx: an encoder keeps no context"};
  return contexts(request);
}

void set_usable(const Machine& machine, Sweep& out) {
  out.shared_pool = machine.unified();
  for (const auto& device : machine.devices) out.usable += device.usable_bytes();
  if (!machine.devices.empty()) return;
  out.on_host = true;
  out.usable = machine.host.usable_bytes().value_or(0);
}

}  // namespace

Result<SweepKind> find_sweep(std::string_view name) {
  const auto* it = std::find(kinds.begin(), kinds.end(), name);
  if (it != kinds.end()) return static_cast<SweepKind>(it - kinds.begin());
  const auto near = nearest(name, kinds);
  return Error{"bad_value", fmt::format("--sweep '{}': must be {}{}", name, fmt::join(kinds, ", "), did_you_mean(near)),
               near};
}

Result<Sweep> sweep(const CheckRequest& request, SweepKind kind) {
  if (!request.model) return Error{"contradiction", "--sweep is for language models, not for embedding tables"};
  auto points = points_of(request, kind);
  if (!points) return points.error();
  Sweep out;
  out.kind = kind;
  set_usable(request.machine, out);
  for (auto& [option, question] : *points) {
    const auto report = check(question);
    if (!report) return report.error();
    auto outcome = outcome_of(*report);
    outcome.name = std::move(option);
    if (out.title.empty()) {
      out.title = report->model.name;
      if (kind != SweepKind::quant) out.title += ", " + report->model.quant;
      if (kind != SweepKind::ctx) out.title += fmt::format(", {} tokens", format_grouped(report->context.allocated));
      out.title += " on " + machine_text(report->machine);
    }
    out.points.push_back(std::move(outcome));
  }
  return out;
}

}  // namespace willitrun
