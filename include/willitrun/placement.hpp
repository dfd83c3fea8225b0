// What lies where on a machine, and whether it fits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "willitrun/footprint.hpp"
#include "willitrun/hardware.hpp"

namespace willitrun {

/// vLLM's: `stages` are whole layers in even numbers, `parallel` even slices where the model can be cut so, else
/// stages.
enum class SplitMode : std::uint8_t { layer, tensor, none, stages, parallel };

/// What the user fixed; what is empty is solved for.
struct PlacementOptions {
  std::optional<std::uint32_t> gpu_layers;      ///< output layer included, as -ngl counts; empty = auto
  std::optional<std::uint32_t> cpu_moe_layers;  ///< first N blocks keep their experts on the host; empty = auto
  std::vector<double> tensor_split;             ///< shares per device; empty = by usable memory, for slices equal
  SplitMode split_mode = SplitMode::layer;
};

struct Placement {
  Split split;
  ResolvedContext context;
  std::vector<Load> devices;  ///< one per device of the machine, overhead included
  std::vector<Bytes> usable;  ///< of each device, for what lies on it here
  Load host;
  Bytes beside_gpu = 0;                ///< on a shared pool: of the device's bytes, those that the processor holds
  std::uint32_t n_hosted_experts = 0;  ///< blocks whose experts lie on the host
  std::vector<std::int64_t> slack;     ///< usable bytes left to each GPU; below 0 = short
  bool devices_fit = true;             ///< every device within its usable memory
  bool host_fits = true;               ///< host or shared pool within its usable memory, as far as that is known

  [[nodiscard]] bool fits() const { return devices_fit && host_fits; }
  /// All weights and cache on the accelerators.
  [[nodiscard]] bool fully_on_device() const;
  [[nodiscard]] Bytes total() const;
  [[nodiscard]] std::int64_t least_slack() const;  ///< of the fullest device; 0 without any
};

/// Loads for one split on one machine.
[[nodiscard]] Placement place(const Footprint& footprint, const Machine& machine, const Split& split);

/// Whether a model can be spread with SplitMode::tensor: llama.cpp 0.7.0 refuses some architectures, and what it does
/// with a few more is not known here.
[[nodiscard]] bool can_be_sliced(const ModelSpec& spec);

/// What keeps a model from vLLM's --tensor-parallel-size: "32 attention heads"; empty when nothing does (vllm's
/// ModelConfig.verify_with_parallel_config and its column-parallel layers).
[[nodiscard]] std::string undivided_part(const Model& model, std::size_t n_device);

/// As asked where fixed; otherwise everything on the accelerators if it fits, for expert models experts of as few
/// blocks as possible on the host, else as many whole layers as fit, else none - the order of llama.cpp's --fit. With
/// SplitMode::tensor, which --fit declines, every device holds its slice of what lies on the accelerators.
[[nodiscard]] Placement solve_placement(const Footprint& footprint, const Machine& machine,
                                        const PlacementOptions& options);

/// The longest context (a multiple of 256, at most `limit`) for which `accept` holds of the solved placement; 0 if
/// none of at least 256 does.
struct LongestContext {
  std::uint32_t on_device = 0;  ///< with everything on the accelerators
  std::uint32_t anywhere = 0;   ///< with layers or experts moved to the host
};
[[nodiscard]] LongestContext longest_context(const Footprint& footprint, const Machine& machine,
                                             const PlacementOptions& options, std::uint32_t limit);

/// The context `--ctx max` stands for: the longest, up to the model's own, that keeps everything on the accelerators;
/// never below 4096 (or the model's own), even if layers or experts must leave for that.
[[nodiscard]] std::uint32_t chosen_context(const Footprint& footprint, const Machine& machine,
                                           const PlacementOptions& options);

}  // namespace willitrun
