#include "willitrun/speed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/speed_model.hpp"
#include "willitrun/speed_work.hpp"

namespace willitrun {
namespace {

constexpr std::array<std::string_view, 7> engine_names{"llama.cpp", "ollama", "lmstudio",    "llamafile",
                                                       "mlx",       "vllm",   "transformers"};

/// Two figures multiplied by the spread of their class.
Range around(double mid, const PlaceSpeed& place, SpeedParameter low, SpeedParameter high) {
  return {mid * place.p(low), mid, mid * place.p(high)};
}

/// The place whose residuals describe the answer: the first accelerator at work, else the host.
const PlaceSpeed& leading(const SpeedWork& work, const MachineSpeed& speed) {
  for (std::size_t i = 0; i < work.places.size(); ++i)
    if (!work.places[i].idle()) return speed.places[i];
  return speed.places.back();
}

/// Without the host's part a spilled model would read faster than it could; with it, never faster than the
/// accelerators' own share of the work at their full bandwidth.
ParallelSpeed parallel_speed(const SpeedWork& work, const MachineSpeed& speed, std::uint32_t users) {
  const auto& place = leading(work, speed);
  const double seconds = decode_seconds(work, speed, users).total();
  ParallelSpeed out;
  out.users = users;
  out.total_tokens_per_s = around(users / seconds, place, decode_low, decode_high);
  out.user_tokens_per_s = around(1 / seconds, place, decode_low, decode_high);
  return out;
}

void note_missing(const Machine& machine, const SpeedWork& work, const MachineSpeed& speed, SpeedEstimate& out) {
  for (std::size_t i = 0; i + 1 < work.places.size(); ++i)
    if (!work.places[i].idle() && speed.places[i].bandwidth <= 0)
      out.notes.push_back(fmt::format("memory bandwidth of {} is unknown; give --bandwidth", machine.devices[i].id));
}

}  // namespace

std::string_view name_of(Engine engine) { return engine_names[static_cast<std::size_t>(engine)]; }

std::optional<Engine> find_engine(std::string_view name) {
  const auto it = std::find(engine_names.begin(), engine_names.end(), name);
  if (it == engine_names.end()) return std::nullopt;
  return static_cast<Engine>(it - engine_names.begin());
}

std::string_view name_of(Limit limit) {
  constexpr std::array<std::string_view, 5> names{"memory", "compute", "overhead", "pcie", "cpu"};
  return names[static_cast<std::size_t>(limit)];
}

SpeedEstimate estimate_speed(const Footprint& footprint, const Placement& placement, const Machine& machine,
                             const SpeedRequest& request) {
  SpeedEstimate out;
  const auto work = speed_work(footprint, placement, request);
  const auto speed = machine_speed(machine, request.engine, speed_rows());
  note_missing(machine, work, speed, out);
  if (!out.notes.empty()) return out;
  if (!work.places.back().idle()) out.notes = speed.notes;

  const auto& place = leading(work, speed);
  const auto decode = decode_seconds(work, speed, 1);
  if (decode.total() <= 0) return out;
  out.decode_tokens_per_s = around(1 / decode.total(), place, decode_low, decode_high);
  out.limited_by = decode.limit();
  const double prefill = prefill_seconds(work, speed).total();
  out.prefill_tokens_per_s = around(work.prompt_tokens / prefill, place, prefill_low, prefill_high);
  const double first = prefill + decode.total();
  out.time_to_first_token_s = Range{first / place.p(prefill_high), first, first / place.p(prefill_low)};
  if (const auto users = footprint.params.n_seq_max; users > 1) out.parallel = parallel_speed(work, speed, users);
  return out;
}

}  // namespace willitrun
