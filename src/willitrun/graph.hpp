// A graph of tensor shapes, built the way llama.cpp builds its compute graph: nothing but sizes, sources and order.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "willitrun/units.hpp"

namespace willitrun::graph {

using Id = std::int32_t;
/// A tensor that is not there. Files may lack any: it has a shape of 1 to read, and no memory.
inline constexpr Id none = 0;
using Extent = std::array<std::uint32_t, 4>;

/// What matters of an operation to scheduler and allocator.
enum class Op : std::uint8_t {
  weight,   ///< leaf in a weight buffer
  state,    ///< leaf in a cache buffer
  blank,    ///< leaf that nobody fills: only its shape is read
  input,    ///< leaf filled by the host for every batch
  copy,     ///< another backend's tensor, copied by the scheduler
  view,     ///< reshape, view, permute, transpose: no memory of its own
  store,    ///< writes through a view (into a cache, or over its own source)
  inplace,  ///< may take over the buffer of a source of the same layout
  compute,  ///< needs a buffer of its own
  mul_mat,  ///< the remaining ones differ in how the scheduler treats them
  mul_mat_id,
  get_rows,
  rope,
  attention,
};

struct Tensor {
  Extent ne{1, 1, 1, 1};
  Bytes bytes = 0;         ///< on the host
  Bytes device_bytes = 0;  ///< on a device, with padding and scratch
  std::array<Id, 7> src{};
  Id root = none;  ///< the tensor a view looks into
  Op op = Op::compute;
  std::uint8_t element_bytes = 4;
  std::uint8_t n_src = 0;
  std::int8_t backend = -1;
  bool contiguous = true;
  bool output = false;  ///< never freed
  bool visited = false;

  [[nodiscard]] std::span<const Id> sources() const { return {src.data(), n_src}; }  ///< none of them `none`
  [[nodiscard]] bool is_leaf() const { return op <= Op::input; }
  [[nodiscard]] bool is_external() const { return op <= Op::state; }
  [[nodiscard]] bool is_view() const { return root != none; }
  [[nodiscard]] std::uint64_t rows() const { return std::uint64_t{ne[1]} * ne[2] * ne[3]; }
};

/// Tensors by number, and the order in which nodes run: as in ggml, a node enters when it or a later one that needs it
/// is expanded, after its sources, first source first (ggml.c, ggml_visit_parents_graph).
class Graph {
 public:
  Graph();
  ~Graph();
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Leaves.
  Id weight(const Extent& ne, Bytes bytes, Bytes device_bytes, std::int32_t backend);
  Id state(Bytes bytes, std::int32_t backend);
  Id input(const Extent& ne, std::uint8_t element_bytes);
  Id blank(const Extent& ne, std::uint8_t element_bytes = 4);

  // Nodes. Results are f32 unless said.
  Id mul_mat(Id weights, Id x);
  Id mul_mat_id(Id weights, Id x, Id ids);
  Id get_rows(Id table, Id rows);
  Id rope(Id x, Id positions, Id factors = none);
  Id inplace(Id x, Id y = none, Id z = none);  ///< result has x's shape and type
  Id compute(const Extent& ne, std::initializer_list<Id> sources, std::uint8_t element_bytes = 4);
  Id attention(const Extent& ne, std::initializer_list<Id> sources, Bytes scratch);
  Id view(Id x, const Extent& ne, bool contiguous = true, Bytes bytes = 0);
  /// A part of every row of x: `elements` of a row of x's.
  Id slice(Id x, const Extent& ne, std::uint32_t elements);
  Id cache_view(Id cache, const Extent& ne, Bytes device_bytes);
  Id store(Id target, std::initializer_list<Id> sources);

  void expand(Id node);
  void set_output(Id node) { tensors_[index(node)].output = true; }

  [[nodiscard]] Tensor& at(Id id) { return tensors_[index(id)]; }
  [[nodiscard]] const Tensor& at(Id id) const { return tensors_[index(id)]; }
  [[nodiscard]] Extent ne(Id id) const { return tensors_[index(id)].ne; }
  [[nodiscard]] std::span<const Id> order() const { return order_; }
  [[nodiscard]] std::span<const Id> leaves() const { return leaves_; }
  [[nodiscard]] std::vector<Tensor>& tensors() { return tensors_; }

 private:
  static std::size_t index(Id id) { return static_cast<std::size_t>(id); }
  Id node(Op op, const Extent& ne, std::span<const Id> sources, std::uint8_t element_bytes = 4);

  std::vector<Tensor> tensors_;
  std::vector<Id> order_, leaves_;
};

}  // namespace willitrun::graph
