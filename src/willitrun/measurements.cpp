#include "willitrun/measurements.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "willitrun/quant.hpp"

namespace willitrun {
namespace {

constexpr std::uint32_t shallow = 2000;  // tokens in the context that change little

/// Whether `id` is the device as the table names it, whatever its memory: "m4-max-40core-64gb" is "m4-max-40core".
bool is_device(std::string_view id, std::string_view name) {
  if (!id.starts_with(name)) return false;
  const auto rest = id.substr(name.size());
  return rest.empty() || (rest.starts_with("-") && rest.ends_with("gb") && rest.find('-', 1) == std::string_view::npos);
}

/// Engines that differ in nothing that matters here count as one; forks with kernels of their own do not.
std::string_view family(std::string_view engine) {
  struct Row {
    std::string_view engine, family;
  };
  static constexpr std::array rows{Row{"llama.cpp", "llama.cpp"}, Row{"llama.cpp/ollama", "llama.cpp"},
                                   Row{"ollama", "llama.cpp"},    Row{"lmstudio-llama.cpp", "llama.cpp"},
                                   Row{"lmstudio", "llama.cpp"},  Row{"llamafile-localscore", "llamafile"},
                                   Row{"mlx-lm", "mlx"},          Row{"lmstudio-mlx", "mlx"}};
  const auto* it = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.engine == engine; });
  return it == rows.end() ? engine : it->family;
}

bool close_depth(std::uint32_t asked, std::uint32_t measured) {
  if (asked < shallow || measured < shallow) return asked < shallow && measured < shallow;
  return std::abs(std::log(static_cast<double>(asked) / measured)) < 0.25;
}

bool same_quant(std::string_view preset_id, std::string_view written) {
  if (preset_id == written) return true;
  const auto found = find_quant(written);
  return found && found->instead_of.empty() && found->id == preset_id;
}

}  // namespace

std::optional<MeasuredSpeed> find_measurement(const MeasurementQuery& q) {
  std::vector<const Measurement*> found;
  for (const auto& m : all_measurements()) {
    if (m.prefill != q.prefill || m.count != q.count || m.sliced != q.sliced || m.cls == "moe-offload" ||
        !is_device(q.device, m.device))
      continue;
    if (m.model != q.model || !close_depth(q.depth, m.depth) || !same_quant(q.quant, m.quant)) continue;
    const auto engine = name_of(q.engine);
    const bool own_backend = m.backend == "mlx" || m.backend == "vllm";  // named after their engine in the table
    if (family(m.engine) != family(engine) || (!own_backend && m.backend != q.backend)) continue;
    if (q.prefill && m.ubatch != q.ubatch) continue;
    if (q.prefill && m.tokens != 0 && (m.tokens > 2 * q.tokens || 2 * m.tokens < q.tokens)) continue;
    found.push_back(&m);
  }
  if (std::any_of(found.begin(), found.end(), [](const auto* m) { return m->benchmark; }))
    found.erase(std::remove_if(found.begin(), found.end(), [](const auto* m) { return !m->benchmark; }), found.end());
  if (found.empty()) return std::nullopt;
  std::stable_sort(found.begin(), found.end(),
                   [](const auto* a, const auto* b) { return a->tokens_per_s < b->tokens_per_s; });
  const auto& median = *found[(found.size() - 1) / 2];
  return MeasuredSpeed{median.tokens_per_s, static_cast<std::uint32_t>(found.size()), q.prefill ? median.tokens : 0,
                       std::string(measurement_source(median.source))};
}

}  // namespace willitrun
