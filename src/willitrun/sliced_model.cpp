#include "willitrun/sliced_model.hpp"

#include <utility>

namespace willitrun {
namespace {

Model slice_of(const Model& model, const TensorSlices& slices, std::size_t device) {
  auto out = model;
  for (auto* tensors : {&out.tensors, &out.stored})
    for (auto& tensor : *tensors) tensor.shape = slices.of(tensor, device);
  return out;
}

}  // namespace

std::shared_ptr<const SlicedModel> SliceMemo::cut(const Model& model, const std::vector<double>& shares, bool sharded) {
  const std::scoped_lock lock(mutex_);
  const auto key = std::pair(shares, sharded);
  if (const auto it = known_.find(key); it != known_.end()) return it->second;
  SlicedModel sliced{TensorSlices(model, shares, sharded), {}};
  for (std::size_t device = 0; device < shares.size(); ++device)
    sliced.weights.push_back(weigh(slice_of(model, sliced.slices, device)));
  if (known_.size() >= capacity) known_.clear();
  return known_.emplace(key, std::make_shared<const SlicedModel>(std::move(sliced))).first->second;
}

}  // namespace willitrun
