// What vLLM takes of a GPU besides weights and cache: it runs the largest batch it will serve once, measures that, and
// gives the cache the rest of its share. The rules follow what it logged (tests/oracle/truth/vllm.tsv). Private to the
// library.
#pragma once

#include "willitrun/footprint.hpp"
#include "willitrun/hardware.hpp"
#include "willitrun/split.hpp"

namespace willitrun {

/// What it will serve at once on these devices: as asked, else its own defaults (vllm/engine/arg_utils.py,
/// get_batch_defaults of v0.27, as a server).
[[nodiscard]] ServedBatch served_batch(const Machine& machine, const ServedBatch& asked);

struct ProfiledMemory {
  Bytes activations = 0;  ///< alive at the peak of a forward pass, or of sampling
  Bytes expert_rows = 0;  ///< what routed tokens are gathered into; stays allocated
  Bytes graphs = 0;       ///< captured CUDA graphs, counted since v0.21
  Bytes collectives = 0;  ///< NCCL's and the all-reduce's buffers
  [[nodiscard]] Bytes total() const { return activations + expert_rows + graphs + collectives; }
};
[[nodiscard]] ProfiledMemory profiled_memory(const Footprint& footprint, const Split& split, std::size_t device,
                                             const Machine& machine);

/// The footprint with sliding layers' cache as vLLM pages it, which keeps more than llama.cpp; as it is for other
/// engines.
[[nodiscard]] Footprint paged(const Footprint& footprint, const Split& split, const Machine& machine);

}  // namespace willitrun
