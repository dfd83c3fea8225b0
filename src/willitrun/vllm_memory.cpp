#include "willitrun/vllm_memory.hpp"

#include <algorithm>

namespace willitrun {
namespace {

constexpr Bytes half = 2;               // bytes of an activation, bf16
constexpr Bytes large_card = 70 * gib;  // vllm/engine/arg_utils.py

/// Bytes per logit while tokens are drawn: bf16, its copy in f32, probabilities and what sorts them. 14.8 to 15.6 in
/// v0.19's logs, where the vocabulary decides the peak.
constexpr Bytes logit_bytes = 15;

/// A graph's share per layer. 0.17 to 0.30 MiB in logs of dense models, up to 0.55 with many small experts.
constexpr double graph_layer_mib = 0.22;

/// Blocks of one device, or those a sliced one has a part of.
template <class Each>
void each_block(const Footprint& footprint, const Split& split, std::size_t device, Each each) {
  const auto holder = split.sliced() ? 0 : static_cast<std::int32_t>(device);
  for (std::uint32_t il = 0; il < footprint.spec().n_layer_trunk(); ++il)
    if (split.layer_device[il] == holder) each(il);
}

bool has_experts(const Footprint& footprint, std::uint32_t il) {
  return footprint.weights().layers[il].experts.file > 0;
}

std::uint64_t slices_of(const Split& split) { return split.sliced() ? split.n_device : 1; }

/// Gate, up and their product next to four hidden states; 3 n_ff + 4 n_embd a token explains v0.19's dense models of
/// small vocabulary to 2 %. Stages of a pipeline hold what they pass on besides.
Bytes forward_bytes(const Footprint& footprint, const Split& split, std::size_t device, std::uint64_t tokens) {
  const auto& spec = footprint.spec();
  std::uint64_t widest = 0;
  each_block(footprint, split, device, [&](std::uint32_t il) {
    const auto n_ff = has_experts(footprint, il) ? spec.n_ff_shared_expert : spec.n_ff.at(il);
    widest = std::max<std::uint64_t>(widest, n_ff);
  });
  const std::uint64_t hidden_states = split.n_device > 1 && !split.sliced() ? 6 : 4;
  return tokens * (3 * widest / slices_of(split) + hidden_states * spec.n_embd) * half;
}

/// Logits lie whole on every device that samples, beside the last layer's output.
Bytes sampling_bytes(const Footprint& footprint, const Split& split, std::size_t device, const ServedBatch& batch) {
  const auto& spec = footprint.spec();
  const bool last = split.sliced() || split.layer_device.back() == static_cast<std::int32_t>(device);
  if (!last || !spec.keeps_cache) return 0;
  return batch.sequences * spec.n_vocab * logit_bytes + std::uint64_t{batch.tokens} * spec.n_embd * half;
}

/// MXFP4's own kernels gather nothing: gpt-oss' logs leave no room for it.
bool gathers_tokens(const Footprint& footprint) {
  const auto& tensors = footprint.weighed->model.tensors;
  return std::none_of(tensors.begin(), tensors.end(), [](const TensorInfo& t) {
    return t.type == TensorType::mxfp4 && t.name.find("_exps") != std::string::npos;
  });
}

/// Two workspaces of a row per token and chosen expert: inputs or products, outputs or gate and up (workspace_shapes in
/// vllm/model_executor/layers/fused_moe). Explains v0.19's expert models to 3 %.
Bytes expert_row_bytes(const Footprint& footprint, const Split& split, std::size_t device, std::uint64_t tokens) {
  const auto& spec = footprint.spec();
  bool any = false;
  each_block(footprint, split, device, [&](std::uint32_t il) { any = any || has_experts(footprint, il); });
  if (!any || !gathers_tokens(footprint)) return 0;
  const auto whole = spec.n_ff_expert != 0 ? spec.n_ff_expert : spec.n_ff.max();  // Mixtral states one width
  const std::uint64_t n_ff = whole / slices_of(split), n_embd = spec.n_embd;
  return tokens * spec.n_expert_used * (std::max(n_ff, n_embd) + std::max(2 * n_ff, n_embd)) * half;
}

/// Batch sizes that are captured up to `largest`: 1, 2, 4, then every 8th to 256 and every 16th.
std::uint64_t captured_sizes(std::uint64_t largest) {
  const auto small = std::uint64_t{largest >= 1} + (largest >= 2 ? 1 : 0) + (largest >= 4 ? 1 : 0);
  return small + std::min<std::uint64_t>(largest, 256) / 8 + (largest > 256 ? (largest - 256) / 16 : 0);
}

/// Mixed batches in pieces up to twice the sequences, decoding in whole (cudagraph_mode's default).
Bytes graph_bytes(const Footprint& footprint, const Split& split, std::size_t device, std::uint64_t sequences) {
  constexpr std::uint64_t largest = 512;  // max_cudagraph_capture_size
  std::uint64_t layers = 0;
  each_block(footprint, split, device, [&](std::uint32_t) { ++layers; });
  const auto graphs = captured_sizes(std::min(2 * sequences, largest)) + captured_sizes(std::min(sequences, largest));
  return static_cast<Bytes>(static_cast<double>(graphs * layers) * graph_layer_mib * static_cast<double>(mib));
}

/// On H100s 1.8 GiB more than on one (v0.19), 0.7 to 1.5 on H200, GB200 and B300; on cards without NVLink, which are
/// those with GDDR, 0.2 to 0.5.
Bytes collective_bytes(const Split& split, const Machine& machine) {
  if (!split.sliced()) return 0;
  const auto& card = machine.devices[0];
  const bool linked = card.memory_bytes >= large_card && !card.spec.memory_type.starts_with("GDDR");
  return linked ? 1600 * mib : 250 * mib;
}

constexpr std::uint64_t page_tokens = 16;  // block_size

std::uint64_t pages(std::uint64_t tokens) { return (tokens + page_tokens - 1) / page_tokens; }

/// What a sliding layer keeps of one request: its window and the batches in flight, and a page as the window need not
/// start one (SlidingWindowSpec in vllm/v1/kv_cache_interface.py). One batch more than stages is in flight: the next is
/// scheduled ahead (max_in_flight_tokens, since v0.26).
std::uint64_t sliding_cells(const Footprint& footprint, const Split& split, std::uint64_t batch_tokens) {
  const std::uint64_t stages = split.sliced() ? 1 : std::max(split.n_device, 1U);
  const auto window = std::uint64_t{footprint.spec().n_swa} - 1 + (stages + 1) * batch_tokens;
  return (pages(std::min<std::uint64_t>(window, footprint.context.n_ctx_seq)) + 1) * page_tokens;
}

struct AttendingLayers {
  std::uint64_t sliding = 0, full = 0;
};

AttendingLayers attending_layers(const Footprint& footprint) {
  AttendingLayers out;
  for (std::uint32_t il = 0; il < footprint.caches.size(); ++il)
    if (footprint.caches[il].kv_device > 0) ++(footprint.spec().slides(il) ? out.sliding : out.full);
  return out;
}

/// Layers come in groups of as many as the rarer kind has, of the other where that is not half more, and the last group
/// is filled up (_get_kv_cache_groups_uniform_page_size in vllm/v1/core/kv_cache_utils.py): 60 for Gemma 3 27B's 52.
std::uint64_t grouped(const AttendingLayers& layers) {
  const auto [fewer, more] = std::minmax(layers.sliding, layers.full);
  if (fewer == 0) return layers.sliding;
  const auto group = 2 * more < 3 * fewer ? more : fewer;
  return (layers.sliding + group - 1) / group * group;
}

}  // namespace

ServedBatch served_batch(const Machine& machine, const ServedBatch& asked) {
  const auto* card = machine.devices.empty() ? nullptr : &machine.devices[0];
  // Of memory shared with the system NVML tells no size: "FULL=35 (largest=256)" in v0.27.1's log on a GB10.
  const bool large = card != nullptr && card->memory_bytes >= large_card && card->spec.kind == DeviceKind::discrete &&
                     card->spec.name.find("A100") == std::string::npos;
  ServedBatch out = large ? ServedBatch{8192, 1024} : ServedBatch{2048, 256};
  if (asked.tokens != 0) out.tokens = asked.tokens;
  if (asked.sequences != 0) out.sequences = asked.sequences;
  return out;
}

ProfiledMemory profiled_memory(const Footprint& footprint, const Split& split, std::size_t device,
                               const Machine& machine) {
  const auto batch = served_batch(machine, footprint.params.served.value_or(ServedBatch{}));
  ProfiledMemory out;
  out.activations =
      std::max(forward_bytes(footprint, split, device, batch.tokens), sampling_bytes(footprint, split, device, batch));
  out.expert_rows = expert_row_bytes(footprint, split, device, batch.tokens);
  if (footprint.spec().keeps_cache) out.graphs = graph_bytes(footprint, split, device, batch.sequences);
  out.collectives = collective_bytes(split, machine);
  return out;
}

Footprint paged(const Footprint& footprint, const Split& split, const Machine& machine) {
  auto out = footprint;
  const auto layers = attending_layers(footprint);
  if (!footprint.params.served || footprint.params.swa_full || layers.sliding == 0) return out;
  const auto batch = served_batch(machine, *footprint.params.served);
  const auto cells = sliding_cells(footprint, split, batch.tokens) * grouped(layers) / layers.sliding;
  out.context.n_swa_cells = static_cast<std::uint32_t>(cells);
  out.caches = layer_caches(out.spec(), out.params, out.context);
  return out;
}

}  // namespace willitrun
