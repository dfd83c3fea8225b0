#include "willitrun/kv_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/allocation.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun {
namespace {

constexpr std::uint32_t cell_step = 256;  // GGML_PAD(n_ctx, 256) in llama-context.cpp

std::uint32_t padded(std::uint64_t cells) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(round_up(cells, cell_step), UINT32_MAX - cell_step + 1));
}

/// A two-dimensional cache tensor, added with device and host padding.
void add_tensor(TensorType type, std::uint64_t row, std::uint64_t rows, Bytes& device, Bytes& host) {
  if (row == 0 || rows == 0) return;
  const Shape shape{row, rows, 1, 1};
  device += device_bytes(type, shape);
  host += host_bytes(type, shape);
}

/// Widest value row over all layers: without flash attention the values of every layer are padded to it
/// (llama-kv-cache.cpp, n_embd_v_gqa_max).
std::uint64_t widest_value_row(const ModelSpec& spec) {
  std::uint64_t widest = 0;
  for (std::uint32_t il = 0; il < spec.n_layer; ++il)
    widest = std::max<std::uint64_t>(widest, std::uint64_t{spec.n_head_kv.at(il)} * spec.v_dim(il));
  return widest;
}

/// Elements of convolution and of recurrent state a sequence keeps in a recurrent layer
/// (llama-hparams.cpp, n_embd_r and n_embd_s).
struct StateRows {
  std::uint64_t convolution = 0, recurrent = 0;
};
StateRows state_rows(const ModelSpec& spec) {
  if (spec.wkv_head_size > 0)
    return {std::uint64_t{spec.token_shift_count} * spec.n_embd, std::uint64_t{spec.wkv_head_size} * spec.n_embd};
  if (spec.shortconv_l_cache > 0) return {std::uint64_t{spec.n_embd} * (spec.shortconv_l_cache - 1), 0};
  const std::uint64_t conv_rows = spec.ssm_d_conv > 0 ? spec.ssm_d_conv - 1 : 0;
  if (spec.head_dim_kda > 0) {
    // Kimi's delta attention: query, key and value convolutions, a square state per head.
    const std::uint64_t d_inner = std::uint64_t{spec.n_head.at(0)} * spec.head_dim_kda;
    return {3 * (spec.ssm_d_conv > 0 ? conv_rows : 3) * d_inner, d_inner * spec.head_dim_kda};
  }
  const std::uint64_t channels = spec.ssm_d_inner + std::uint64_t{2} * spec.ssm_n_group * spec.ssm_d_state;
  return {conv_rows * channels, std::uint64_t{spec.ssm_d_state} * spec.ssm_d_inner};
}

/// DeepSeek V4 keeps one stream per sequence even in a unified cache (llama-kv-cache-dsv4.cpp of llama.cpp 0.5.0).
bool unified(const ModelSpec& spec, const ContextParams& params) {
  return params.kv_unified && !spec.compresses_keys();
}

/// The compressed keys of one layer, those its indexer reads, and the tokens that are not yet compressed.
void add_compressed_keys(const ModelSpec& spec, std::uint64_t ratio, const ContextParams& params,
                         const ResolvedContext& context, LayerCache& cache) {
  constexpr std::uint64_t fine_ratio = 4;  // DSV4_CSA_RATIO: windows overlap, and an indexer chooses among them
  const std::uint64_t n_seq = std::max(params.n_seq_max, 1U);
  const auto rows = padded((context.n_ctx_seq + ratio - 1) / ratio) * n_seq;
  const bool fine = ratio == fine_ratio;
  const auto add = [&](std::uint64_t width) {
    add_tensor(params.type_k, width, rows, cache.kv_device, cache.kv_host);
    for (int i = 0; i < 2; ++i)  // values and scores
      add_tensor(TensorType::f32, fine ? 2 * width : width, (fine ? 2 * ratio : ratio) * n_seq, cache.state_device,
                 cache.state_host);
  };
  add(spec.head_dim_k);
  if (fine) add(spec.indexer_head_dim);
}

/// whisper.cpp's caches have fixed lengths and half precision: a layer of text, the sound it attends to, and one row of
/// padding for the encoder (whisper_init_state of v1.8: kv_self, kv_cross, kv_pad).
void add_whisper_caches(const ModelSpec& spec, std::vector<LayerCache>& caches) {
  const std::uint64_t sound = padded(spec.n_ctx_encoder), text = padded(spec.n_ctx_train);
  for (std::uint32_t il = 0; il < spec.n_layer; ++il) {
    const auto rows = il >= spec.n_layer_encoder ? sound + text : il == 0 ? sound : 0;
    for (int i = 0; i < 2; ++i)  // keys and values
      add_tensor(TensorType::f16, spec.n_embd, rows, caches[il].kv_device, caches[il].kv_host);
  }
}

}  // namespace

ResolvedContext resolve_context(const ModelSpec& spec, const ContextParams& params) {
  ResolvedContext out;
  const auto n_seq = std::max(params.n_seq_max, 1U);
  const auto asked = params.n_ctx != 0 ? params.n_ctx : spec.n_ctx_train;
  out.n_batch = spec.causal ? std::min(asked, params.n_batch) : params.n_batch;
  out.n_ubatch = std::min(out.n_batch, params.n_ubatch);
  out.n_ctx = padded(asked);
  out.n_stream = unified(spec, params) ? 1 : n_seq;
  out.n_ctx_seq = params.kv_unified ? out.n_ctx : padded(out.n_ctx / n_seq);
  if (!params.kv_unified) out.n_ctx = out.n_ctx_seq * n_seq;
  if (spec.n_swa > 0 && !spec.swa_layers.empty()) {
    // llama-kv-cache-iswa.cpp: the window of each sequence in the stream, and the batch in flight.
    const auto window = std::uint64_t{spec.n_swa} * (unified(spec, params) ? n_seq : 1) + out.n_ubatch;
    out.n_swa_cells = params.swa_full ? out.n_ctx_seq : padded(std::min<std::uint64_t>(out.n_ctx_seq, window));
  }
  const auto outputs = params.n_outputs == 0 ? n_seq : params.n_outputs;
  out.n_outputs = std::min(outputs, out.n_batch);
  return out;
}

std::vector<LayerCache> layer_caches(const ModelSpec& spec, const ContextParams& params, const ResolvedContext& context,
                                     const RowSlice& slice) {
  const auto kept = [&](CacheRow part, std::uint32_t il, std::uint64_t row) {
    return slice ? slice(part, il, row) : row;
  };
  std::vector<LayerCache> caches(spec.n_layer);
  if (spec.hears()) add_whisper_caches(spec, caches);
  const auto state = state_rows(spec);
  const auto widest_v = params.flash_attn ? 0 : widest_value_row(spec);
  for (std::uint32_t il = 0; il < spec.n_layer_trunk(); ++il) {
    auto& cache = caches[il];
    // The last layers of some models read an earlier layer's cache.
    if (spec.attends(il) && il < spec.n_layer_trunk() - spec.n_layer_kv_shared) {
      const std::uint64_t cells =
          std::uint64_t{spec.slides(il) ? context.n_swa_cells : context.n_ctx_seq} * context.n_stream;
      const std::uint64_t heads = spec.n_head_kv.at(il);
      const auto keys = kept(CacheRow::keys, il, heads * spec.k_dim(il));
      const auto values = kept(CacheRow::values, il, std::max(heads * spec.v_dim(il), widest_v));
      add_tensor(params.type_k, keys, cells, cache.kv_device, cache.kv_host);
      if (!spec.keeps_keys_only()) add_tensor(params.type_v, values, cells, cache.kv_device, cache.kv_host);
      if (spec.has_indexer(il)) {
        add_tensor(params.type_k, spec.indexer_head_dim, cells, cache.kv_device, cache.kv_host);
        // MiniMax M3's indexer has a cache like any other, whose values nobody reads (llama-kv-cache-msa.cpp).
        if (!spec.keeps_keys_only()) add_tensor(params.type_v, spec.v_dim(il), cells, cache.kv_device, cache.kv_host);
      }
      if (const auto ratio = spec.compress_ratios.at(il); ratio > 0)
        add_compressed_keys(spec, ratio, params, context, cache);
    }
    if (spec.recurrent(il)) {
      const std::uint64_t rows = std::max(params.n_seq_max, 1U);
      const auto convolution = kept(CacheRow::convolution, il, state.convolution);
      const auto recurrent = kept(CacheRow::recurrent, il, state.recurrent);
      add_tensor(TensorType::f32, convolution, rows, cache.state_device, cache.state_host);
      add_tensor(TensorType::f32, recurrent, rows, cache.state_device, cache.state_host);
    }
  }
  return caches;
}

Result<TensorType> find_cache_type(std::string_view text) {
  // kv_cache_types in llama.cpp's common/arg.cpp; fp8 is vLLM's.
  static constexpr std::array<TensorType, 10> types{
      TensorType::f32,  TensorType::f16,    TensorType::bf16, TensorType::q8_0, TensorType::q4_0,
      TensorType::q4_1, TensorType::iq4_nl, TensorType::q5_0, TensorType::q5_1, TensorType::fp8};
  if (text == "fp16") return TensorType::f16;
  const auto found = tensor_type_from_name(text);
  if (found && std::find(types.begin(), types.end(), *found) != types.end()) return *found;
  std::vector<std::string_view> names;
  for (const auto t : types) names.push_back(info(t).name);
  auto suggestions = nearest(text, names);
  if (suggestions.empty()) suggestions = {"f16", "q8_0", "q4_0"};
  return Error{"unknown_cache_type", fmt::format("unknown KV cache type '{}'{}", text, did_you_mean(suggestions)),
               suggestions};
}

}  // namespace willitrun
