#include "willitrun/tensor_builder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "willitrun/architecture.hpp"

namespace willitrun {

void TensorBuilder::add(std::string name, Dimensions dimensions) {
  TensorInfo tensor;
  std::copy(dimensions.begin(), dimensions.end(), tensor.shape.begin());
  tensor.type = source_type(name, dimensions.size(), base_);
  tensor.layer = tensor_layer(name, spec.architecture);
  tensor.place = tensor_place(name, spec.architecture);
  tensor.routed_expert = is_routed_expert(name);
  tensor.name = std::move(name);
  tensors_.push_back(std::move(tensor));
}

void BlockBuilder::add(std::string_view name, Dimensions dimensions) {
  out_.add(fmt::format("blk.{}.{}", layer, name), dimensions);
}

void BlockBuilder::weight(std::string_view name, Dimensions dimensions) {
  out_.add(fmt::format("blk.{}.{}.weight", layer, name), dimensions);
}

void BlockBuilder::bias(std::string_view name, std::uint64_t elements) {
  out_.add(fmt::format("blk.{}.{}.bias", layer, name), {elements});
}

void BlockBuilder::linear(std::string_view name, std::uint64_t in, std::uint64_t out, bool with_bias) {
  weight(name, {in, out});
  if (with_bias) bias(name, out);
}

}  // namespace willitrun
