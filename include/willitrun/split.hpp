// Which layer lies where. The common input of compute buffers and placement.
#pragma once

#include <cstdint>
#include <vector>

namespace willitrun {

/// Layers over devices. Device -1 is the host. The output layer counts as one more layer, after the last block.
struct Split {
  std::uint32_t n_device = 0;
  std::vector<std::int32_t>
      layer_device;                   ///< one per block (next-token-prediction ones included) and one for the output
  std::vector<bool> experts_on_host;  ///< one per block; empty = none
  std::uint32_t gpu_layers = 0;       ///< as asked of llama.cpp's -ngl, output layer included
  bool kv_on_device = true;           ///< false: --no-kv-offload
  /// Shares per device under --split-mode tensor, all 0 = equal; empty = whole layers. Then device 0 stands for all in
  /// `layer_device`: each holds a slice of every layer there.
  std::vector<double> slices;
  bool sharded = false;                  ///< slices are vLLM's: even, input and output tables included
  std::uint32_t n_expert_overrides = 0;  ///< blocks told to give up their experts, as llama.cpp counts: those without
                                         ///< any, and --fit's one past the last block, included

  [[nodiscard]] bool sliced() const { return !slices.empty(); }
  [[nodiscard]] bool experts_host(std::size_t layer) const {
    return layer < experts_on_host.size() && experts_on_host[layer];
  }
};

/// llama.cpp's layer split: the last `gpu_layers` of blocks-plus-output go to the devices, shared in proportion to
/// `weights` (tensor split, or free memory), the first `cpu_moe_layers` blocks keep their routed experts on the host.
[[nodiscard]] Split make_split(std::uint32_t n_layer, std::uint32_t gpu_layers, const std::vector<double>& weights,
                               std::uint32_t cpu_moe_layers, bool kv_on_device);

/// The same under --split-mode tensor: the devices share every one of the `gpu_layers`, by `shares` (all 0 = equally).
[[nodiscard]] Split make_sliced_split(std::uint32_t n_layer, std::uint32_t gpu_layers, std::vector<double> shares,
                                      std::uint32_t cpu_moe_layers, bool kv_on_device);

/// vLLM's pipeline: as many of the `n_layer_trunk` blocks on every device, what does not come out even on those before
/// the last (get_pp_indices in vllm/distributed/utils.py); the last one has the output.
[[nodiscard]] Split make_staged_split(std::uint32_t n_layer, std::uint32_t n_layer_trunk, std::uint32_t n_device,
                                      bool kv_on_device);

/// How many layers a device takes, front to back, and of how many of them the experts stay on the host.
struct DeviceShare {
  std::uint32_t n_layer = 0;
  std::uint32_t n_part = 0;
  [[nodiscard]] std::uint32_t n_full() const { return n_layer - n_part; }
};

/// The split that llama.cpp's --fit writes for these shares (set_ngl_tensor_split_tbo in common/fit.cpp): layers lie
/// back to back up to the output; of each device's, those after the first `n_full` give up their experts. The output
/// counts among the full ones although it comes last, so that one more block than meant keeps its experts.
[[nodiscard]] Split make_split(std::uint32_t n_layer, std::uint32_t n_layer_trunk,
                               const std::vector<DeviceShare>& shares, bool kv_on_device);

}  // namespace willitrun
