// Peak memory of a graph, per backend: ggml's scheduler and graph allocator, on sizes alone.
#pragma once

#include <vector>

#include "graph.hpp"

namespace willitrun::graph {

struct Backends {
  std::int32_t n_device = 0;  ///< devices are backends 0 to n_device - 1, the host is n_device
  bool op_offload = true;     ///< large batches run on a device even where their weights are in host memory
  bool attention_on_device = true;
  std::uint32_t n_copies = 1;  ///< of every input, 4 with pipeline parallelism
  [[nodiscard]] std::int32_t host() const { return n_device; }
};

/// Peak bytes per backend, the host last. Assigns backends and rewires sources, so a graph is measured once.
[[nodiscard]] std::vector<Bytes> peak_memory(Graph& graph, const Backends& backends);

}  // namespace willitrun::graph
