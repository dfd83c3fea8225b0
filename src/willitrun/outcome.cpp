#include "willitrun/outcome.hpp"

#include <algorithm>
#include <array>

namespace willitrun {
namespace {

/// Of a verdict that falls short, the gate that was missed rather than how the model lies in memory.
const Reason* deciding_reason(const Verdict& verdict) {
  const auto& reasons = verdict.reasons;
  if (reasons.empty()) return nullptr;
  const auto gate = std::find_if(reasons.begin(), reasons.end(), is_gate);
  return !verdict.met && gate != reasons.end() ? &*gate : &reasons.front();
}

}  // namespace

std::string_view name_of(OutcomeStatus status) {
  constexpr std::array<std::string_view, 5> names{"passed", "failed", "waived", "unknown", "error"};
  return names[static_cast<std::size_t>(status)];
}

Outcome outcome_of(const Report& report) {
  Outcome out;
  out.quant = report.model.quant;
  out.verdict = report.verdict.code;
  out.status = report.verdict.met                            ? OutcomeStatus::passed
               : report.verdict.code == VerdictCode::unknown ? OutcomeStatus::unknown
                                                             : OutcomeStatus::failed;
  if (const auto* reason = deciding_reason(report.verdict)) {
    out.code = reason->code;
    out.message = reason->message;
  }
  out.parameters = report.model.parameters;
  out.weights_bytes = report.model.weights_bytes;
  out.total_bytes = report.total_bytes();
  out.kv_cache_bytes = report.host.kv_cache;
  const auto& reasons = report.verdict.reasons;
  if (std::any_of(reasons.begin(), reasons.end(), [](const Reason& r) { return r.code == "ram_not_stated"; }))
    out.presumed_bytes = report.host.total();
  for (const auto& device : report.devices) {
    out.kv_cache_bytes += device.kv_cache;
    out.gpu_bytes += device.total();
  }
  for (const auto usable : report.usable) out.gpu_usable_bytes += usable;
  out.gpu_layers = report.placement.gpu_layers;
  out.total_layers = report.placement.total_layers;
  out.n_ctx = report.context.allocated;
  const bool spilled = report.verdict.code == VerdictCode::offload || report.verdict.code == VerdictCode::cpu;
  out.max_ctx = report.context.max_on_gpu && !spilled ? report.context.max_on_gpu : report.context.max;
  out.decode_tokens_per_s = report.speed.decode_tokens_per_s;
  out.prefill_tokens_per_s = report.speed.prefill_tokens_per_s;
  out.time_to_first_token_s = report.speed.time_to_first_token_s;
  return out;
}

Outcome outcome_of(const Error& error) {
  Outcome out;
  out.status = OutcomeStatus::error;
  out.code = error.code;
  out.message = error.message;
  return out;
}

int exit_status(const std::vector<Outcome>& outcomes) {
  const auto any = [&](OutcomeStatus status) {
    return std::any_of(outcomes.begin(), outcomes.end(), [&](const Outcome& o) { return o.status == status; });
  };
  if (any(OutcomeStatus::error)) return 2;
  if (any(OutcomeStatus::unknown)) return 3;
  return any(OutcomeStatus::failed) ? 1 : 0;
}

}  // namespace willitrun
