#include "willitrun/speed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/machine.hpp"
#include "willitrun/measurements.hpp"
#include "willitrun/speed_model.hpp"
#include "willitrun/speed_work.hpp"
#include "willitrun/undriven.hpp"

namespace willitrun {
namespace {

constexpr std::array<std::string_view, 7> names_of_engines{"llama.cpp", "ollama", "lmstudio",    "llamafile",
                                                           "mlx",       "vllm",   "transformers"};

/// How far measurements lie from an estimate, as factors: 80 % are between.
struct Spread {
  double low = 1, high = 1;
};

/// Processors beside a GPU are a PC's or workstation's own. The rented shares of servers at the low end of published
/// CPU-only runs are not met there; what is left is memory between dual-channel DDR4-2666 and DDR5-6400.
constexpr Spread host_beside_gpu{0.55, 1.6};

/// Of accelerators whose architecture a fit has seen nothing of, these shares of 222 runs' decode and 164 runs' prefill
/// speeds lay around the estimate (tests/calibration/refit.cpp --held-out).
constexpr Spread strange_decode{0.5, 1.25}, strange_prefill{0.31, 1.95};

/// Of a place's class, or of the user's own measurements where those moved it.
Spread spread_of(const PlaceSpeed& place, bool prefill) {
  if (const auto& own = prefill ? place.own_prefill : place.own_decode)
    return {own->low / own->mid, own->high / own->mid};
  const auto own =
      prefill ? Spread{place.p(prefill_low), place.p(prefill_high)} : Spread{place.p(decode_low), place.p(decode_high)};
  if (!place.borrowed) return own;
  const auto& strange = prefill ? strange_prefill : strange_decode;
  return {std::min(own.low, strange.low), std::max(own.high, strange.high)};
}

/// The place whose residuals describe the answer: the first accelerator at work, else the host.
const PlaceSpeed& leading(const SpeedWork& work, const MachineSpeed& speed) {
  for (std::size_t i = 0; i < work.places.size(); ++i)
    if (!work.places[i].idle()) return speed.places[i];
  return speed.places.back();
}

/// Each part of the time in its own spread: the accelerators', and the host's where work waits for it.
Spread spread_of(const SpeedWork& work, const MachineSpeed& speed, const Seconds& seconds, bool prefill) {
  // What lies on the host is copied to the first accelerator for a prompt.
  const bool copied = prefill && work.streams_weights && speed.places.size() > 1;
  const auto* first = &leading(work, speed);
  if (copied && first == &speed.places.back()) first = &speed.places.front();
  const auto& leader = *first;
  auto device = spread_of(leader, prefill);
  if (work.sliced) device = {std::min(device.low, leader.p(slice_low)), std::max(device.high, leader.p(slice_high))};
  if (speed.places.size() == 1 || &leader == &speed.places.back()) return device;
  auto host = spread_of(speed.places.back(), prefill);
  host = {std::max(host.low, host_beside_gpu.low), std::min(host.high, host_beside_gpu.high)};
  const double share = (seconds.cpu + (prefill ? 0 : seconds.pcie)) / seconds.total();
  return {1 / (share / host.low + (1 - share) / device.low), 1 / (share / host.high + (1 - share) / device.high)};
}

/// Decoding for `users` at once, per user; never beyond what reading takes at full bandwidth.
Range decode_range(const SpeedWork& work, const MachineSpeed& speed, double users) {
  const auto seconds = decode_seconds(work, speed, users);
  const auto spread = spread_of(work, speed, seconds, false);
  const double mid = 1 / seconds.total(), least = roofline_seconds(work, speed, users);
  const double high = spread.high * mid;
  return {spread.low * mid, mid, least > 0 ? std::min(high, std::max(mid, 1 / least)) : high};
}

ParallelSpeed parallel_speed(const SpeedWork& work, const MachineSpeed& speed, std::uint32_t users) {
  const auto each = decode_range(work, speed, users);
  return {users, {users * each.low, users * each.mid, users * each.high}, each};
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
  if (const auto* device = undriven_device(machine))
    out.notes.push_back(fmt::format("no speed: no backend modelled here runs on {}", device->spec.name));
}

void note_missing(const Machine& machine, const SpeedWork& work, const MachineSpeed& speed, SpeedEstimate& out) {
  for (std::size_t i = 0; i + 1 < work.places.size(); ++i)
    if (!work.places[i].idle() && speed.places[i].bandwidth <= 0)
      out.notes.push_back(fmt::format("memory bandwidth of {} is unknown; give --bandwidth", machine.devices[i].id));
}

/// Not of a nameless GPU, of which the user knows that nobody measured it.
void note_borrowed(const Machine& machine, const SpeedWork& work, const MachineSpeed& speed, SpeedEstimate& out) {
  for (std::size_t i = 0; i < machine.devices.size(); ++i) {
    const auto& architecture = machine.devices[i].spec.architecture;
    if (!speed.places[i].borrowed || work.places[i].idle() || architecture.empty()) continue;
    const auto& capability = machine.devices[i].spec.compute_capability;
    out.notes.push_back(fmt::format(
        "{}{}{} was not measured with {} on {}: the speed is told from others', in a wide range", architecture,
        capability.empty() ? "" : " ", capability, name_of(speed.engine), name_of(machine.backend)));
    return;
  }
}

/// What speed in slices leans on: how fast the devices sum up.
void note_slices(const SpeedWork& work, const MachineSpeed& speed, Backend backend, SpeedEstimate& out) {
  constexpr double wide = 3;  // from low to high of a link that hardly anybody measured
  if (!work.sliced) return;
  const auto& leader = leading(work, speed);
  if (leader.p(slice_high) > wide * leader.p(slice_low))
    out.notes.push_back(fmt::format("tensor split: hardly measured with {} on {}, hence the wide range",
                                    name_of(speed.engine), name_of(backend)));
  if (backend == Backend::cuda)
    out.notes.emplace_back("tensor split: measured on GPUs linked by PCIe alone; over NVLink it is faster");
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
  query.sliced = placement.split.sliced();
  query.depth = request.depth;
  query.tokens = request.prompt_tokens;
  query.ubatch = std::min(footprint.params.n_ubatch, footprint.params.n_batch);
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
  if (const auto disk = machine.host.disk_gb_s)
    out.load_from_disk_s = static_cast<double>(footprint.weights().file_bytes) / (*disk * 1e9);
  const auto work = speed_work(footprint, placement, machine, request);
  auto speed = machine_speed(machine, request.engine, speed_rows());
  note_unmodelled(machine, request.engine, out);
  note_missing(machine, work, speed, out);
  if (!out.notes.empty()) return out;
  apply_corrections(machine, work, footprint.spec().id, request, speed, out);
  if (!work.places.back().idle()) out.notes.insert(out.notes.end(), speed.notes.begin(), speed.notes.end());

  note_borrowed(machine, work, speed, out);
  note_slices(work, speed, machine.backend, out);
  const auto decode = decode_seconds(work, speed, 1);
  if (decode.total() <= 0) return out;
  out.decode_tokens_per_s = decode_range(work, speed, 1);
  out.limited_by = decode.limit();
  const auto prefill = prefill_seconds(work, speed);
  const auto spread = spread_of(work, speed, prefill, true);
  const double rate = work.prompt_tokens / prefill.total(), first = prefill.total() + decode.total();
  out.prefill_tokens_per_s = Range{rate * spread.low, rate, rate * spread.high};
  out.time_to_first_token_s = Range{first / spread.high, first, first / spread.low};
  add_measured(footprint, placement, machine, request, out);
  if (const auto users = footprint.params.n_seq_max; users > 1 && footprint.spec().keeps_cache)
    out.parallel = parallel_speed(work, speed, users);
  return out;
}

}  // namespace willitrun
