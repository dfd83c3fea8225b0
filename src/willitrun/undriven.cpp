#include "willitrun/undriven.hpp"

#include <algorithm>

namespace willitrun {

const Device* undriven_device(const Machine& machine) {
  // TPUs, NPUs and the like are of no vendor whose GPUs llama.cpp, MLX or vLLM's CUDA and ROCm kernels run on; Gaudi is
  // Intel's and has no SYCL.
  const auto it = std::find_if(machine.devices.begin(), machine.devices.end(), [](const Device& device) {
    return device.spec.vendor == "other" || device.spec.architecture.starts_with("Gaudi");
  });
  return it == machine.devices.end() ? nullptr : &*it;
}

}  // namespace willitrun
