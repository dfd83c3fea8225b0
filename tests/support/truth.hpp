// Truth measured with real llama.cpp, and our answer to the same question.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "willitrun/footprint.hpp"
#include "willitrun/placement.hpp"

namespace willitrun::test {

/// A table's rows as maps from column name to text; lines that start with '#' are comments.
[[nodiscard]] std::vector<std::map<std::string, std::string>> read_table(const std::string& file);

/// A catalog model at a preset. Each is built once per process; an unknown name ends the test.
[[nodiscard]] std::shared_ptr<const WeighedModel> catalog_model(const std::string& name, const std::string& quant);

struct Sizes {
  Bytes model = 0, context = 0, compute = 0;
  [[nodiscard]] Bytes total() const { return model + context + compute; }
};

/// One run: what each device and, last, the host held.
struct MemoryTruth {
  std::string model, quant, config;
  ContextParams params;
  std::uint32_t n_ctx = 0;  ///< as allocated
  std::uint32_t n_device = 0;
  std::uint32_t gpu_layers = 0;  ///< capped to the model's
  std::uint32_t cpu_moe_layers = 0;
  std::vector<double> slices;  ///< shares under --split-mode tensor; empty = split by layers
  std::vector<Sizes> sizes;
};
[[nodiscard]] std::vector<MemoryTruth> memory_truth();
/// Our figures for the same run, in the same order.
[[nodiscard]] std::vector<Sizes> predict(const MemoryTruth& truth, ResolvedContext* context = nullptr);

struct PlacementTruth {
  std::string model, quant;
  Bytes vram = 0, margin = 0;
  std::uint32_t n_device = 0, ctx = 0, n_ctx = 0, overrides = 0;
  int gpu_layers = 0;  ///< -1 = everything
};
[[nodiscard]] std::vector<PlacementTruth> placement_truth();
[[nodiscard]] Placement predict(const PlacementTruth& truth);

}  // namespace willitrun::test
