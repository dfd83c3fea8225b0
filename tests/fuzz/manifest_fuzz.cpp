// Any bytes as a manifest or a lock file: problems with places, or values, never a crash.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "willitrun/lock.hpp"
#include "willitrun/manifest.hpp"

using namespace willitrun;

namespace {

void check_indices(const std::vector<std::uint32_t>& indices, std::size_t count) {
  for (const auto index : indices)
    if (index >= count) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const ManifestKeys keys{{"gpu", "vram", "ram"}, {"quant", "ctx", "require", "kv_offload"}};
  const auto [manifest, problems] = read_manifest(text, "fuzz.json", keys);
  for (const auto& problem : problems)
    if (problem.error.message.empty() || to_text(problem).empty()) std::abort();
  for (const auto* checks : {&manifest.checks, &manifest.budgets})
    for (const auto& check : *checks) {
      check_indices(check.models, manifest.models.size());
      check_indices(check.targets, manifest.targets.size());
    }
  for (const auto& waiver : manifest.waivers) {
    check_indices(waiver.budgets, manifest.budgets.size());
    if (problems.empty() && !waiver.expires.ok()) std::abort();
  }
  if (const auto lock = parse_lock(text, "fuzz.lock")) {
    // What was read is written and read again to the same.
    const auto again = parse_lock(to_json(*lock), "fuzz.lock");
    if (!again || to_json(*again) != to_json(*lock)) std::abort();
    for (const auto& row : lock->rows) (void)compare(row, lock->rows.front());
  }
  return 0;
}
