#include "willitrun/speed_model.hpp"

#include <algorithm>
#include <cmath>

#include "willitrun/engine_support.hpp"

namespace willitrun {
namespace {

constexpr double typical_ghz = 3.3;
constexpr double narrow_memory = 90e9;  // bytes per second of dual-channel DDR5-5600
/// Peak of one core per GHz: eight single-precision multiply-adds twice a cycle (AVX2); matrix_share is of this.
constexpr double core_flops_per_ghz = 32e9;
/// A device whose arithmetic nobody stated: operations per byte of bandwidth, the median of the catalog's.
constexpr double typical_flops_per_byte = 50;
/// Watts of a desktop card of recent years per operation per second at peak.
constexpr double typical_watts_per_flops = 1 / 0.15e12;
/// PCIe 4.0 x16 where the link is not stated; copies reach about four fifths of it.
constexpr double typical_pcie_gb_s = 31.5, pcie_share = 0.8;
/// Synchronising with the CPU and back for a layer whose experts or weights stay there. Over 73 published runs of
/// expert offload on one laptop (8 models, 90 GB/s of DDR5 taken) the median error is 11 % with it.
constexpr double offload_seconds = 60e-6;

/// Up to so many tokens at once, ggml's CUDA and ROCm kernels multiply quantised weights vector by vector
/// (MMVQ_MAX_BATCH_SIZE in ggml-cuda/mmvq.cuh), at these shares of peak_of: 0.26 on an RTX 3090 and 0.16 on an MI100
/// (8B at Q4_0, 1 to 8 tokens: llama.cpp pull requests 15802 and 23227), 0.12 on an RX 6800 (7B, 5351).
constexpr double most_vectors = 8, vector_share_nvidia = 0.26, vector_share_amd = 0.16;

double product(const std::array<double, kernel_classes>& values, const PlaceSpeed& place, SpeedParameter first) {
  double sum = 0;
  for (std::size_t i = 0; i < kernel_classes; ++i) sum += values[i] * place.row->p[first + i];
  return sum;
}

double plain_sum(const std::array<double, kernel_classes>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum;
}

/// Share of expert weights that `tokens` tokens touch when each fires its own.
double touched(const SpeedWork& work, double tokens) {
  if (work.experts <= 0) return 1;
  const double each = std::min(1.0, work.experts_used / work.experts);
  return tokens <= 1 ? each : 1 - std::pow(1 - each, tokens);
}

double bytes_read(const SpeedWork& work, const PlaceWork& w, double tokens, double sequences) {
  return plain_sum(w.dense_bytes) + touched(work, tokens) * plain_sum(w.expert_bytes) +
         (w.cache_bytes + w.state_bytes) * sequences;
}

/// Seconds to read a place's weights once for `tokens` tokens and the cache for `sequences`, `factor` times as fast as
/// the rows say; never above the roofline.
double read_seconds(const SpeedWork& work, const PlaceWork& w, const PlaceSpeed& s, double tokens, double sequences,
                    double factor) {
  const double share = touched(work, tokens);
  const double cache = (w.cache_bytes + w.state_bytes) * sequences;
  const double cost = product(w.dense_bytes, s, read_floating) + share * product(w.expert_bytes, s, read_floating) +
                      cache * s.p(work.flash_attention ? cache_cost : plain_cost);
  return std::max(bytes_read(work, w, tokens, sequences) / s.bandwidth, cost / (s.readable * factor));
}

/// Multiply-adds as if all ran at matrix_share, per token.
double matrix_cost(const PlaceWork& w, const PlaceSpeed& s) {
  return product(w.dense_macs, s, matrix_floating) + product(w.expert_macs, s, matrix_floating) / s.p(expert_matrix);
}

/// Peak operations per second. On hybrid processors each core gets an equal share of the work and the slowest is waited
/// for.
double arithmetic(const PlaceSpeed& s) { return s.peak * (s.hybrid ? s.p(hybrid_pace) : 1); }

/// Operations per second. Cards with little power for their peak clock down under matrix load.
double matrix_rate(const PlaceSpeed& s, SpeedParameter share) {
  return arithmetic(s) * s.p(share) * std::pow(s.power, s.p(power_limit));
}

/// Recurrent layers pass over their state, 4 bytes an element read and written, token after token.
double scan_seconds(const PlaceWork& w, const PlaceSpeed& s, double tokens) {
  if (arithmetic(s) <= 0) return 0;
  return 2 * tokens * s.p(scan_macs) * w.state_bytes / 8 / arithmetic(s);
}

/// pass_us is of a physical batch of 512. Part of it is launching kernels, which a short prompt pays for too; the rest
/// goes with the tokens: an RTX 3090 and a 4090 read an 8B no faster at 2,048 than at 512 (llama.cpp pull request
/// 8278).
double fullness(double batch) {
  constexpr double launch = 0.3;  // of 0.1 to 1 the best on devices a fit has not seen
  return launch + (1 - launch) * batch / 512;
}

double layer_units(const PlaceWork& w, const PlaceSpeed& s) {
  return w.layers + w.expert_layers * (s.p(expert_layer) - 1) + w.recurrent_layers * (s.p(recurrent_layer) - 1);
}

/// Of weights that are multiplied vector by vector, seconds beyond reading them: both overlap, the more so the less
/// alike they are. With this power the RTX 3090's eight figures come out within 7 %.
double vector_seconds(double memory, double macs, const PlaceSpeed& s) {
  constexpr double power = 3;
  const double compute = 2 * macs / s.vector_rate / s.decode_factor();
  return std::pow(std::pow(memory, power) + std::pow(compute, power), 1 / power) - memory;
}

/// Several tokens' arithmetic, which adds to the read; one token's hides behind it.
double joint_compute(PlaceWork w, const PlaceSpeed& s, double tokens, double memory) {
  if (tokens <= 1) return 0;
  double vectors = 0;
  if (s.vector_rate > 0 && tokens <= most_vectors) {
    const auto floating = w.dense_macs[static_cast<std::size_t>(KernelClass::floating)];
    vectors = vector_seconds(memory, tokens * (plain_sum(w.dense_macs) - floating), s);
    w.dense_macs = {floating};
  }
  return vectors + 2 * tokens * matrix_cost(w, s) / matrix_rate(s, matrix_share) / s.decode_factor();
}

bool is_host(const MachineSpeed& speed, std::size_t place) { return place + 1 == speed.places.size(); }

/// Devices at work, and what slices cost: after attention and after the feed-forward part of each layer all devices sum
/// up their activations, `tokens` of them at 32 bit. In a ring each device passes on 2 (n - 1) / n of them.
struct Group {
  double devices = 0;
  double latency = 0, transfer = 0;
};

Group group_of(const SpeedWork& work, const MachineSpeed& speed, double tokens) {
  Group out;
  for (std::size_t i = 0; i + 1 < work.places.size(); ++i)
    if (!work.places[i].idle()) ++out.devices;
  if (!work.sliced || out.devices < 2) return out;
  const double sums = 2 * work.places.front().layers, n = out.devices;
  for (std::size_t i = 0; i + 1 < work.places.size(); ++i) {
    const auto& s = speed.places[i];
    if (work.places[i].idle()) continue;
    out.latency = std::max(out.latency, sums * 1e-6 * s.p(reduce_us) * std::log2(n));
    out.transfer = std::max(out.transfer, sums * 4 * work.n_embd * tokens * 2 * (n - 1) / n / (1e9 * s.p(reduce_gb_s)));
  }
  return out;
}

/// Devices in slices work at once, so that the slowest counts; those with whole layers take turns.
void add_device(const SpeedWork& work, const Seconds& device, Seconds& slowest, Seconds& sum) {
  if (!work.sliced)
    sum += device;
  else if (device.total() > slowest.total())
    slowest = device;
}

/// Layers and experts on the host with an accelerator at work: their weights are copied to it for every physical batch.
Seconds streamed_seconds(const SpeedWork& work, const PlaceWork& w, const MachineSpeed& speed, double passes) {
  const auto& device = speed.places.front();
  const double bytes = plain_sum(w.dense_bytes) + plain_sum(w.expert_bytes);
  Seconds out;
  out.pcie = passes * bytes / device.pcie;
  const double macs = matrix_cost(w, device) * work.prompt_tokens;
  // Attention follows the matrices onto the device.
  const double attention = 2 * w.attention_macs / matrix_rate(device, attention_share);
  out.compute = (2 * macs / matrix_rate(device, matrix_share) + attention) / device.prefill_factor();
  return out;
}

/// Half-precision rate of the general lanes: it grows with units and clock alike on all cards of an architecture, where
/// the published matrix rate also halves on GeForce (32-bit accumulation), which the integer kernels of llama.cpp do
/// not. matrix_share carries the ratio, so it can exceed 1.
double peak_of(const DeviceSpec& spec) {
  constexpr double matrix_ratio = 2;  // where only the matrix rate is stated: GeForce Blackwell's
  if (const auto tflops = spec.fp16_tflops ? spec.fp16_tflops : spec.fp32_tflops) return *tflops * 1e12;
  if (spec.fp16_matrix_tflops) return *spec.fp16_matrix_tflops / matrix_ratio * 1e12;
  return spec.bandwidth_gb_s.value_or(0) * 1e9 * typical_flops_per_byte;
}

/// What a place reads weights at: `memory`, and no more than its units draw however fast the memory is (an A100 reads
/// with HBM as fast as a GeForce of as many units with GDDR6X). Near where both meet neither is reached, the less the
/// smaller `corner` is.
double drawn(const PlaceSpeed& s, double memory, double corner) {
  const double units = arithmetic(s) * 1e-3 * s.p(draw);
  if (memory <= 0 || units <= 0) return memory;
  return std::pow(std::pow(memory, -corner) + std::pow(units, -corner), -1 / corner);
}

/// What all cores at work run at, GHz: between base and boost.
double clock_of(const CpuSpec& cpu) {
  constexpr double base_share = 0.73;  // median of the catalog's processors that state both
  if (cpu.base_ghz && cpu.boost_ghz) return std::sqrt(*cpu.base_ghz * *cpu.boost_ghz);
  if (cpu.boost_ghz) return *cpu.boost_ghz * std::sqrt(base_share);
  return cpu.base_ghz.value_or(typical_ghz);
}

PlaceSpeed host_speed(const Machine& machine, Engine engine, std::span<const SpeedRow> rows,
                      std::vector<std::string>& notes) {
  const auto& host = machine.host;
  PlaceSpeed out;
  out.row = &speed_row(rows, engine, Backend::cpu,
                       host.cpu ? std::string_view(host.cpu->vector_extension) : std::string_view(), {});
  auto gb_s = host.bandwidth_gb_s;
  if (!gb_s && machine.unified()) gb_s = machine.devices[0].spec.bandwidth_gb_s;
  if (!gb_s) {
    gb_s = typical_host_gb_s;
    notes.emplace_back("system memory bandwidth not stated: 70 GB/s assumed; give --ram-bandwidth or --cpu");
  }
  out.bandwidth = *gb_s * 1e9;
  const auto cpu = host.cpu.value_or(CpuSpec());
  out.peak = cpu.cores.value_or(typical_cores) * clock_of(cpu) * core_flops_per_ghz;
  out.hybrid = cpu.efficient_cores.has_value();
  return out;
}

}  // namespace

Seconds& Seconds::operator+=(const Seconds& other) {
  memory += other.memory;
  compute += other.compute;
  overhead += other.overhead;
  pcie += other.pcie;
  cpu += other.cpu;
  return *this;
}

Limit Seconds::limit() const {
  const std::array<std::pair<double, Limit>, 5> parts{{{memory, Limit::memory},
                                                       {compute, Limit::compute},
                                                       {overhead, Limit::overhead},
                                                       {pcie, Limit::pcie},
                                                       {cpu, Limit::cpu}}};
  return std::max_element(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first < b.first; })
      ->second;
}

void update_readable(const Machine& machine, MachineSpeed& speed) {
  constexpr double device_corner = 8;  // of 4 to 30 the best on devices a fit has not seen
  constexpr double host_corner = 2;    // the same of 1 to 3
  for (auto& place : speed.places) place.readable = drawn(place, place.bandwidth * place.p(read_share), device_corner);
  auto& host = speed.places.back();
  // The more channels, the smaller the share of them that one program's threads draw.
  const double share = host.p(read_share) * std::pow(std::min(1.0, narrow_memory / host.bandwidth), host.p(wide_loss));
  const auto& cpu = machine.host.cpu;
  const double memory = cpu && cpu->measured_bandwidth_gb_s
                            ? std::min(host.bandwidth, *cpu->measured_bandwidth_gb_s * 1e9)
                            : host.bandwidth * share;
  // Cores nobody stated do not limit.
  host.readable = cpu && cpu->cores ? drawn(host, memory, host_corner) : memory;
}

MachineSpeed machine_speed(const Machine& machine, Engine engine, std::span<const SpeedRow> rows) {
  MachineSpeed out;
  out.engine = engine;
  for (const auto& device : machine.devices) {
    PlaceSpeed place;
    // GTX 16 cards are Turing without matrix units: they run what Pascal does.
    const bool plain_turing = device.spec.architecture == "Turing" && !device.spec.fp16_matrix_tflops;
    const std::string_view architecture = plain_turing ? "Pascal" : std::string_view(device.spec.architecture);
    place.row =
        &speed_row(rows, engine, machine.backend, architecture, plain_turing ? "" : device.spec.compute_capability);
    place.borrowed = place.row->architecture.empty() || !architecture.starts_with(place.row->architecture);
    place.bandwidth = device.spec.bandwidth_gb_s.value_or(0) * 1e9;
    place.peak = peak_of(device.spec) * (plain_turing ? 0.5 : 1);  // Pascal's peak is single precision
    if (device.spec.tdp_w && place.peak > 0) place.power = *device.spec.tdp_w / (place.peak * typical_watts_per_flops);
    const bool vectors = machine.backend == Backend::cuda || machine.backend == Backend::rocm;
    if (vectors && is_llama_based(engine))
      place.vector_rate = place.peak * (device.spec.vendor == "amd" ? vector_share_amd : vector_share_nvidia);
    place.pcie = device.spec.pcie_gb_s.value_or(typical_pcie_gb_s) * 1e9 * pcie_share;
    out.places.push_back(place);
  }
  out.places.push_back(host_speed(machine, engine, rows, out.notes));
  update_readable(machine, out);
  return out;
}

const PlaceSpeed* missing_bandwidth(const SpeedWork& work, const MachineSpeed& speed) {
  for (std::size_t i = 0; i < work.places.size(); ++i)
    if (!work.places[i].idle() && speed.places[i].bandwidth <= 0) return &speed.places[i];
  return nullptr;
}

double roofline_seconds(const SpeedWork& work, const MachineSpeed& speed, double sequences) {
  double devices = 0, host = 0;
  for (std::size_t i = 0; i < work.places.size(); ++i) {
    const auto& w = work.places[i];
    if (w.idle()) continue;
    if (is_host(speed, i) && !speed.notes.empty()) return 0;
    const double seconds = bytes_read(work, w, sequences, sequences) / speed.places[i].bandwidth;
    if (is_host(speed, i))
      host = seconds;
    else
      devices = work.sliced ? std::max(devices, seconds) : devices + seconds;
  }
  return devices + host;
}

Seconds decode_seconds(const SpeedWork& work, const MachineSpeed& speed, double sequences) {
  Seconds out, slowest;
  for (std::size_t i = 0; i < work.places.size(); ++i) {
    const auto& w = work.places[i];
    const auto& s = speed.places[i];
    if (w.idle()) continue;
    const double factor = s.decode_factor();
    const double memory = read_seconds(work, w, s, sequences, sequences, factor);
    Seconds own;
    own.overhead = 1e-6 * s.p(layer_us) * layer_units(w, s) / factor;
    if (is_host(speed, i)) {
      own.cpu = std::max(memory, 2 * sequences * matrix_cost(w, s) / matrix_rate(s, matrix_share) / factor);
      own.pcie = offload_seconds * w.offloaded_layers;
      out += own;
    } else {
      own.memory = memory;
      own.compute = joint_compute(w, s, sequences, memory);
      add_device(work, own, slowest, out);
    }
  }
  out += slowest;
  const auto group = group_of(work, speed, sequences);
  const auto& first = group.devices > 0 ? speed.places.front() : speed.places.back();
  const double hops = work.sliced ? 0 : std::max(0.0, group.devices - 1);
  out.overhead += 1e-6 * (first.p(token_us) + first.p(hop_us) * hops) / first.decode_factor();
  out.overhead += group.latency + group.transfer;
  return out;
}

Seconds prefill_seconds(const SpeedWork& work, const MachineSpeed& speed) {
  Seconds out, slowest, in_turn;
  const double tokens = work.prompt_tokens;
  const double passes = std::ceil(tokens / work.ubatch);
  for (std::size_t i = 0; i < work.places.size(); ++i) {
    const auto& w = work.places[i];
    const auto& s = speed.places[i];
    if (w.idle() && w.attention_macs <= 0) continue;
    const bool host = is_host(speed, i);
    if (host && work.streams_weights && tokens >= 32) {  // llama.cpp's threshold for copying
      out += streamed_seconds(work, w, speed, passes);
      continue;
    }
    const double factor = s.prefill_factor();
    const double batch = tokens / passes;
    auto per_token = w;
    per_token.cache_bytes = 0;
    per_token.state_bytes *= batch > 1 ? 1.0 : 0.0;
    const double compute =
        (2 * tokens * std::max(0.0, matrix_cost(w, s) - w.output_macs) / matrix_rate(s, matrix_share) +
         2 * w.attention_macs / matrix_rate(s, attention_share) + scan_seconds(w, s, tokens)) /
        factor;
    const double memory = passes * read_seconds(work, per_token, s, batch, 1, factor);
    Seconds own;
    (host ? own.cpu : own.compute) += compute;
    (host ? own.cpu : own.memory) += memory;
    own.overhead = passes * 1e-6 * s.p(pass_us) * fullness(batch) * layer_units(w, s) / factor;
    if (host)
      out += own;
    else
      add_device(work, own, slowest, in_turn);
  }
  const auto group = group_of(work, speed, tokens / passes);
  if (!work.sliced && group.devices > 1) {
    const double together = 1 + speed.places.front().p(pipeline) * (std::min(group.devices, passes) - 1);
    for (double* part : {&in_turn.memory, &in_turn.compute, &in_turn.overhead}) *part /= together;
  }
  out += in_turn;
  out += slowest;
  out.overhead += passes * group.latency;
  out.pcie += passes * group.transfer;
  return out;
}

}  // namespace willitrun
