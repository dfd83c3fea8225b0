#include "willitrun/speed.hpp"

#include <algorithm>
#include <array>

namespace willitrun {
namespace {

using enum Backend;

/// Share of the theoretical figure that llama.cpp reaches. Fitted to 1,749 published decode and 915 prefill
/// measurements (medians of groups; see data/README.md). `any` architecture rows close each backend.
struct EfficiencyRow {
  Backend backend;
  std::string_view architecture;
  double bandwidth;  // of theoretical memory bandwidth, after the time per layer is taken out
  double matrix;     // of dense f16 matrix throughput in prefill
};
constexpr std::array efficiency_rows{
    EfficiencyRow{cuda, "Ada", 0.90, 0.73},
    EfficiencyRow{cuda, "Blackwell", 0.89, 0.88},
    EfficiencyRow{cuda, "Turing", 0.81, 0.49},
    EfficiencyRow{cuda, "Ampere", 0.74, 0.78},
    EfficiencyRow{cuda, "Volta", 0.62, 0.40},
    EfficiencyRow{cuda, "Hopper", 0.70, 0.30},
    EfficiencyRow{cuda, "Pascal", 0.55, 0.90},
    EfficiencyRow{cuda, "", 0.70, 0.50},
    EfficiencyRow{metal, "Apple M1", 0.67, 0.31},
    EfficiencyRow{metal, "Apple M2", 0.75, 0.31},
    EfficiencyRow{metal, "Apple M3", 0.79, 0.31},
    EfficiencyRow{metal, "Apple M4", 0.79, 0.31},
    EfficiencyRow{metal, "Apple M5", 0.89, 0.31},
    EfficiencyRow{metal, "", 0.75, 0.31},
    EfficiencyRow{vulkan, "RDNA2", 0.73, 0.33},
    EfficiencyRow{vulkan, "RDNA3.5", 0.76, 0.20},
    EfficiencyRow{vulkan, "RDNA3", 0.79, 0.33},
    EfficiencyRow{vulkan, "RDNA4", 0.78, 0.66},
    EfficiencyRow{vulkan, "Battlemage", 0.50, 0.09},
    EfficiencyRow{vulkan, "", 0.70, 0.25},
    EfficiencyRow{rocm, "RDNA3.5", 0.76, 0.20},
    EfficiencyRow{rocm, "RDNA3", 0.68, 0.33},
    EfficiencyRow{rocm, "RDNA4", 0.94, 0.66},
    EfficiencyRow{rocm, "", 0.68, 0.30},
    EfficiencyRow{sycl, "", 0.50, 0.21},
    EfficiencyRow{cpu, "", 0.65, 0.50},
};

/// Fixed time a layer costs besides its reads, and how much slower than weights a cache is read. Same fit.
struct BackendRow {
  Backend backend;
  double seconds_per_layer;
  double cache_factor;
};
constexpr std::array backend_rows{
    BackendRow{cuda, 61e-6, 0.7},  BackendRow{rocm, 120e-6, 1.0}, BackendRow{vulkan, 50e-6, 1.2},
    BackendRow{metal, 98e-6, 1.5}, BackendRow{sycl, 120e-6, 1.2}, BackendRow{cpu, 30e-6, 1.0},
};
constexpr double moe_layer_factor = 1.7;                // expert layers launch more kernels
constexpr double seconds_per_offloaded_layer = 300e-6;  // moving activations to the CPU and back

/// Spread of published measurements around the estimate on machines like these: 80 % lie inside.
constexpr double low_factor = 0.65, high_factor = 1.35;

/// System memory nobody described: dual-channel DDR4-3200 to DDR5-6400, of which CPUs reach about two thirds.
constexpr double typical_host_gb_s = 70, host_efficiency = 0.65;

const EfficiencyRow& efficiency(Backend backend, const std::string& architecture) {
  for (const auto& row : efficiency_rows)
    if (row.backend == backend && architecture.starts_with(row.architecture)) return row;
  return efficiency_rows.back();
}

const BackendRow& timing(Backend backend) {
  return *std::find_if(backend_rows.begin(), backend_rows.end() - 1,
                       [&](const BackendRow& row) { return row.backend == backend; });
}

/// Bytes a token's pass reads of the routed experts, of all `bytes`.
double fired(const ModelSpec& spec, Bytes bytes) {
  return spec.n_expert == 0 ? 0 : static_cast<double>(bytes) * spec.n_expert_used / spec.n_expert;
}

/// Share of layer `il`'s cache that holds tokens at `depth`.
double filled(const Footprint& f, std::uint32_t il, std::uint32_t depth) {
  const auto cells = f.spec().slides(il) ? f.context.n_swa_cells : f.context.n_ctx_seq;
  const auto tokens = f.spec().slides(il) ? std::min(depth, f.spec().n_swa) : depth;
  return cells == 0 ? 0 : std::min(1.0, static_cast<double>(tokens) / cells / f.context.n_stream);
}

/// What one place reads for one token.
struct Reads {
  double weights = 0, cache = 0;
  std::uint32_t layers = 0, offloaded_experts = 0;
};

std::vector<Reads> reads_per_place(const Footprint& f, const Placement& p, std::uint32_t depth) {
  std::vector<Reads> places(p.devices.size() + 1);  // the host last
  const auto at = [&](std::int32_t device) -> Reads& {
    return device < 0 ? places.back() : places[static_cast<std::size_t>(device)];
  };
  const auto& w = f.weights();
  at(p.split.layer_device.back()).weights += static_cast<double>(w.output.file + w.tied_output.file);
  for (std::uint32_t il = 0; il < f.spec().n_layer_trunk(); ++il) {
    auto& place = at(p.split.layer_device[il]);
    place.weights += static_cast<double>(w.layers[il].dense.file);
    ++place.layers;
    const bool experts_away = p.split.experts_host(il) && p.split.layer_device[il] >= 0;
    (experts_away ? places.back() : place).weights += fired(f.spec(), w.layers[il].experts.file);
    if (experts_away) ++places.back().offloaded_experts;
    const auto device = p.split.kv_on_device ? p.split.layer_device[il] : -1;
    const auto& c = f.caches[il];
    at(device).cache += static_cast<double>(c.kv_host) * filled(f, il, depth) + static_cast<double>(c.state_host);
  }
  return places;
}

double layer_seconds(const Footprint& f, const Reads& reads, Backend backend) {
  const double factor = f.spec().is_moe() ? moe_layer_factor : 1.0;
  return reads.layers * timing(backend).seconds_per_layer * factor +
         reads.offloaded_experts * seconds_per_offloaded_layer;
}

/// Seconds a token takes at depth, or nothing with the missing fact noted.
std::optional<double> decode_seconds(const Footprint& f, const Placement& p, const Machine& m, std::uint32_t depth,
                                     SpeedEstimate& out) {
  const auto places = reads_per_place(f, p, depth);
  double seconds = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& reads = places[i];
    if (reads.weights + reads.cache == 0) continue;
    const bool host = i + 1 == places.size();
    const auto backend = host ? cpu : m.backend;
    auto bandwidth = host ? m.host.bandwidth_gb_s : m.devices[i].spec.bandwidth_gb_s;
    if (!bandwidth && host) {
      bandwidth = typical_host_gb_s;
      out.notes.emplace_back("system memory bandwidth not stated: 70 GB/s assumed; give --ram-bandwidth or --cpu");
    }
    if (!bandwidth) {
      out.notes.emplace_back("memory bandwidth of " + m.devices[i].id + " is unknown; give --bandwidth");
      return std::nullopt;
    }
    const auto share = host ? host_efficiency : efficiency(backend, m.devices[i].spec.architecture).bandwidth;
    seconds += (reads.weights + reads.cache * timing(backend).cache_factor) / (*bandwidth * 1e9 * share);
    seconds += layer_seconds(f, reads, backend);
  }
  return seconds;
}

/// Seconds for a whole prompt on the accelerators: arithmetic, and the weights read once per physical batch.
std::optional<double> prefill_seconds(const Footprint& f, const Placement& p, const Machine& m, std::uint32_t tokens) {
  if (!p.fully_on_device()) return std::nullopt;
  double seconds = 0;
  const double passes = static_cast<double>((tokens + f.context.n_ubatch - 1) / std::max(f.context.n_ubatch, 1U));
  for (std::size_t i = 0; i < m.devices.size(); ++i) {
    const auto& spec = m.devices[i].spec;
    const auto tflops = spec.fp16_matrix_tflops ? spec.fp16_matrix_tflops : spec.fp32_tflops;
    if (!tflops || !spec.bandwidth_gb_s) return std::nullopt;
    const auto& row = efficiency(m.backend, spec.architecture);
    const double share = 1.0 / static_cast<double>(m.devices.size());
    seconds +=
        2.0 * static_cast<double>(f.weights().active_parameters) * tokens * share / (*tflops * 1e12 * row.matrix);
    seconds += passes * static_cast<double>(p.devices[i].weights) / (*spec.bandwidth_gb_s * 1e9 * row.bandwidth);
  }
  return seconds;
}

Range around(double mid) { return {mid * low_factor, mid, mid * high_factor}; }

}  // namespace

SpeedEstimate estimate_speed(const Footprint& footprint, const Placement& placement, const Machine& machine,
                             const SpeedRequest& request) {
  SpeedEstimate out;
  const auto decode = decode_seconds(footprint, placement, machine, request.depth, out);
  if (decode && *decode > 0) out.decode_tokens_per_s = around(1 / *decode);
  const auto prefill = prefill_seconds(footprint, placement, machine, std::max(request.prompt_tokens, 1U));
  if (prefill && *prefill > 0) {
    out.prefill_tokens_per_s = around(request.prompt_tokens / *prefill);
    if (decode) {
      const double first = *prefill + *decode;
      out.time_to_first_token_s = Range{first / high_factor, first, first / low_factor};
    }
  }
  return out;
}

}  // namespace willitrun
