// Collects a model's tensors by name and shape, giving each its type, place and layer.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/architecture_family.hpp"
#include "willitrun/model.hpp"

namespace willitrun {

using Dimensions = std::initializer_list<std::uint64_t>;

class TensorBuilder {
 public:
  TensorBuilder(const ModelSpec& model, const Family& family_of_model, TensorType base)
      : spec(model), family(family_of_model), base_(base) {}

  void add(std::string name, Dimensions dimensions);
  [[nodiscard]] std::vector<TensorInfo> take() { return std::move(tensors_); }

  const ModelSpec& spec;
  const Family& family;

 private:
  /// What a name says of a tensor, whatever its block.
  struct Traits {
    std::string suffix;  ///< without the block's number
    TensorType type;     ///< of a matrix
    TensorPlace place;
    bool routed_expert;
  };
  const Traits& traits_of(std::string_view name);

  TensorType base_;
  std::vector<Traits> traits_;
  std::vector<TensorInfo> tensors_;
};

/// The same for one block: names without "blk.N.".
class BlockBuilder {
 public:
  BlockBuilder(TensorBuilder& out, std::uint32_t number)
      : spec(out.spec), family(out.family), layer(number), n_embd(out.spec.n_embd), out_(out) {}

  void add(std::string_view name, Dimensions dimensions);
  void weight(std::string_view name, Dimensions dimensions);
  void bias(std::string_view name, std::uint64_t elements);
  /// A matrix from `in` to `out` elements, and its bias.
  void linear(std::string_view name, std::uint64_t in, std::uint64_t out, bool with_bias = false);

  [[nodiscard]] bool is_nextn() const { return layer >= spec.n_layer_trunk(); }

  const ModelSpec& spec;
  const Family& family;
  const std::uint32_t layer;
  const std::uint64_t n_embd;

 private:
  TensorBuilder& out_;
};

[[nodiscard]] constexpr bool present(Presence presence, bool stated) {
  return presence == Presence::always || (presence == Presence::stated && stated);
}

}  // namespace willitrun
