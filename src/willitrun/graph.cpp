#include "graph.hpp"

#include <algorithm>
#include <utility>

namespace willitrun::graph {

namespace {

Bytes volume(const Extent& ne) { return Bytes{ne[0]} * ne[1] * ne[2] * ne[3]; }

/// Tensors of the thread's last graph. Fresh memory of this size comes a page fault at a time, which took a quarter of
/// a replay.
thread_local std::vector<Tensor> spare;

}  // namespace

Graph::Graph() : tensors_(std::move(spare)) {
  tensors_.clear();
  tensors_.reserve(8192);   // more than all but a few graphs have: growing costs a copy and fresh pages
  tensors_.emplace_back();  // none
  order_.reserve(4096);
}

Graph::~Graph() {
  if (tensors_.capacity() > spare.capacity()) spare.swap(tensors_);
}

Id Graph::node(Op op, const Extent& ne, std::span<const Id> sources, std::uint8_t element_bytes) {
  Tensor& t = tensors_.emplace_back();
  t.ne = ne;
  t.op = op;
  t.element_bytes = element_bytes;
  t.bytes = t.device_bytes = volume(ne) * element_bytes;
  for (const Id source : sources)
    if (source != none) t.src[t.n_src++] = source;
  return static_cast<Id>(tensors_.size() - 1);
}

Id Graph::weight(const Extent& ne, Bytes bytes, Bytes device_bytes, std::int32_t backend) {
  Tensor& t = tensors_.emplace_back();
  t.ne = ne;
  t.op = Op::weight;
  t.bytes = bytes;
  t.device_bytes = device_bytes;
  t.backend = static_cast<std::int8_t>(backend);
  return static_cast<Id>(tensors_.size() - 1);
}

Id Graph::state(Bytes bytes, std::int32_t backend) {
  const Id id = weight({1, 1, 1, 1}, bytes, bytes, backend);
  at(id).op = Op::state;
  return id;
}

Id Graph::input(const Extent& ne, std::uint8_t element_bytes) { return node(Op::input, ne, {}, element_bytes); }

Id Graph::blank(const Extent& ne, std::uint8_t element_bytes) { return node(Op::blank, ne, {}, element_bytes); }

Id Graph::mul_mat(Id weights, Id x) {
  const Extent w = ne(weights), b = ne(x);
  const std::array<Id, 2> sources{weights, x};
  return node(Op::mul_mat, {w[1], b[1], b[2], b[3]}, sources);
}

Id Graph::mul_mat_id(Id weights, Id x, Id ids) {
  const std::array<Id, 3> sources{weights, x, ids};
  return node(Op::mul_mat_id, {ne(weights)[1], ne(ids)[0], ne(x)[2], 1}, sources);
}

Id Graph::get_rows(Id table, Id rows) {
  const std::array<Id, 2> sources{table, rows};
  return node(Op::get_rows, {ne(table)[0], ne(rows)[0], ne(rows)[1], ne(rows)[2]}, sources);
}

Id Graph::rope(Id x, Id positions, Id factors) {
  const std::array<Id, 3> sources{x, positions, factors};
  return node(Op::rope, ne(x), sources);
}

Id Graph::inplace(Id x, Id y, Id z) {
  const std::array<Id, 3> sources{x, y, z};
  return node(Op::inplace, ne(x), sources, at(x).element_bytes);
}

Id Graph::compute(const Extent& ne, std::initializer_list<Id> sources, std::uint8_t element_bytes) {
  return node(Op::compute, ne, {sources.begin(), sources.size()}, element_bytes);
}

Id Graph::attention(const Extent& ne, std::initializer_list<Id> sources, Bytes scratch) {
  const Id id = node(Op::attention, ne, {sources.begin(), sources.size()});
  at(id).device_bytes += scratch;
  return id;
}

Id Graph::view(Id x, const Extent& ne, bool contiguous, Bytes bytes) {
  if (x == none) return none;
  const std::array<Id, 1> sources{x};
  const Id id = node(Op::view, ne, sources, at(x).element_bytes);
  Tensor& t = at(id);
  t.root = at(x).is_view() ? at(x).root : x;
  t.contiguous = contiguous;
  if (bytes != 0) t.bytes = t.device_bytes = bytes;
  return id;
}

Id Graph::slice(Id x, const Extent& ne, std::uint32_t elements) {
  return view(x, ne, false, at(x).bytes - Bytes{at(x).element_bytes} * (this->ne(x)[0] - elements));
}

Id Graph::cache_view(Id cache, const Extent& ne, Bytes device_bytes) {
  const Id id = view(cache, ne, false, at(cache).bytes);
  at(id).device_bytes = device_bytes;
  return id;
}

Id Graph::store(Id target, std::initializer_list<Id> sources) {
  const Id id = node(Op::store, ne(target), {sources.begin(), sources.size()}, at(target).element_bytes);
  at(id).root = at(target).is_view() ? at(target).root : target;
  return id;
}

void Graph::expand(Id node) {
  if (node == none || at(node).visited) return;
  at(node).visited = true;
  for (const Id source : at(node).sources()) expand(source);
  (at(node).is_leaf() ? leaves_ : order_).push_back(node);
}

}  // namespace willitrun::graph
