#include "willitrun/tensor_builder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "willitrun/architecture.hpp"

namespace willitrun {

const TensorBuilder::Traits& TensorBuilder::traits_of(std::string_view name) {
  const auto suffix = name.starts_with("blk.") ? name.substr(std::min(name.find('.', 4), name.size())) : name;
  const auto it = std::find_if(traits_.begin(), traits_.end(), [&](const Traits& t) { return t.suffix == suffix; });
  if (it != traits_.end()) return *it;
  constexpr std::size_t matrix = 2;
  return traits_.emplace_back(Traits{std::string(suffix), source_type(name, matrix, base_),
                                     tensor_place(name, spec.architecture), is_routed_expert(name)});
}

void TensorBuilder::add(std::string name, Dimensions dimensions) {
  const auto& traits = traits_of(name);
  TensorInfo tensor;
  std::copy(dimensions.begin(), dimensions.end(), tensor.shape.begin());
  tensor.type = dimensions.size() > 1 ? traits.type : source_type(name, dimensions.size(), base_);
  tensor.layer = tensor_layer(name, spec.architecture);
  tensor.place = traits.place;
  tensor.routed_expert = traits.routed_expert;
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
