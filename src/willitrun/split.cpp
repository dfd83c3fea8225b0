#include "willitrun/split.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace willitrun {

Split make_split(std::uint32_t n_layer, std::uint32_t gpu_layers, const std::vector<double>& weights,
                 std::uint32_t cpu_moe_layers, bool kv_on_device) {
  Split split;
  split.n_device = static_cast<std::uint32_t>(weights.size());
  split.gpu_layers = split.n_device == 0 ? 0 : std::min(gpu_layers, n_layer + 1);
  split.kv_on_device = kv_on_device;
  split.layer_device.assign(n_layer + 1, -1);
  split.experts_on_host.assign(n_layer, false);
  split.n_expert_overrides = std::min(cpu_moe_layers, n_layer);
  std::fill_n(split.experts_on_host.begin(), split.n_expert_overrides, true);
  if (split.gpu_layers == 0) return split;

  // llama_model::load_tensors: cumulative shares in single precision, the first that exceeds a layer's position.
  std::vector<float> shares(weights.begin(), weights.end());
  std::partial_sum(shares.begin(), shares.end(), shares.begin());
  for (auto& share : shares) share /= shares.back();
  const auto first = n_layer + 1 - split.gpu_layers;
  for (auto il = first; il <= n_layer; ++il) {
    const auto position = static_cast<float>(il - first) / static_cast<float>(split.gpu_layers);
    const auto device = std::upper_bound(shares.begin(), shares.end(), position) - shares.begin();
    split.layer_device[il] = static_cast<std::int32_t>(std::min<std::ptrdiff_t>(device, split.n_device - 1));
  }
  return split;
}

Split make_sliced_split(std::uint32_t n_layer, std::uint32_t gpu_layers, std::vector<double> shares,
                        std::uint32_t cpu_moe_layers, bool kv_on_device) {
  auto split = make_split(n_layer, gpu_layers, {1.0}, cpu_moe_layers, kv_on_device);
  split.n_device = static_cast<std::uint32_t>(shares.size());
  split.slices = std::move(shares);
  return split;
}

Split make_staged_split(std::uint32_t n_layer, std::uint32_t n_layer_trunk, std::uint32_t n_device, bool kv_on_device) {
  std::vector<DeviceShare> shares(n_device);
  for (auto& share : shares) share.n_layer = n_layer_trunk / n_device;
  for (std::uint32_t i = 0; i < n_layer_trunk % n_device; ++i) ++shares[n_device - 2 - i].n_layer;
  shares.back().n_layer += n_layer + 1 - n_layer_trunk;
  return make_split(n_layer, n_layer_trunk, shares, kv_on_device);
}

Split make_split(std::uint32_t n_layer, std::uint32_t n_layer_trunk, const std::vector<DeviceShare>& shares,
                 bool kv_on_device) {
  Split split;
  split.n_device = static_cast<std::uint32_t>(shares.size());
  split.kv_on_device = kv_on_device;
  split.layer_device.assign(n_layer + 1, -1);
  split.experts_on_host.assign(n_layer, false);
  for (const auto& share : shares) split.gpu_layers += share.n_layer;

  auto layer = n_layer + 1 - split.gpu_layers;
  for (std::size_t id = 0; id < shares.size(); ++id)
    for (std::uint32_t i = 0; i < shares[id].n_layer; ++i) split.layer_device[layer++] = static_cast<std::int32_t>(id);
  // Counted without next-token-prediction blocks, while the layers above are counted with them.
  auto block = n_layer_trunk + 1 - std::min(split.gpu_layers, n_layer_trunk + 1);
  for (const auto& share : shares) {
    block += share.n_full();
    split.n_expert_overrides += share.n_part;
    for (std::uint32_t i = 0; i < share.n_part; ++i, ++block)
      if (block < n_layer) split.experts_on_host[block] = true;
  }
  return split;
}

}  // namespace willitrun
