// Which catalog entries a llama-bench run speaks of. Private to calibrate.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "willitrun/footprint.hpp"
#include "willitrun/hardware.hpp"
#include "willitrun/llama_bench.hpp"
#include "willitrun/machine.hpp"

namespace willitrun {

/// The GPUs the run used, by name; empty for a run without.
[[nodiscard]] Result<std::vector<DeviceSpec>> bench_devices(const BenchRow& row);
/// Empty when the build's backend is none that is modelled.
[[nodiscard]] std::optional<Backend> bench_backend(const BenchRow& row);

struct MatchedModel {
  std::shared_ptr<const WeighedModel> weighed;
  std::string quant;  ///< preset id
  bool exact = true;  ///< parameters and bytes are the same
};
/// By architecture, parameters, file type and bytes; where several entries have the same shape, by the file's name.
[[nodiscard]] Result<MatchedModel> bench_model(const BenchRow& row);

}  // namespace willitrun
