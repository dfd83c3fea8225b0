// A model as each of several devices holds it under --split-mode tensor.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "willitrun/tensor_slices.hpp"
#include "willitrun/weights.hpp"

namespace willitrun {

struct SlicedModel {
  TensorSlices slices;
  std::vector<WeightTable> weights;  ///< per device
};

/// Cutting a model takes as long as weighing it, and a search asks for the same shares again and again.
class SliceMemo {
 public:
  [[nodiscard]] std::shared_ptr<const SlicedModel> cut(const Model& model, const std::vector<double>& shares,
                                                       bool sharded);

 private:
  static constexpr std::size_t capacity = 16;
  std::mutex mutex_;
  std::map<std::pair<std::vector<double>, bool>, std::shared_ptr<const SlicedModel>> known_;
};

}  // namespace willitrun
