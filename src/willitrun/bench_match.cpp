#include "willitrun/bench_match.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "willitrun/catalog.hpp"
#include "willitrun/quant.hpp"

namespace willitrun {
namespace {

/// How far parameters or bytes may be from the catalog's for the speed to be comparable: vocabularies padded
/// differently, an output matrix of its own, a hand-made mix near a preset.
constexpr double closest_parameters = 0.02, closest_bytes = 0.06;

double difference(std::uint64_t a, std::uint64_t b) {
  return std::abs(static_cast<double>(a) / std::max(1.0, static_cast<double>(b)) - 1);
}

std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto at = std::min(text.find(separator), text.size());
    out.emplace_back(text.substr(0, at));
    text.remove_prefix(std::min(at + separator.size(), text.size()));
  }
  return out;
}

/// "CUDA0/CUDA1" -> 0, 1: the places in gpu_info.
std::vector<std::size_t> chosen_places(const BenchRow& row, std::size_t n_device) {
  std::vector<std::size_t> out;
  if (!row.devices.empty() && row.devices != "auto" && row.devices != "none") {
    for (const auto& name : split(row.devices, "/")) {
      const auto digits = name.find_last_not_of("0123456789") + 1;
      const auto place = digits < name.size() ? static_cast<std::size_t>(std::stoul(name.substr(digits, 4))) : n_device;
      if (place < n_device) out.push_back(place);
    }
    return out;
  }
  if (row.split_mode == "none") return {std::min<std::size_t>(row.main_gpu, n_device - 1)};
  for (std::size_t i = 0; i < n_device; ++i) out.push_back(i);
  return out;
}

/// The text as names of known devices when parted like this.
std::optional<std::vector<DeviceSpec>> devices_parted(const std::string& text, std::string_view separator) {
  std::vector<DeviceSpec> out;
  for (const auto& name : split(text, separator)) {
    const auto found = find_device(name);
    if (!found) return std::nullopt;
    out.push_back(found->entry);
  }
  return out;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::shared_ptr<const WeighedModel> weighed_at(const ModelEntry& entry, const QuantPreset& preset) {
  auto model = model_from_entry(entry);
  if (!model) return nullptr;
  apply_quant(preset, model->spec, model->tensors);
  return weigh_model(std::move(*model));
}

}  // namespace

std::optional<Backend> bench_backend(const BenchRow& row) {
  // ggml_backend_reg_name of each backend; Metal's is MTL since 2025-12. BLAS only speeds up the CPU's prompts.
  constexpr std::array<std::pair<std::string_view, Backend>, 8> names{{{"cuda", Backend::cuda},
                                                                       {"rocm", Backend::rocm},
                                                                       {"vulkan", Backend::vulkan},
                                                                       {"metal", Backend::metal},
                                                                       {"mtl", Backend::metal},
                                                                       {"sycl", Backend::sycl},
                                                                       {"cpu", Backend::cpu},
                                                                       {"blas", Backend::cpu}}};
  const auto written = lower(row.backends);
  if (written.find("rpc") != std::string::npos) return std::nullopt;
  for (const auto& [name, backend] : names)
    if (written.find(name) != std::string::npos) return backend;
  return std::nullopt;
}

Result<std::vector<DeviceSpec>> bench_devices(const BenchRow& row) {
  // Builds of Metal before 2024-11 left gpu_info empty; there the processor is the GPU.
  const auto& text = row.gpu_info.empty() ? row.cpu_info : row.gpu_info;
  for (const auto* separator : {", ", "/"}) {  // "/" before 2024-11
    const auto all = devices_parted(text, separator);
    if (!all || all->empty()) continue;
    std::vector<DeviceSpec> out;
    for (const auto place : chosen_places(row, all->size())) out.push_back((*all)[place]);
    if (!out.empty()) return out;
  }
  return Error{"unknown_gpu", fmt::format("GPU '{}' is not in the catalog; name it with --gpu", text)};
}

Result<MatchedModel> bench_model(const BenchRow& row) {
  const auto id = quant_of_model_type(row.model_type);
  const auto preset = find_quant(id);
  if (id.empty() || !preset) return Error{"unknown_quant", fmt::format("no known quant in '{}'", row.model_type)};
  const auto architecture = lower(row.model_type.substr(0, row.model_type.find(' ')));
  const auto named = find_model(row.model_filename);
  MatchedModel best;
  double nearest = closest_parameters;
  for (const auto& entry : all_models()) {
    if (entry.architecture != architecture || difference(entry.parameters, row.model_n_params) > closest_parameters)
      continue;
    const auto weighed = weighed_at(entry, *preset);
    if (!weighed) continue;
    // Of equal shapes the one the file is named after, else the first.
    const bool preferred = named && named->entry.id == entry.id;
    const double away = difference(weighed->weights.parameters, row.model_n_params) - (preferred ? 1e-9 : 0);
    if (away > nearest || (best.weighed && away == nearest)) continue;
    nearest = away;
    best = {weighed, std::string(preset->id),
            weighed->weights.parameters == row.model_n_params && weighed->weights.file_bytes == row.model_size};
  }
  if (!best.weighed)
    return Error{"unknown_model", fmt::format("no model of the catalog has {} parameters and the shape of '{}'",
                                              format_grouped(row.model_n_params), row.model_type)};
  if (difference(best.weighed->weights.file_bytes, row.model_size) > closest_bytes)
    return Error{"other_bytes",
                 fmt::format("{} at {} has {}, the file {}", best.weighed->model.spec.name, preset->name,
                             format_bytes(best.weighed->weights.file_bytes), format_bytes(row.model_size))};
  return best;
}

}  // namespace willitrun
