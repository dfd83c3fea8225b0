#include "willitrun/weights.hpp"

#include <algorithm>

#include "willitrun/allocation.hpp"
#include "willitrun/architecture.hpp"

namespace willitrun {
namespace {

WeightBytes allocated(const TensorInfo& tensor) {
  return {tensor.bytes(), device_bytes(tensor.type, tensor.shape), host_bytes(tensor.type, tensor.shape)};
}

/// Elements of a routed expert stack that fire for one token, of `elements`.
std::uint64_t active_share(const ModelSpec& spec, const TensorInfo& tensor, std::uint64_t elements) {
  if (!tensor.routed_expert || spec.n_expert == 0) return elements;
  return elements / spec.n_expert * spec.n_expert_used;
}

/// Read whole for every token. The input tables are looked up row by row instead.
void add_active(const ModelSpec& spec, const TensorInfo& tensor, WeightTable& table) {
  const bool tied_output = spec.optional.tied_embeddings && tensor.name == "token_embd.weight";
  if (tensor.place != TensorPlace::input || tied_output)
    table.active_bytes += active_share(spec, tensor, tensor.bytes());
}

void add_to_place(const ModelSpec& spec, const TensorInfo& tensor, WeightTable& table) {
  const auto bytes = allocated(tensor);
  if (tensor.place == TensorPlace::input) {
    table.input += bytes;
    if (spec.optional.tied_embeddings && !spec.head_in_input_table && tensor.name == "token_embd.weight")
      table.tied_output += bytes;
  } else if (tensor.place == TensorPlace::output) {
    table.output += bytes;
  } else if (is_shared_by_layers(tensor.name)) {
    table.shared += bytes;
  } else {
    // Tensors of the trunk without a layer number are loaded with the first layer.
    auto& layer = table.layers[static_cast<std::size_t>(std::max(tensor.layer, 0))];
    (tensor.routed_expert ? layer.experts : layer.dense) += bytes;
  }
}

}  // namespace

Bytes WeightTable::resident_bytes() const {
  Bytes sum = output.file;
  for (const auto& layer : layers) sum += layer.total().file;
  return sum;
}

WeightTable weigh(const Model& model) {
  const auto& spec = model.spec;
  WeightTable table;
  table.layers.resize(spec.n_layer);
  const auto n_trunk = static_cast<std::int32_t>(spec.n_layer_trunk());
  for (const auto& tensor : model.tensors) {
    const auto elements = element_count(tensor.shape).value_or(0);
    table.parameters += elements;
    if (tensor.layer < n_trunk) table.active_parameters += active_share(spec, tensor, elements);
  }
  if (!model.stored.empty()) table.parameters = model.parameters;
  for (const auto& tensor : model.as_stored()) {
    table.file_bytes += tensor.bytes();
    if (tensor.name == "output.weight") table.output_bytes = tensor.bytes();
    if (tensor.place == TensorPlace::input) table.token_embedding_bytes += tensor.bytes();
    // Next-token-prediction blocks are in the file but not loaded.
    if (tensor.layer >= n_trunk) continue;
    add_active(spec, tensor, table);
    add_to_place(spec, tensor, table);
  }
  return table;
}

}  // namespace willitrun
