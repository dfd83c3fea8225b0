#include "graph_scheduler.hpp"

#include <algorithm>

namespace willitrun::graph {

namespace {

// ggml-cuda.cu, get_op_batch_size and op_offload_min_batch_size.
constexpr std::uint64_t offload_min_batch = 32;

std::uint64_t batch_size(const Tensor& t) {
  switch (t.op) {
    case Op::get_rows: return 0;
    case Op::mul_mat: return t.ne[1];
    case Op::mul_mat_id:
    case Op::rope: return t.ne[2];
    default: return t.rows();
  }
}

class Scheduler {
 public:
  Scheduler(Graph& graph, const Backends& backends) : graph_(graph), backends_(backends) {}

  Schedule run() {
    assign_from_buffers();
    const std::int32_t host = backends_.host();
    sweep(false, host);
    sweep(true, host);
    sweep(false, none);
    sweep(true, none);
    assign_rest();
    return split();
  }

 private:
  Tensor& at(Id id) { return graph_.at(id); }

  /// A device cannot run what reads another device's weights or cache, nor attention it has no kernel for.
  bool supports(const Tensor& t, std::int32_t backend) const {
    if (backend == backends_.host()) return true;
    if (t.op == Op::attention && !backends_.attention_on_device) return false;
    const auto sources = t.sources();
    return std::none_of(sources.begin(), sources.end(), [&](Id s) {
      return graph_.at(s).is_external() && graph_.at(s).backend != backend && graph_.at(s).backend != backends_.host();
    });
  }

  std::int32_t backend_from_sources(const Tensor& t) const {
    // Rope factors and attention sinks are too small to decide.
    if (t.op == Op::rope || t.op == Op::attention) return -1;
    for (const Id s : t.sources()) {
      if (graph_.at(s).op != Op::weight) continue;
      const std::int32_t backend = graph_.at(s).backend;
      if (backend == backends_.host() && backends_.op_offload && backends_.n_device > 0 &&
          batch_size(t) >= offload_min_batch && supports(t, 0)) {
        return 0;
      }
      return backend;
    }
    return -1;
  }

  /// Pass 1: weights, caches and inputs decide.
  void assign_from_buffers() {
    for (const Id leaf : graph_.leaves()) {
      if (at(leaf).op == Op::input) at(leaf).backend = static_cast<std::int8_t>(backends_.host());
    }
    for (const Id id : graph_.order()) {
      Tensor& t = at(id);
      if (t.backend != -1) continue;
      if (t.is_view() && graph_.at(t.root).is_external()) {
        t.backend = graph_.at(t.root).backend;
      } else {
        t.backend = static_cast<std::int8_t>(backend_from_sources(t));
      }
    }
  }

  /// Pass 2: neighbours follow; `barrier` is a backend that nobody follows.
  void sweep(bool upwards, std::int32_t barrier) {
    const auto order = graph_.order();
    std::int32_t current = -1;
    for (std::size_t i = 0; i < order.size(); ++i) {
      Tensor& t = at(upwards ? order[order.size() - 1 - i] : order[i]);
      if (t.op == Op::view) continue;
      if (t.backend != -1) {
        current = t.backend == barrier ? -1 : t.backend;
      } else if (current != -1 && supports(t, current)) {
        t.backend = static_cast<std::int8_t>(current);
      }
    }
  }

  /// Passes 3 and 4: what is left goes with its source or its reader.
  void assign_rest() {
    for (const Id id : graph_.order()) {
      Tensor& t = at(id);
      if (t.backend == -1 && t.op != Op::view) t.backend = static_cast<std::int8_t>(backends_.host());
    }
    for (const Id id : graph_.order()) {
      Tensor& t = at(id);
      if (t.backend == -1 && t.is_view()) t.backend = at(t.root).backend;
      for (const Id s : t.sources()) {
        if (at(s).backend != -1) continue;
        at(s).backend = at(s).is_view() ? at(at(s).root).backend : t.backend;
      }
    }
  }

  std::int32_t buffer_of(const Tensor& t) const {
    if (t.is_view() && (graph_.at(t.root).is_external() || t.backend == -1)) return graph_.at(t.root).backend;
    return t.backend;
  }

  bool needs_new_split(const Tensor& t, std::int32_t backend) const {
    const auto sources = t.sources();
    return std::any_of(sources.begin(), sources.end(),
                       [&](Id s) { return graph_.at(s).op == Op::weight && graph_.at(s).backend != backend; });
  }

  Id make_copy(Id source, std::int32_t backend) {
    Tensor copy = at(source);
    copy.op = Op::copy;
    copy.n_src = 0;
    copy.root = none;
    copy.backend = static_cast<std::int8_t>(backend);
    copy.output = backends_.n_copies > 1;
    graph_.tensors().push_back(copy);
    return static_cast<Id>(graph_.tensors().size() - 1);
  }

  Id& copy_of(Id source, std::int32_t backend) {
    return copies_[static_cast<std::size_t>(source) * static_cast<std::size_t>(backends_.n_device + 1) +
                   static_cast<std::size_t>(backend)];
  }

  /// With several copies of every input, the input itself is the first and is kept like its copies.
  void replicate_input(Id input) {
    if (backends_.n_copies == 1 || at(input).op != Op::input || at(input).output) return;
    at(input).output = true;
    input_leaves_.push_back(input);
    for (std::uint32_t c = 1; c < backends_.n_copies; ++c) input_leaves_.push_back(make_copy(input, at(input).backend));
  }

  void copy_sources(Id id, std::int32_t backend, std::vector<Id>& inputs) {
    for (std::size_t j = 0; j < at(id).n_src; ++j) {
      const Id s = at(id).src[j];
      if (buffer_of(at(s)) == backend) continue;
      if (copy_of(s, backend) == none) {
        const Id copy = make_copy(s, backend);
        copy_of(s, backend) = copy;
        inputs.push_back(s);
        for (std::uint32_t c = 0; c < (backends_.n_copies > 1 ? backends_.n_copies : 0); ++c) {
          split_leaves_.push_back(c == 0 ? copy : make_copy(s, backend));
        }
      }
      at(id).src[j] = copy_of(s, backend);
    }
  }

  void close_split(std::size_t begin, std::size_t end, std::int32_t backend, const std::vector<Id>& inputs) {
    for (const Id s : inputs) {
      result_.steps.push_back({s, true});
      result_.steps.push_back({copy_of(s, backend), false});
    }
    for (std::size_t i = begin; i < end; ++i) result_.steps.push_back({graph_.order()[i], false});
  }

  /// Pass 5. A split ends where the backend changes, or where another host weight is staged: the memory of the staged
  /// one is free again from there on.
  Schedule split() {
    const auto order = graph_.order();
    copies_.assign(graph_.tensors().size() * static_cast<std::size_t>(backends_.n_device + 1), none);
    result_.steps.reserve(order.size() * 2);
    for (const Id leaf : graph_.leaves()) replicate_input(leaf);
    std::vector<Id> inputs;
    std::size_t begin = 0;
    std::int32_t backend = -1;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const Tensor& t = at(order[i]);
      if (t.op == Op::view) continue;
      const std::int32_t wanted = t.backend;
      if (backend == -1) backend = wanted;
      if (wanted != backend || (!inputs.empty() && needs_new_split(t, backend))) {
        close_split(begin, i, backend, inputs);
        inputs.clear();
        begin = i;
        backend = wanted;
      }
      copy_sources(order[i], backend, inputs);
    }
    close_split(begin, order.size(), backend, inputs);
    result_.leaves = std::move(input_leaves_);
    result_.leaves.insert(result_.leaves.end(), split_leaves_.begin(), split_leaves_.end());
    for (const Id leaf : graph_.leaves()) {
      const bool ours = at(leaf).op == Op::input || at(leaf).op == Op::blank;
      if (ours && !at(leaf).output) result_.leaves.push_back(leaf);
    }
    return std::move(result_);
  }

  Graph& graph_;
  const Backends& backends_;
  Schedule result_;
  std::vector<Id> copies_, input_leaves_, split_leaves_;
};

}  // namespace

Schedule schedule(Graph& graph, const Backends& backends) { return Scheduler(graph, backends).run(); }

}  // namespace willitrun::graph
