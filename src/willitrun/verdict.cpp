#include "willitrun/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/undriven.hpp"

namespace willitrun {
namespace {

using enum VerdictCode;

/// Memory left over on the fullest device, beyond its reserve.
Bytes least_free(const Placement& placement) {
  Bytes least = UINT64_MAX;
  for (std::size_t i = 0; i < placement.devices.size(); ++i) {
    const auto usable = placement.usable[i];
    const auto total = placement.devices[i].total();
    if (total > 0) least = std::min(least, usable > total ? usable - total : 0);
  }
  return least;
}

VerdictCode classify(const Placement& placement, const Machine& machine) {
  if (undriven_device(machine) != nullptr) return unknown;
  if (!placement.fits()) return wont_run;
  // An encoder or a table set on an accelerator counts as resident when nothing but its input table stays behind.
  if (placement.fully_on_device()) return least_free(placement) >= recommended_headroom ? fits : tight;
  const bool on_device = std::any_of(placement.split.layer_device.begin(), placement.split.layer_device.end(),
                                     [](std::int32_t d) { return d >= 0; });
  return on_device ? offload : cpu;
}

/// Since NVIDIA's driver 536.40, Windows moves what exceeds a card into system memory instead of refusing it.
bool spills_silently(const Machine& machine) {
  return machine.driver_os() == OperatingSystem::windows && machine.backend == Backend::cuda && !machine.unified();
}

void explain_excess(const Footprint& footprint, const Placement& placement, const Machine& machine, Verdict& verdict) {
  const auto n = placement.devices.size();
  for (std::size_t i = 0, next = 0; i < n; i = next) {
    const auto need = placement.devices[i].total();
    const auto have = placement.usable[i];
    for (next = i + 1; next < n && placement.devices[next].total() == need && placement.usable[next] == have;) ++next;
    if (need <= have) continue;
    const auto who = next - i == 1 ? machine.devices[i].id + " needs"
                                   : fmt::format("{} {} {} each need", machine.devices[i].id,
                                                 next - i == 2 ? "and" : "to", machine.devices[next - 1].id);
    verdict.reasons.push_back({"device_memory", fmt::format("{} {}, {} is usable: {} short", who, format_bytes(need),
                                                            format_bytes(have), format_bytes(need - have))});
  }
  if (!placement.devices_fit && spills_silently(machine))
    verdict.reasons.push_back({"shared_memory_spill",
                               "Windows' driver would spill the rest into shared memory and crawl, unless it is set to "
                               "\"Prefer No Sysmem Fallback\""});
  if (placement.host_fits || machine.unified()) return;
  const auto usable = machine.host.usable_bytes().value_or(0);
  verdict.reasons.push_back({"host_memory", fmt::format("system memory needs {}, {} is usable",
                                                        format_bytes(placement.host.total()), format_bytes(usable))});
  if (footprint.params.use_mmap && placement.host.total() - placement.host.weights < usable)
    verdict.reasons.push_back({"reads_from_disk", "mmap would let it start, rereading what lacks from disk all along"});
}

/// What spills is held against nothing where nobody said how much system memory there is.
void explain_presumed(const Placement& placement, const Machine& machine, Verdict& verdict) {
  if (verdict.code != offload && verdict.code != cpu) return;
  if (machine.unified() || machine.host.memory_bytes || placement.host.total() < gib) return;
  verdict.reasons.push_back(
      {"ram_not_stated", fmt::format("{} of system memory must be free (not stated; --ram checks it)",
                                     format_bytes(placement.host.total()))});
}

/// Layers on an accelerator whose experts lie in system memory.
std::size_t layers_without_experts(const Split& split) {
  std::size_t count = 0;
  for (std::uint32_t il = 0; il < split.layer_device.size(); ++il)
    if (split.layer_device[il] >= 0 && split.experts_host(il)) ++count;
  return count;
}

void explain_fit(const Placement& placement, const Machine& machine, Verdict& verdict) {
  const auto& split = placement.split;
  const auto beside = beside_gpu(machine);
  switch (verdict.code) {
    case fits:
    case tight:
      verdict.reasons.push_back(
          {verdict.code == fits ? "fits" : "headroom",
           fmt::format(
               "{} free on the fullest device{}", format_bytes(least_free(placement)),
               verdict.code == fits ? "" : fmt::format(", {} recommended", format_bytes(recommended_headroom)))});
      break;
    case offload:
      if (split.gpu_layers < split.layer_device.size()) {
        verdict.reasons.push_back(
            {"layers_on_host", fmt::format("{} of {} layers on the GPU", split.gpu_layers, split.layer_device.size())});
        if (const auto without = layers_without_experts(split); without > 0)
          verdict.reasons.push_back({"experts_on_host", fmt::format("{} of them without their experts", without)});
      } else if (placement.n_hosted_experts > 0) {
        verdict.reasons.push_back(
            {"experts_on_host", fmt::format("experts of {} of {} layers {}", placement.n_hosted_experts,
                                            split.layer_device.size() - 1, beside)});
      }
      if (!split.kv_on_device) verdict.reasons.push_back({"cache_on_host", fmt::format("the KV cache is {}", beside)});
      break;
    case cpu:
      verdict.reasons.push_back(
          {"no_accelerator", machine.devices.empty() ? "no accelerator in use" : "no layer lies on the accelerator"});
      break;
    case unknown:
      verdict.reasons.push_back(
          {"no_backend", fmt::format("no backend modelled here runs on {}", undriven_device(machine)->spec.name)});
      break;
    case wont_run: break;
  }
}

}  // namespace

std::string_view name_of(VerdictCode code) {
  constexpr std::array<std::string_view, 6> names{"fits", "tight", "offload", "cpu", "wont_run", "unknown"};
  return names[static_cast<std::size_t>(code)];
}

std::string_view name_of(Requirement::Level level) {
  constexpr std::array<std::string_view, 3> names{"runs", "gpu", "fits"};
  return names[static_cast<std::size_t>(level)];
}

bool is_gate(const Reason& reason) { return reason.code.starts_with("min_") || reason.code.starts_with("max_"); }

bool meets(VerdictCode code, Requirement::Level level) {
  switch (level) {
    case Requirement::Level::fits: return code == fits;
    case Requirement::Level::gpu: return code == fits || code == tight;
    case Requirement::Level::runs: return code != wont_run && code != unknown;
  }
  return false;
}

void apply_gates(const GateFigures& figures, const Requirement& required, Verdict& verdict) {
  const auto gate = [&](std::string_view code, bool known, bool met, std::string message) {
    if (!known) verdict.code = unknown;
    if (!known || !met) {
      verdict.met = false;
      verdict.reasons.push_back({std::string(code), std::move(message)});
    }
  };
  if (required.min_ctx) {
    const auto& n_ctx = figures.n_ctx_seq;
    gate("min_ctx", n_ctx.has_value(), n_ctx && *n_ctx >= *required.min_ctx,
         n_ctx ? fmt::format("{} tokens of context, {} required", format_grouped(*n_ctx),
                             format_grouped(*required.min_ctx))
               : "tables have no context to hold against the required one");
  }
  if (required.min_tokens_per_s) {
    const auto& tps = figures.speed.decode_tokens_per_s;
    gate("min_tps", tps.has_value(), tps && tps->mid >= *required.min_tokens_per_s,
         tps ? fmt::format("about {:.1f} tok/s, {:.1f} required", tps->mid, *required.min_tokens_per_s)
             : "decode speed is unknown here");
  }
  if (required.max_ttft_s) {
    const auto& ttft = figures.speed.time_to_first_token_s;
    gate("max_ttft", ttft.has_value(), ttft && ttft->mid <= *required.max_ttft_s,
         ttft ? fmt::format("about {:.2f} s to the first token, {:.2f} allowed", ttft->mid, *required.max_ttft_s)
              : "time to first token is unknown here");
  }
  if (required.max_memory)
    gate(
        "max_memory", true, figures.total_bytes <= *required.max_memory,
        fmt::format("{} of memory, {} allowed", format_bytes(figures.total_bytes), format_bytes(*required.max_memory)));
}

Verdict judge(const Footprint& footprint, const Placement& placement, const Machine& machine,
              const SpeedEstimate& speed, const Requirement& requirement) {
  Verdict verdict;
  verdict.code = classify(placement, machine);
  if (verdict.code == wont_run)
    explain_excess(footprint, placement, machine, verdict);
  else
    explain_fit(placement, machine, verdict);
  explain_presumed(placement, machine, verdict);
  verdict.met = meets(verdict.code, requirement.level);
  if (verdict.code != wont_run)
    apply_gates({footprint.context.n_ctx_seq, placement.total(), speed}, requirement, verdict);
  return verdict;
}

int exit_status(const Verdict& verdict) {
  if (verdict.code == unknown) return 3;
  return verdict.met ? 0 : 1;
}

}  // namespace willitrun
