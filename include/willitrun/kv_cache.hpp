// What a context costs: key/value cache that grows with tokens, recurrent state that does not.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "willitrun/model.hpp"
#include "willitrun/units.hpp"

namespace willitrun {

/// What vLLM serves at once (max_num_batched_tokens, max_num_seqs); 0 = its own default.
struct ServedBatch {
  std::uint32_t tokens = 0, sequences = 0;
};

/// What the user asked of the context, in llama.cpp's terms; resolve_context() turns it into what is allocated.
struct ContextParams {
  std::uint32_t n_ctx = 8192;  ///< tokens over all sequences; 0 = the model's own
  std::uint32_t n_batch = 2048;
  std::uint32_t n_ubatch = 512;
  std::uint32_t n_seq_max = 1;  ///< parallel slots
  bool kv_unified = false;
  TensorType type_k = TensorType::f16;
  TensorType type_v = TensorType::f16;
  bool flash_attn = true;
  bool offload_kqv = true;  ///< false: the cache stays in host memory
  bool swa_full = false;
  std::uint32_t n_outputs = 0;  ///< logit rows kept per batch; 0 = one per slot, UINT32_MAX = all of the batch
  bool op_offload = true;
  bool use_mmap = true;  ///< false: weights are read into allocated memory
  /// Input tables lie with the first layer, and a tied one serves as output there. llama.cpp keeps them on the host.
  bool input_on_device = false;
  /// vLLM, whose scratch is what it measures of such a batch; empty = llama.cpp's, by replay of its graph.
  std::optional<ServedBatch> served;
};

/// The context as allocated (llama-context.cpp and llama-kv-cache*.cpp of llama.cpp 0.7.0).
struct ResolvedContext {
  std::uint32_t n_ctx = 0;        ///< cells over all sequences
  std::uint32_t n_ctx_seq = 0;    ///< cells per stream
  std::uint32_t n_stream = 1;     ///< 1 when unified
  std::uint32_t n_swa_cells = 0;  ///< cells per stream of sliding layers; 0 = none slides
  std::uint32_t n_batch = 0, n_ubatch = 0, n_outputs = 0;
};
[[nodiscard]] ResolvedContext resolve_context(const ModelSpec& spec, const ContextParams& params);

/// What one layer keeps for a context. Device and host figures differ by padding and alignment only.
struct LayerCache {
  Bytes kv_device = 0, kv_host = 0;        ///< keys, values and, where there is one, the indexer's keys
  Bytes state_device = 0, state_host = 0;  ///< recurrent and convolution state, always f32
};

/// What a row of cache holds, where it can be cut into slices.
enum class CacheRow : std::uint8_t { keys, values, convolution, recurrent };
/// Elements of a layer's row that are kept, of `row`.
using RowSlice = std::function<std::uint64_t(CacheRow part, std::uint32_t layer, std::uint64_t row)>;

/// One entry per layer of the file (next-token-prediction blocks have none); of each row what `slice` keeps, if given.
[[nodiscard]] std::vector<LayerCache> layer_caches(const ModelSpec& spec, const ContextParams& params,
                                                   const ResolvedContext& context, const RowSlice& slice = {});

/// Types a K or V cache can have; f16 is the default.
[[nodiscard]] Result<TensorType> find_cache_type(std::string_view text);

}  // namespace willitrun
