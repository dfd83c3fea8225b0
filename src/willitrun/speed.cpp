#include "willitrun/speed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/machine.hpp"
#include "willitrun/measurements.hpp"
#include "willitrun/speed_model.hpp"
#include "willitrun/speed_work.hpp"

namespace willitrun {
namespace {

constexpr std::array<std::string_view, 7> names_of_engines{"llama.cpp", "ollama", "lmstudio",    "llamafile",
                                                           "mlx",       "vllm",   "transformers"};

/// A figure and the spread of its class, or of the user's own measurements where those moved it; never beyond what
/// reading takes at full bandwidth.
Range decode_range(double mid, const PlaceSpeed& place, double roofline_seconds) {
  const auto& own = place.own_decode;
  const double low = own ? own->low / own->mid : place.p(decode_low);
  const double high = mid * (own ? own->high / own->mid : place.p(decode_high));
  const double most = roofline_seconds > 0 ? std::max(mid, 1 / roofline_seconds) : high;
  return {mid * low, mid, std::min(high, most)};
}

Range prefill_range(double mid, const PlaceSpeed& place) {
  if (const auto& own = place.own_prefill) return {mid * own->low / own->mid, mid, mid * own->high / own->mid};
  return {mid * place.p(prefill_low), mid, mid * place.p(prefill_high)};
}

/// The place whose residuals describe the answer: the first accelerator at work, else the host.
const PlaceSpeed& leading(const SpeedWork& work, const MachineSpeed& speed) {
  for (std::size_t i = 0; i < work.places.size(); ++i)
    if (!work.places[i].idle()) return speed.places[i];
  return speed.places.back();
}

ParallelSpeed parallel_speed(const SpeedWork& work, const MachineSpeed& speed, std::uint32_t users) {
  const auto& place = leading(work, speed);
  const double seconds = decode_seconds(work, speed, users).total();
  ParallelSpeed out;
  out.users = users;
  const auto each = decode_range(1 / seconds, place, roofline_seconds(work, speed, users));
  out.total_tokens_per_s = {users * each.low, users * each.mid, users * each.high};
  out.user_tokens_per_s = each;
  return out;
}

/// Whether llama-bench's runs say something of this engine.
bool shares_kernels(Engine engine) {
  return engine == Engine::llama_cpp || engine == Engine::ollama || engine == Engine::lmstudio;
}

std::string correction_note(const AppliedCorrection& c) {
  std::string parts;
  for (const auto& [factor, word] : {std::pair(&c.decode, "decoding"), std::pair(&c.prefill, "prompt")})
    if (*factor)
      parts += fmt::format("{}{} x{:.2f} from {} run{}", parts.empty() ? "" : ", ", word, (*factor)->mid,
                           (*factor)->rows, (*factor)->rows == 1 ? "" : "s");
  return fmt::format("corrected by your own measurement of {}: {} ({}{})", c.name, parts, c.source,
                     c.date.empty() ? std::string() : ", " + c.date);
}

/// Moves the places the user measured; other fits' corrections stay unused.
void apply_corrections(const Machine& machine, const SpeedWork& work, std::string_view model,
                       const SpeedRequest& request, MachineSpeed& speed, SpeedEstimate& out) {
  const auto& corrections = request.corrections;
  if (corrections.devices.empty() || !shares_kernels(request.engine)) return;
  if (corrections.estimates != speed_fit_date()) {
    out.notes.push_back(fmt::format(
        "your own measurements correct the estimates of {}, not today's: run calibrate again", corrections.estimates));
    return;
  }
  for (std::size_t i = 0; i < speed.places.size(); ++i) {
    const bool host = i + 1 == speed.places.size();
    const auto& cpu = machine.host.cpu;
    const auto& device = !host ? machine.devices[i].spec.id : cpu ? cpu->id : machine.host.name;
    const auto* found = find_correction(corrections, device, name_of(host ? Backend::cpu : machine.backend));
    if (found == nullptr || work.places[i].idle()) continue;
    auto& place = speed.places[i];
    place.own_decode = factor_for(*found, model, request.quant, false);
    place.own_prefill = factor_for(*found, model, request.quant, true);
    const bool again = std::any_of(out.corrections.begin(), out.corrections.end(),
                                   [&](const AppliedCorrection& c) { return c.device == device; });
    if (again) continue;
    out.corrections.push_back(
        {found->device, found->name, found->date, found->source, place.own_decode, place.own_prefill});
    out.notes.push_back(correction_note(out.corrections.back()));
  }
}

/// What no measurement and no kin speaks of.
void note_unmodelled(const Machine& machine, Engine engine, SpeedEstimate& out) {
  if (engine == Engine::transformers) out.notes.emplace_back("no speed: transformers is not measured here");
  for (const auto& device : machine.devices) {
    const auto& spec = device.spec;
    // Accelerators that none of the backends drives.
    if (spec.vendor != "other" && !spec.architecture.starts_with("Gaudi")) continue;
    out.notes.push_back(fmt::format("no speed: no backend modelled here runs on {}", spec.name));
    return;
  }
}

void note_missing(const Machine& machine, const SpeedWork& work, const MachineSpeed& speed, SpeedEstimate& out) {
  for (std::size_t i = 0; i + 1 < work.places.size(); ++i)
    if (!work.places[i].idle() && speed.places[i].bandwidth <= 0)
      out.notes.push_back(fmt::format("memory bandwidth of {} is unknown; give --bandwidth", machine.devices[i].id));
}

/// What others measured, where all of the model lies where they had it.
void add_measured(const Footprint& footprint, const Placement& placement, const Machine& machine,
                  const SpeedRequest& request, SpeedEstimate& out) {
  const auto& devices = machine.devices;
  if (!request.measured || request.quant.empty() || (!devices.empty() && !placement.fully_on_device())) return;
  if (devices.empty() && !machine.host.cpu) return;
  const auto same = [&](const Device& d) { return d.spec.id == devices[0].spec.id; };
  if (!std::all_of(devices.begin(), devices.end(), same)) return;
  MeasurementQuery query;
  query.device = devices.empty() ? machine.host.cpu->id : devices[0].spec.id;
  query.count = static_cast<std::uint32_t>(std::max<std::size_t>(devices.size(), 1));
  query.backend = name_of(machine.backend);
  query.model = footprint.spec().id;
  query.quant = request.quant;
  query.engine = request.engine;
  query.depth = request.depth;
  query.tokens = request.prompt_tokens;
  out.measured_decode = find_measurement(query);
  query.prefill = true;
  out.measured_prefill = find_measurement(query);
  for (const auto* m : {&out.measured_decode, &out.measured_prefill})
    if (*m)
      out.notes.push_back(fmt::format("measured on this device: {:.{}f} tok/s {} ({}{})", (*m)->tokens_per_s,
                                      (*m)->tokens_per_s < 100 ? 1 : 0,
                                      m == &out.measured_decode ? "decoding" : "prompt", (*m)->source,
                                      (*m)->runs > 1 ? fmt::format(", median of {} runs", (*m)->runs) : std::string()));
}

}  // namespace

std::string_view name_of(Engine engine) { return names_of_engines[static_cast<std::size_t>(engine)]; }

std::span<const std::string_view> engine_names() { return names_of_engines; }

std::optional<Engine> find_engine(std::string_view name) {
  const auto it = std::find(names_of_engines.begin(), names_of_engines.end(), name);
  if (it == names_of_engines.end()) return std::nullopt;
  return static_cast<Engine>(it - names_of_engines.begin());
}

std::string_view name_of(Limit limit) {
  constexpr std::array<std::string_view, 5> names{"memory", "compute", "overhead", "pcie", "cpu"};
  return names[static_cast<std::size_t>(limit)];
}

SpeedEstimate estimate_speed(const Footprint& footprint, const Placement& placement, const Machine& machine,
                             const SpeedRequest& request) {
  SpeedEstimate out;
  const auto work = speed_work(footprint, placement, request);
  auto speed = machine_speed(machine, request.engine, speed_rows());
  note_unmodelled(machine, request.engine, out);
  note_missing(machine, work, speed, out);
  if (!out.notes.empty()) return out;
  apply_corrections(machine, work, footprint.spec().id, request, speed, out);
  if (!work.places.back().idle()) out.notes.insert(out.notes.end(), speed.notes.begin(), speed.notes.end());

  const auto decode = decode_seconds(work, speed, 1);
  if (decode.total() <= 0) return out;
  const bool host_rules = decode.limit() == Limit::cpu || decode.limit() == Limit::pcie;
  const auto& place = host_rules ? speed.places.back() : leading(work, speed);
  out.decode_tokens_per_s = decode_range(1 / decode.total(), place, roofline_seconds(work, speed, 1));
  out.limited_by = decode.limit();
  const double prefill = prefill_seconds(work, speed).total();
  out.prefill_tokens_per_s = prefill_range(work.prompt_tokens / prefill, place);
  const double first = prefill + decode.total();
  const auto spread = prefill_range(1, place);
  out.time_to_first_token_s = Range{first / spread.high, first, first / spread.low};
  add_measured(footprint, placement, machine, request, out);
  if (const auto users = footprint.params.n_seq_max; users > 1) out.parallel = parallel_speed(work, speed, users);
  return out;
}

}  // namespace willitrun
