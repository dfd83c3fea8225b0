// Scratch memory of a graph evaluation: activations, masks, staging. Rules follow llama.cpp 0.7.0.
#pragma once

#include <vector>

#include "willitrun/kv_cache.hpp"
#include "willitrun/model.hpp"
#include "willitrun/split.hpp"
#include "willitrun/weights.hpp"

namespace willitrun {

struct ComputeBuffers {
  std::vector<Bytes> devices;  ///< one per device of the split
  Bytes host = 0;              ///< host compute buffer (pinned where there is a device)
};

/// Peak scratch per device for the worst-case batch. `tensors` gives the sizes of host weights staged on a device.
[[nodiscard]] ComputeBuffers compute_buffers(const ModelSpec& spec, const std::vector<TensorInfo>& tensors,
                                             const ContextParams& params, const ResolvedContext& context,
                                             const Split& split);

}  // namespace willitrun
