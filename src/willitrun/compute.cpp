#include "willitrun/compute.hpp"

#include <algorithm>
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

/// Layers that only repeat the allocator's steady state are left out. It may take turns between two layouts of the free
/// list, so an even number of periods is skipped.
std::vector<std::uint32_t> representative_layers(const std::vector<std::uint32_t>& signature,
                                                 std::size_t kept_periods) {
  constexpr std::size_t longest_period = 8;
  std::vector<std::uint32_t> kept;
  const std::size_t n = signature.size();
  for (std::size_t i = 0; i + 1 < n;) {
    std::size_t skip = 0, keep = 1;
    for (std::size_t p = 1; p <= longest_period; ++p) {
      std::size_t run = p;
      while (i + run + 1 < n && signature[i + run] == signature[i + run - p]) ++run;
      const std::size_t whole = run / p;
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

/// Everything a result depends on besides the model, as bytes: one question is often asked of many machines.
std::string memo_key(const ContextParams& params, const ResolvedContext& context, const Split& split) {
  std::string key;
  const auto add = [&](std::uint64_t value) { key.append(reinterpret_cast<const char*>(&value), sizeof value); };
  add(context.n_ctx);
  add(context.n_ctx_seq);
  add(context.n_stream);
  add(context.n_swa_cells);
  add(std::uint64_t{context.n_ubatch} << 32U | context.n_outputs);
  add(std::uint64_t{params.n_seq_max} << 32U | context.n_batch);
  add(static_cast<std::uint64_t>(params.type_k) << 8U | static_cast<std::uint64_t>(params.type_v));
  add(std::uint64_t{params.flash_attn} | std::uint64_t{params.op_offload} << 1U | std::uint64_t{params.swa_full} << 2U |
      std::uint64_t{split.kv_on_device} << 3U | std::uint64_t{params.kv_unified} << 4U);
  add(std::uint64_t{split.n_device} << 32U | split.gpu_layers);
  for (std::size_t i = 0; i < split.layer_device.size(); ++i)
    key += static_cast<char>((split.layer_device[i] + 1) * 2 + (split.experts_host(i) ? 1 : 0));
  return key;
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

ComputeBuffers ComputePlan::evaluate(const ContextParams& params, const ResolvedContext& context,
                                     const Split& split) const {
  auto key = memo_key(params, context, split);
  {
    const std::scoped_lock lock(data_->memo_mutex);
    if (const auto it = data_->memo.find(key); it != data_->memo.end()) return it->second;
  }
  auto buffers = replay(params, context, split);
  const std::scoped_lock lock(data_->memo_mutex);
  if (data_->memo.size() >= Data::memo_capacity) data_->memo.clear();
  return data_->memo.emplace(std::move(key), std::move(buffers)).first->second;
}

ComputeBuffers ComputePlan::replay(const ContextParams& params, const ResolvedContext& context,
                                   const Split& split) const {
  const ModelSpec& spec = data_->spec;
  ComputeBuffers out;
  out.devices.resize(split.n_device);
  if (data_->tensors.layers.empty()) return out;
  std::vector<std::uint32_t> signature = data_->tensors.kind;
  for (std::uint32_t il = 0; il < signature.size(); ++il) {
    signature[il] = (signature[il] * 64 + static_cast<std::uint32_t>(split.layer_device[il] + 1)) * 4 +
                    (split.experts_host(il) ? 1 : 0) + (il >= spec.n_layer_trunk() - spec.n_layer_kv_shared ? 2 : 0);
    if (spec.n_altup > 1 && il < 10) signature[il] += 1U << 31;
  }
  graph::Backends backends;
  backends.n_device = static_cast<std::int32_t>(split.n_device);
  backends.op_offload = params.op_offload;
  backends.attention_on_device = has_attention_kernels(spec);
  // llama-context.cpp, resolve_fused_ops: off as soon as a layer's device cannot run it, unless a quantised V needs it.
  const bool layers_on_device = std::any_of(split.layer_device.begin(), split.layer_device.end() - 1,
                                            [](std::int32_t device) { return device >= 0; });
  const bool fused = params.flash_attn && graph::family_of(spec.architecture).flash_attention &&
                     (backends.attention_on_device || !layers_on_device || is_block_quantized(params.type_v));
  // llama-context.cpp: pipeline parallelism wants several devices, everything on them and no tensor overrides.
  const bool overrides =
      std::find(split.experts_on_host.begin(), split.experts_on_host.end(), true) != split.experts_on_host.end();
  const bool all_on_devices = split.n_device > 0 && split.gpu_layers > spec.n_layer && split.kv_on_device && !overrides;
  if (split.n_device > 1 && all_on_devices) backends.n_copies = 4;
  // Copies of what lies in host memory come and go within a layer: it takes longer until the free list settles.
  const std::size_t kept_periods = all_on_devices || split.n_device == 0 ? 3 : 5;
  // Tensors that live through the whole graph, several per layer: pipeline copies of per-layer inputs, an indexer's
  // leaves.
  const bool all_count = spec.n_indexer_head > 0 || (spec.n_embd_per_layer > 0 && backends.n_copies > 1);
  const auto layers = all_count ? every_layer(signature.size()) : representative_layers(signature, kept_periods);
  graph::Graph graph = graph::ModelGraph({spec, data_->tensors, params, context, split, fused}).build(layers);
  std::vector<Bytes> peaks = graph::peak_memory(graph, backends);
  out.host = peaks.back();
  peaks.pop_back();
  out.devices = std::move(peaks);
  return out;
}

ComputeBuffers compute_buffers(const ModelSpec& spec, const std::vector<TensorInfo>& tensors,
                               const ContextParams& params, const ResolvedContext& context, const Split& split) {
  return ComputePlan(spec, tensors).evaluate(params, context, split);
}

}  // namespace willitrun
