// Scratch memory of a graph evaluation: activations, masks, staging. Rules follow llama.cpp 0.7.0.
#pragma once

#include <memory>
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

/// Where the partial sums of sliced layers meet, on each device: one result of a batch per step of a binary reduction
/// (ggml-backend-meta.cpp of llama.cpp 0.5.0; not in the buffers llama.cpp prints). 0 for whole layers.
[[nodiscard]] Bytes reduction_bytes(const ModelSpec& spec, const ResolvedContext& context, const Split& split);

/// A model made ready for many evaluations: its tensors sorted by what they do.
class ComputePlan {
 public:
  ComputePlan(const ModelSpec& spec, const std::vector<TensorInfo>& tensors);

  /// Peak scratch for the worst-case batch, by replaying the graph that llama.cpp reserves.
  [[nodiscard]] ComputeBuffers evaluate(const ContextParams& params, const ResolvedContext& context,
                                        const Split& split) const;

 private:
  struct Data;
  std::shared_ptr<const Data> data_;
};

/// One evaluation of a plan made for it.
[[nodiscard]] ComputeBuffers compute_buffers(const ModelSpec& spec, const std::vector<TensorInfo>& tensors,
                                             const ContextParams& params, const ResolvedContext& context,
                                             const Split& split);

}  // namespace willitrun
