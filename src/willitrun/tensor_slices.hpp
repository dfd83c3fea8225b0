// --split-mode tensor: which part of each matrix and cache row a device holds when all work at once. Rules follow
// llama.cpp 0.7.0 (llama_meta_device_get_split_state in src/llama-model.cpp): whole heads and whole quant blocks stay
// together, what cannot be cut is copied to every device.
#pragma once

#include <cstdint>
#include <vector>

#include "willitrun/kv_cache.hpp"
#include "willitrun/model.hpp"

namespace willitrun {

/// What a place in a tensor name means for cutting; rows of a table in tensor_slices.cpp.
struct CutRule;

class TensorSlices {
 public:
  /// `shares` per device, all 0 = equal. `sharded` = as vLLM cuts. The model must outlive this.
  TensorSlices(const Model& model, std::vector<double> shares, bool sharded);

  [[nodiscard]] std::size_t n_device() const { return shares_.size(); }
  /// A tensor as one device holds it; 0 elements where its turn comes out empty.
  [[nodiscard]] Shape of(const TensorInfo& tensor, std::size_t device) const;
  /// Elements of one row of a layer's cache, of `row`.
  [[nodiscard]] std::uint64_t of(CacheRow part, std::uint32_t layer, std::uint64_t row, std::size_t device) const;

 private:
  /// Runs of elements that are cut alike, at multiples of `step`.
  struct Segment {
    std::uint64_t elements = 0, repeats = 1, step = 1;
  };
  /// Elements per block of the matrices whose blocks decide for their layer; 0 = the layer has none.
  struct Blocks {
    std::uint64_t attn_output = 0, ssm_out = 0, ffn_down = 0;
    [[nodiscard]] std::uint64_t mixer() const { return attn_output != 0 ? attn_output : ssm_out; }
  };
  struct Steps {
    std::uint64_t query = 1, gated_query = 1, key = 1, head = 1;
  };

  [[nodiscard]] Shape shard_of(const TensorInfo& tensor, std::size_t device) const;
  [[nodiscard]] std::uint64_t shard_of(CacheRow part, std::uint32_t layer, std::uint64_t row) const;
  [[nodiscard]] Steps attention_steps(std::uint32_t il, std::uint64_t block) const;
  [[nodiscard]] std::uint64_t linear_step(std::uint64_t block) const;
  [[nodiscard]] std::vector<Segment> segments(const CutRule& rule, const TensorInfo& tensor, std::uint64_t elements,
                                              std::uint64_t block) const;
  [[nodiscard]] std::vector<Segment> state_segments(CacheRow part, std::uint32_t il, std::uint64_t row) const;
  [[nodiscard]] std::size_t rotation(std::uint32_t il) const;
  [[nodiscard]] std::uint64_t part(const std::vector<Segment>& segments, std::size_t rotation,
                                   std::size_t device) const;

  const ModelSpec& spec_;
  bool sharded_ = false;        ///< vLLM's way, which tensors of other engines go too
  bool linear_by_key_ = false;  ///< Qwen 3.5 and 3 Next: linear attention's values follow their keys
  std::vector<double> shares_;
  std::vector<Blocks> blocks_;
};

}  // namespace willitrun
