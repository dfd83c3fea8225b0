// Published speed measurements, generated from data/calibration/measured.tsv.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "willitrun/speed.hpp"

namespace willitrun {

struct Measurement {
  std::string_view cls;     ///< gpu, gpu-depth, multi-gpu, moe-offload, cpu
  std::string_view device;  ///< any name the catalog knows
  std::string_view backend, engine;
  std::string_view model, quant;
  std::string_view flash_attn, kv;  ///< empty = not stated
  std::uint32_t count;              ///< devices
  bool prefill;
  std::uint32_t tokens;  ///< decoded or of the prompt; 0 = not stated
  std::uint32_t depth;   ///< in the context before them
  double tokens_per_s;
  bool benchmark;  ///< a standard benchmark, not the timing of a chat
  bool sliced;     ///< with --split-mode tensor
  std::uint32_t ubatch;
  std::size_t source;
};

/// Sorted by device.
[[nodiscard]] std::span<const Measurement> all_measurements();
[[nodiscard]] std::string_view measurement_source(std::size_t index);

struct MeasurementQuery {
  std::string_view device;  ///< catalog id of a device or, without one, of the processor
  std::uint32_t count = 1;
  std::string_view backend, model, quant;
  Engine engine = Engine::llama_cpp;
  std::uint32_t depth = 0, tokens = 0;
  std::uint32_t ubatch = 512;
  bool prefill = false;
  bool sliced = false;
};
/// The median of what was published for the same device, model, quant and engine, standard benchmarks before chat
/// timings.
[[nodiscard]] std::optional<MeasuredSpeed> find_measurement(const MeasurementQuery& query);

}  // namespace willitrun
