// What a speed means: for a reader, against the same device with room for all, and until the first answer.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "willitrun/advice.hpp"

namespace willitrun {
namespace {

/// Silent reading of English: 238 words a minute (Brysbaert 2019, doi 10.1016/j.jml.2019.104047), at 100 tokens for 75
/// words (OpenAI, "What are tokens and how to count them?").
constexpr double reading_tokens_per_s = 238.0 / 60 * 100 / 75;
/// Up to this a person notices the difference; beyond, text comes faster than any eye.
constexpr double worth_saying = 3 * reading_tokens_per_s;
/// Slower by less is within what the estimate knows.
constexpr double worth_comparing = 1.5;

std::string two_digits(double value) {
  const double unit = value < 100 ? 1 : std::pow(10.0, std::floor(std::log10(value)) - 1);
  return value < 100 ? fmt::format("{:.2g}", value) : fmt::format("{:.0f}", std::round(value / unit) * unit);
}

std::string whole(double value) {
  return value < 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", std::round(value));
}

void add_reading(double tokens_per_s, std::vector<std::string>& out) {
  constexpr double alike = 1.25;
  if (tokens_per_s > worth_saying) return;
  const auto* how = tokens_per_s > alike * reading_tokens_per_s   ? "faster than"
                    : tokens_per_s * alike < reading_tokens_per_s ? "slower than"
                                                                  : "about as fast as";
  out.push_back(fmt::format("{} people read (about {:.0f} tok/s)", how, reading_tokens_per_s));
}

std::string where_it_lies(const Placement& placement, const PlacementSummary& summary, std::string_view beside) {
  if (summary.gpu_layers < summary.total_layers)
    return fmt::format("{} of {} layers on the GPU", summary.gpu_layers, summary.total_layers);
  if (placement.n_hosted_experts > 0)
    return fmt::format("the experts of {} layers {}", placement.n_hosted_experts, beside);
  return fmt::format("the cache {}", beside);
}

/// The same question for the same devices as if they had room for all of it.
void add_collapse(const CheckRequest& request, const Footprint& footprint, const Placement& placement,
                  const Report& report, std::vector<std::string>& out) {
  const auto& machine = request.machine;
  if (machine.devices.empty() || placement.fully_on_device()) return;
  PlacementOptions resident = request.placement;
  resident.gpu_layers = UINT32_MAX;
  resident.cpu_moe_layers = 0;
  auto params = footprint.params;
  params.offload_kqv = true;
  const auto roomy = measure(request.model, params);
  const auto speed = estimate_speed(roomy, solve_placement(roomy, machine, resident), machine, request.speed);
  if (!speed.decode_tokens_per_s) return;
  const double slow = report.speed.decode_tokens_per_s->mid, fast = speed.decode_tokens_per_s->mid;
  if (fast < worth_comparing * slow) return;
  const auto many = machine.devices.size() > 1;
  out.push_back(fmt::format("{}: about {} tok/s, {}x slower than if {} had room for all of it (about {})",
                            where_it_lies(placement, report.placement, beside_gpu(machine)), whole(slow),
                            two_digits(fast / slow), many ? "these GPUs" : "this GPU", whole(fast)));
}

struct Disk {
  std::string_view name;
  double slow, fast;  // bytes per second of long reads
};
/// What common drives are sold with: 5,400 to 7,200 rpm hard disks, SATA 3 (600 MB/s on the wire), NVMe over PCIe 3.0
/// to 4.0 x4.
constexpr std::array disks{Disk{"a hard disk", 0.1e9, 0.25e9}, Disk{"a SATA SSD", 0.4e9, 0.55e9},
                           Disk{"NVMe", 2e9, 7e9}};

void add_loading(Bytes bytes, std::vector<std::string>& out) {
  std::string text;
  for (const auto& disk : disks)
    text +=
        fmt::format("{}{}-{} s from {} ({:.2g}-{:.2g} GB/s)", text.empty() ? "" : ", ",
                    two_digits(static_cast<double>(bytes) / disk.fast),
                    two_digits(static_cast<double>(bytes) / disk.slow), disk.name, disk.slow / 1e9, disk.fast / 1e9);
  out.push_back(fmt::format("loading {} the first time: {}", format_bytes(bytes), text));
}

}  // namespace

std::vector<std::string> speed_notes(const CheckRequest& request, const Footprint& footprint,
                                     const Placement& placement, const Report& report) {
  std::vector<std::string> out;
  if (report.speed.decode_tokens_per_s) {
    add_collapse(request, footprint, placement, report, out);
    add_reading(report.speed.decode_tokens_per_s->mid, out);
  }
  if (request.explain) add_loading(footprint.weights().file_bytes, out);
  return out;
}

}  // namespace willitrun
