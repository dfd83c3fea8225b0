// The weights of a model, summed the way placement needs them: by layer, by group, as stored and as allocated.
#pragma once

#include <cstdint>
#include <vector>

#include "willitrun/model.hpp"
#include "willitrun/units.hpp"

namespace willitrun {

/// Bytes of some tensors: `file` as stored; `device` and `host` with each one's alignment and padding.
struct WeightBytes {
  Bytes file = 0, device = 0, host = 0;
  WeightBytes& operator+=(const WeightBytes& other) {
    file += other.file;
    device += other.device;
    host += other.host;
    return *this;
  }
};

struct LayerWeights {
  WeightBytes dense;    ///< attention, norms, dense and shared feed-forward, router
  WeightBytes experts;  ///< routed experts
  [[nodiscard]] WeightBytes total() const {
    WeightBytes sum = dense;
    return sum += experts;
  }
};

struct WeightTable {
  Bytes file_bytes = 0;  ///< every tensor as stored, a tied embedding once
  std::uint64_t parameters = 0;
  Bytes active_bytes = 0;  ///< read per generated token: all but the input table and experts that do not fire
  std::uint64_t active_parameters = 0;
  WeightBytes input;        ///< token embedding and its like: always host memory
  WeightBytes output;       ///< output norm and output matrix
  WeightBytes tied_output;  ///< second copy of a tied token embedding, needed where the output layer is not on the host
  WeightBytes shared;       ///< small tensors that every device with a layer holds a copy of (rope factors)
  std::vector<LayerWeights> layers;  ///< trunk layers; next-token-prediction blocks are in file_bytes only
  Bytes token_embedding_bytes = 0;   ///< token_embd and its like, as stored
  Bytes output_bytes = 0;            ///< output.weight, as stored (0 when tied)

  /// What accelerators hold at least when all lies there: layers and output, as stored.
  [[nodiscard]] Bytes resident_bytes() const;
};

/// Device alignment and padding are CUDA's (128 bytes; quantised rows padded to 512 elements), host's are the CPU's
/// (32).
[[nodiscard]] WeightTable weigh(const Model& model);

}  // namespace willitrun
