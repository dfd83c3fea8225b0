#include "willitrun/compute.hpp"

#include <algorithm>
#include <bit>
#include <mutex>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>

#include "graph_memory.hpp"
#include "graph_model.hpp"

namespace willitrun {

namespace {

/// Head sizes ggml's CUDA backend has attention kernels for (fattn.cu, ggml_cuda_get_best_fattn_kernel).
bool has_attention_kernel(std::uint32_t k, std::uint32_t v, std::uint32_t queries_per_key) {
  const bool grouped = queries_per_key >= 2;
  switch (k) {
    case 40:
    case 64:
    case 72:
    case 80:
    case 96:
    case 112:
    case 128:
    case 256: return v == k;
    case 192: return v == 128 && grouped && queries_per_key % 8 == 0;
    case 320: return v == 256 && grouped && queries_per_key % 32 == 0;
    case 512: return v == k && grouped;
    case 576: return v == 512 && grouped;
    default: return false;
  }
}

bool has_attention_kernels(const ModelSpec& spec) {
  if (spec.is_mla()) return has_attention_kernel(spec.kv_lora_rank + spec.n_rot, spec.kv_lora_rank, spec.n_head.max());
  for (std::uint32_t il = 0; il < spec.n_layer_trunk(); ++il) {
    const std::uint32_t n_kv = spec.n_head_kv.at(il);
    if (n_kv != 0 && !has_attention_kernel(spec.k_dim(il), spec.v_dim(il), spec.n_head.at(il) / n_kv)) return false;
  }
  return true;
}

/// What has been replayed, at least, when the allocator's free list looks the same after every period.
struct Settling {
  std::size_t periods, layers;
};

/// Layers that only repeat the allocator's steady state are left out. It may take turns between two layouts of the free
/// list, so an even number of periods is skipped.
std::vector<std::uint32_t> representative_layers(const std::vector<std::uint32_t>& signature, Settling settling) {
  constexpr std::size_t longest_period = 8;
  std::vector<std::uint32_t> kept;
  const std::size_t n = signature.size();
  for (std::size_t i = 0; i + 1 < n;) {
    std::size_t skip = 0, keep = 1;
    for (std::size_t p = 1; p <= longest_period; ++p) {
      std::size_t run = p;
      while (i + run + 1 < n && signature[i + run] == signature[i + run - p]) ++run;
      const std::size_t whole = run / p, kept_periods = std::max(settling.periods, (settling.layers + p - 1) / p);
      const std::size_t spare = whole > kept_periods ? (whole - kept_periods) / 2 * 2 : 0;
      if (spare * p > skip) {
        skip = spare * p;
        keep = (whole - spare) * p;
      }
    }
    for (std::size_t k = 0; k < keep; ++k) kept.push_back(static_cast<std::uint32_t>(i + k));
    i += keep + skip;
  }
  if (n > 0) kept.push_back(static_cast<std::uint32_t>(n - 1));
  return kept;
}

std::vector<std::uint32_t> every_layer(std::size_t n) {
  std::vector<std::uint32_t> all(n);
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

}  // namespace

struct ComputePlan::Data {
  Data(ModelSpec shapes, graph::ModelTensors sorted) : spec(std::move(shapes)), tensors(std::move(sorted)) {}

  ModelSpec spec;
  graph::ModelTensors tensors;

  // Results met before; emptied when full, so that memory stays bounded.
  static constexpr std::size_t memo_capacity = 4096;
  mutable std::mutex memo_mutex = {};
  mutable std::unordered_map<std::string, ComputeBuffers> memo = {};
};

ComputePlan::ComputePlan(const ModelSpec& spec, const std::vector<TensorInfo>& tensors)
    : data_(std::make_shared<const Data>(spec, graph::sort_tensors(spec, tensors))) {}

namespace {

/// What the graph of a split looks like once layers that only repeat are left out. Splits that differ in how many
/// layers lie where, but not in their outline, need the same scratch.
struct Outline {
  std::vector<std::uint32_t> layers;
  std::vector<std::uint32_t> signature;  ///< of every layer: equal numbers mean equal graphs
  graph::Backends backends;
  bool fused = true;  ///< attention
};

std::vector<std::uint32_t> layer_signatures(const ModelSpec& spec, const graph::ModelTensors& tensors,
                                            const Split& split) {
  constexpr std::uint32_t n_sparse_layer = 10;  // gemma3n.cpp, n_layer_sparsity
  const unsigned nope_step = graph::family_of(spec.architecture).nope_step;
  std::vector<std::uint32_t> signature(tensors.layers.size());
  for (std::uint32_t il = 0; il < signature.size(); ++il) {
    std::uint32_t& s = signature[il];
    // Only what is staged from host memory takes room as a weight, so only there its quantisation shows.
    const bool staged = split.layer_device[il] < 0 || split.experts_host(il);
    s = staged ? tensors.kind[il] : tensors.shape_kind[il];
    s = s * 64 + static_cast<std::uint32_t>(split.layer_device[il] + 1);
    s = s * 2 + (split.experts_host(il) ? 1 : 0);
    s = s * 2 + (il >= spec.n_layer_trunk() - spec.n_layer_kv_shared ? 1 : 0);
    s = s * 2 + (spec.n_altup > 1 && il < n_sparse_layer ? 1 : 0);
    s = s * 2 + (nope_step != 0 && (il + 1) % nope_step == 0 ? 1 : 0);
  }
  return signature;
}

Outline outline_of(const ModelSpec& spec, const graph::ModelTensors& tensors, const ContextParams& params,
                   const Split& split) {
  Outline out;
  out.backends.n_device = static_cast<std::int32_t>(split.n_device);
  out.backends.op_offload = params.op_offload;
  out.backends.attention_on_device = has_attention_kernels(spec);
  // llama-context.cpp, resolve_fused_ops: off as soon as a layer's device cannot run it, unless a quantised V needs it.
  const bool layers_on_device = std::any_of(split.layer_device.begin(), split.layer_device.end() - 1,
                                            [](std::int32_t device) { return device >= 0; });
  out.fused = params.flash_attn && graph::family_of(spec.architecture).flash_attention &&
              (out.backends.attention_on_device || !layers_on_device || is_block_quantized(params.type_v));
  // llama-context.cpp: pipeline parallelism wants several devices, everything on them and no tensor overrides.
  const bool overrides =
      std::find(split.experts_on_host.begin(), split.experts_on_host.end(), true) != split.experts_on_host.end();
  const bool all_on_devices = split.n_device > 0 && split.gpu_layers > spec.n_layer && split.kv_on_device && !overrides;
  if (split.n_device > 1 && all_on_devices) out.backends.n_copies = 4;
  // The free list takes longer to settle where copies of what lies in host memory come and go within a layer.
  const Settling settling = all_on_devices || split.n_device == 0 ? Settling{2, 3} : Settling{3, 6};
  // Pipeline copies of per-layer inputs, copies of what each layer views of an input, banked residuals and RWKV's first
  // values live through the whole graph.
  const auto& family = graph::family_of(spec.architecture);
  const bool all_count = (spec.n_embd_per_layer > 0 && out.backends.n_copies > 1) || family.views_inputs ||
                         family.mixed_streams || family.residual_period != 0 || spec.wkv_head_size > 0;
  out.signature = layer_signatures(spec, tensors, split);
  out.layers = all_count ? every_layer(out.signature.size()) : representative_layers(out.signature, settling);
  return out;
}

/// Everything a result depends on besides the model, as bytes.
std::string memo_key(const ContextParams& params, const ResolvedContext& context, const Split& split,
                     const Outline& outline, std::uint32_t n_indexer_head) {
  std::string key;
  key.reserve(128 + 4 * outline.layers.size());
  const auto add = [&](auto value) { key.append(reinterpret_cast<const char*>(&value), sizeof value); };
  add(context.n_ctx);
  add(context.n_ctx_seq);
  add(context.n_stream);
  add(context.n_swa_cells);
  add(context.n_ubatch);
  add(context.n_outputs);
  add(context.n_batch);
  add(params.n_seq_max);
  add(params.type_k);
  add(params.type_v);
  for (const bool flag :
       {params.flash_attn, params.op_offload, params.swa_full, params.kv_unified, split.kv_on_device, outline.fused})
    add(flag);
  add(split.n_device);
  add(outline.backends.n_copies);
  add(split.layer_device.front());
  add(split.layer_device.back());
  for (const std::uint32_t il : outline.layers) add(outline.signature[il]);
  // An indexer's leaves count even in layers left out.
  if (n_indexer_head > 0)
    for (const std::uint32_t il : outline.layers) add(il);
  return key;
}

}  // namespace

Bytes reduction_bytes(const ModelSpec& spec, const ResolvedContext& context, const Split& split) {
  if (split.slices.size() < 2) return 0;
  const auto steps = static_cast<Bytes>(std::bit_width(split.slices.size() - 1));
  return steps * spec.n_embd * context.n_ubatch * sizeof(float);
}

ComputeBuffers ComputePlan::evaluate(const ContextParams& params, const ResolvedContext& context,
                                     const Split& split) const {
  if (split.sliced()) {
    // One graph for all, whose buffer each device has at full size: ggml-backend-meta.cpp allocates before it cuts, and
    // takes no work off the host's weights.
    auto one = split;
    one.slices.clear();
    one.n_device = 1;
    auto alone = params;
    alone.op_offload = false;
    auto buffers = evaluate(alone, context, one);
    buffers.devices.assign(split.n_device, buffers.devices[0] + reduction_bytes(data_->spec, context, split));
    return buffers;
  }
  if (data_->tensors.layers.empty()) return {std::vector<Bytes>(split.n_device), 0};
  const auto outline = outline_of(data_->spec, data_->tensors, params, split);
  auto key = memo_key(params, context, split, outline, data_->spec.n_indexer_head);
  {
    const std::scoped_lock lock(data_->memo_mutex);
    if (const auto it = data_->memo.find(key); it != data_->memo.end()) return it->second;
  }
  graph::Graph graph =
      graph::ModelGraph({data_->spec, data_->tensors, params, context, split, outline.fused}).build(outline.layers);
  ComputeBuffers buffers;
  buffers.devices = graph::peak_memory(graph, outline.backends);
  buffers.host = buffers.devices.back();
  buffers.devices.pop_back();
  const std::scoped_lock lock(data_->memo_mutex);
  if (data_->memo.size() >= Data::memo_capacity) data_->memo.clear();
  return data_->memo.emplace(std::move(key), std::move(buffers)).first->second;
}

ComputeBuffers compute_buffers(const ModelSpec& spec, const std::vector<TensorInfo>& tensors,
                               const ContextParams& params, const ResolvedContext& context, const Split& split) {
  return ComputePlan(spec, tensors).evaluate(params, context, split);
}

}  // namespace willitrun
