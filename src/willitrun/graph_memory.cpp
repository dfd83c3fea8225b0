#include "graph_memory.hpp"

#include <algorithm>

#include "graph_scheduler.hpp"

namespace willitrun::graph {

namespace {

constexpr Bytes host_alignment = 32;     // ggml-cpu.cpp, TENSOR_ALIGNMENT
constexpr Bytes device_alignment = 128;  // ggml-cuda.cu, ggml_backend_cuda_buffer_type_get_alignment

/// Best-fit free list of one backend's buffer (ggml-alloc.c, ggml_dyn_tallocr_*).
class Arena {
 public:
  Arena() { free_.reserve(64); }

  Bytes allocate(Bytes size) {
    std::size_t best = free_.size() - 1;  // the last block is the open end, taken only when no other fits
    for (std::size_t i = 0; i + 1 < free_.size(); ++i) {
      if (free_[i].size >= size && (best == free_.size() - 1 || free_[i].size <= free_[best].size)) best = i;
    }
    const Bytes offset = free_[best].offset;
    free_[best].offset += size;
    free_[best].size -= size;
    if (free_[best].size == 0) free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(best));
    peak_ = std::max(peak_, offset + size);
    return offset;
  }

  /// Joins neighbours; empty blocks take part, as upstream.
  void release(Bytes offset, Bytes size) {
    for (std::size_t i = 0; i < free_.size(); ++i) {
      Block& block = free_[i];
      if (block.end() == offset) {
        block.size += size;
        if (i + 1 < free_.size() && block.end() == free_[i + 1].offset) join(i);
        return;
      }
      if (offset + size == block.offset) {
        block.offset = offset;
        block.size += size;
        if (i > 0 && free_[i - 1].end() == block.offset) join(i - 1);
        return;
      }
    }
    const auto next = std::find_if(free_.begin(), free_.end(), [&](const Block& b) { return b.offset >= offset; });
    free_.insert(next, {offset, size});
  }

  [[nodiscard]] Bytes peak() const { return peak_; }

 private:
  struct Block {
    Bytes offset, size;
    [[nodiscard]] Bytes end() const { return offset + size; }
  };
  void join(std::size_t i) {
    free_[i].size += free_[i + 1].size;
    free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
  std::vector<Block> free_{{0, ~Bytes{0} / 2}};
  Bytes peak_ = 0;
};

/// Lifetimes over one schedule (ggml-alloc.c, ggml_gallocr_alloc_graph_impl).
class Allocator {
 public:
  Allocator(Graph& graph, const Backends& backends)
      : graph_(graph),
        host_(backends.host()),
        arenas_(static_cast<std::size_t>(backends.host()) + 1),
        use_(graph.tensors().size()) {}

  std::vector<Bytes> run(const Schedule& schedule) {
    for (const Id leaf : schedule.leaves) allocate(leaf);
    for (const Step& step : schedule.steps) count(step);
    for (const Step& step : schedule.steps) visit(step);
    std::vector<Bytes> peaks(arenas_.size());
    std::transform(arenas_.begin(), arenas_.end(), peaks.begin(), [](const Arena& a) { return a.peak(); });
    return peaks;
  }

 private:
  struct Use {
    Bytes offset = 0;
    std::int32_t readers = 0, views = 0;
    bool allocated = false;
  };

  Use& use(Id id) { return use_[static_cast<std::size_t>(id)]; }
  Arena& arena(const Tensor& t) { return arenas_[static_cast<std::size_t>(t.backend)]; }
  [[nodiscard]] Bytes size(const Tensor& t) const {
    return t.backend == host_ ? round_up(t.bytes, host_alignment) : round_up(t.device_bytes, device_alignment);
  }

  void count(const Step& step) {
    if (step.dependency) {
      ++use(step.tensor).readers;
      return;
    }
    const Tensor& t = graph_.at(step.tensor);
    if (t.is_view()) ++use(t.root).views;
    for (const Id s : t.sources()) ++use(s).readers;
  }

  static bool same_layout(const Tensor& a, const Tensor& b) {
    return a.ne == b.ne && a.element_bytes == b.element_bytes && a.contiguous && b.contiguous;
  }

  /// Views are never taken over, so a rope over a reshaped projection gets a buffer of its own.
  bool take_over(const Tensor& t, Use& mine) {
    if (t.op != Op::inplace && t.op != Op::rope) return false;
    for (const Id s : t.sources()) {
      if (!use(s).allocated || graph_.at(s).output || !same_layout(t, graph_.at(s))) continue;
      Use& theirs = use(s);
      if (theirs.readers != 1 || theirs.views != 0) continue;
      mine.offset = theirs.offset;
      theirs.allocated = false;
      const Bytes had = size(graph_.at(s)), wants = size(t);
      if (had > wants) arena(t).release(mine.offset + wants, had - wants);
      return true;
    }
    return false;
  }

  void allocate(Id id) {
    const Tensor& t = graph_.at(id);
    Use& mine = use(id);
    if (mine.allocated || t.is_view() || t.is_external()) return;
    mine.allocated = true;
    if (!take_over(t, mine)) mine.offset = arena(t).allocate(size(t));
  }

  void release(Id id) {
    if (!use(id).allocated || graph_.at(id).output) return;
    use(id).allocated = false;
    arena(graph_.at(id)).release(use(id).offset, size(graph_.at(id)));
  }

  void drop_reader(Id id) {
    if (--use(id).readers != 0 || use(id).views != 0) return;
    if (!graph_.at(id).is_view()) return release(id);
    const Id root = graph_.at(id).root;
    if (--use(root).views == 0 && use(root).readers == 0) release(root);
  }

  void visit(const Step& step) {
    if (step.dependency) return drop_reader(step.tensor);
    const Tensor& t = graph_.at(step.tensor);
    for (const Id s : t.sources()) allocate(s);
    allocate(step.tensor);
    for (const Id s : t.sources()) drop_reader(s);
  }

  Graph& graph_;
  std::int32_t host_;
  std::vector<Arena> arenas_;
  std::vector<Use> use_;
};

}  // namespace

std::vector<Bytes> peak_memory(Graph& graph, const Backends& backends) {
  const Schedule steps = schedule(graph, backends);
  return Allocator(graph, backends).run(steps);
}

}  // namespace willitrun::graph
