// A user's own llama-bench runs against the estimates for the same device, model and settings.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "willitrun/correction.hpp"
#include "willitrun/hardware.hpp"
#include "willitrun/llama_bench.hpp"

namespace willitrun {

/// What the user says of the machine, over what the file says.
struct BenchMachine {
  std::optional<DeviceSpec> gpu;
  std::optional<CpuSpec> cpu;
};

/// One test beside its estimate, or why it cannot stand beside one.
struct ComparedRow {
  BenchRow bench;
  std::string left_out;  ///< empty = compared
  std::string device, device_name, backend;
  std::string model, model_name, quant;
  bool exact = true;  ///< parameters and bytes are the catalog's
  bool prefill = false;
  double estimated = 0;  ///< tokens per second, without any correction
  [[nodiscard]] double ratio() const { return bench.avg_ts / estimated; }
};

/// In the file's order.
[[nodiscard]] std::vector<ComparedRow> compare_bench(const std::vector<BenchRow>& rows, const BenchMachine& machine);

/// The factors of all devices compared; `source` is the file's name.
[[nodiscard]] std::vector<Correction> corrections_from(const std::vector<ComparedRow>& rows, const std::string& source);

/// Takes new corrections over old ones of the same device and backend; those of another fit go.
void merge(Corrections& into, const std::vector<Correction>& fresh);

}  // namespace willitrun
