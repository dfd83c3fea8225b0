// Which backend runs what, and what is copied where: ggml_backend_sched_split_graph (ggml-backend.cpp, ggml 0.27.0).
#pragma once

#include <vector>

#include "graph_memory.hpp"

namespace willitrun::graph {

/// One step of the allocator's walk over the split graph.
struct Step {
  Id tensor = none;
  bool dependency = false;  ///< only keeps `tensor` alive until here
};

struct Schedule {
  std::vector<Id> leaves;  ///< allocated before everything else
  std::vector<Step> steps;
};

/// Assigns a backend to every tensor, cuts the order into splits and adds the copies that each split needs.
[[nodiscard]] Schedule schedule(Graph& graph, const Backends& backends);

}  // namespace willitrun::graph
