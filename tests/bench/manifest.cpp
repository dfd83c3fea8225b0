#include "bench/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "willitrun/catalog.hpp"

namespace willitrun::bench {

std::string catalog_manifest(std::size_t models, std::size_t targets) {
  std::string out = R"({
"schema": "willitrun.manifest/1",
"defaults": {"ctx": 8192, "quant": "q4_k_m", "ram": "128GiB", "require": "gpu"},
"targets": {)";
  auto devices = all_devices();
  std::erase_if(devices, [](const DeviceSpec& device) { return device.memory_bytes < 4 * gib; });
  targets = std::min(targets, devices.size());
  for (std::size_t i = 0; i < targets; ++i)
    out +=
        fmt::format("{}\n  \"{}\": {{\"gpu\": \"{}\"{}}}", i == 0 ? "" : ",", devices[i * devices.size() / targets].id,
                    devices[i * devices.size() / targets].id, i % 5 == 4 ? ", \"gpu_count\": 2" : "");
  out += "\n},\n\"models\": {";
  const auto entries = all_models();
  for (std::size_t i = 0; i < models; ++i) {
    // More models than the catalog has come at another context.
    const auto& entry = entries[models <= entries.size() ? i * entries.size() / models : i % entries.size()];
    const auto round = models <= entries.size() ? 0 : i / entries.size();
    out += fmt::format("{}\n  \"{}-{}\": {{\"model\": \"{}\", \"ctx\": {}}}", i == 0 ? "" : ",", entry.id, round,
                       entry.id, 8192 >> round);
  }
  return out + "\n},\n\"checks\": [{\"models\": \"*\", \"targets\": \"*\"}]\n}\n";
}

}  // namespace willitrun::bench
