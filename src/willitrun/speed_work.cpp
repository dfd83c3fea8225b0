#include "willitrun/speed_work.hpp"

#include <algorithm>
#include <numeric>

#include "willitrun/vllm_memory.hpp"

namespace willitrun {
namespace {

double elements(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), 1.0,
                         [](double n, std::uint64_t d) { return n * static_cast<double>(d); });
}

/// Share of layer `il`'s cache that holds tokens at `depth`.
double filled(const Footprint& f, std::uint32_t il, std::uint32_t depth) {
  const bool slides = f.spec().slides(il);
  const auto cells = slides ? f.context.n_swa_cells : f.context.n_ctx_seq;
  const auto tokens = slides ? std::min(depth, f.spec().n_swa) : depth;
  return cells == 0 ? 0 : std::min(1.0, static_cast<double>(tokens) / cells) / f.context.n_stream;
}

/// Multiply-adds of attention over a whole prompt: every query against the keys and values before it.
double attention_macs(const ModelSpec& spec, std::uint32_t il, std::uint32_t depth, std::uint32_t tokens) {
  if (!spec.attends(il) && spec.keeps_cache) return 0;
  const double mean = depth + tokens / 2.0;
  const double seen = spec.slides(il) ? std::min<double>(mean, spec.n_swa) : mean;
  return static_cast<double>(spec.n_head.at(il)) * (spec.k_dim(il) + spec.v_dim(il)) * seen * tokens;
}

struct Builder {
  const Footprint& footprint;
  const Split& split;
  SpeedWork& work;

  PlaceWork& at(std::int32_t device) {
    return device < 0 ? work.places.back() : work.places[static_cast<std::size_t>(device)];
  }

  void add_matrix(PlaceWork& place, const TensorInfo& tensor, bool output) {
    const auto kernel = static_cast<std::size_t>(kernel_class(tensor.type));
    const bool matrix = tensor.shape[1] > 1;
    const double macs = matrix ? elements(tensor.shape) : 0;
    const auto& spec = footprint.spec();
    if (tensor.routed_expert) {
      place.expert_bytes[kernel] += static_cast<double>(tensor.bytes());
      place.expert_macs[kernel] += macs * spec.n_expert_used / std::max(spec.n_expert, 1U);
      return;
    }
    place.dense_bytes[kernel] += static_cast<double>(tensor.bytes());
    place.dense_macs[kernel] += macs;
    if (output) place.output_macs += macs;
  }

  void add_tensors() {
    const auto& tensors = footprint.weighed->model.tensors;
    const auto& spec = footprint.spec();
    const bool tied =
        std::none_of(tensors.begin(), tensors.end(), [](const auto& t) { return t.name == "output.weight"; });
    for (const auto& tensor : tensors) {
      const bool serves_as_output = tied && spec.causal && tensor.name == "token_embd.weight";
      if (tensor.place == TensorPlace::output || serves_as_output) {
        add_matrix(at(split.layer_device.back()), tensor, true);
      } else if (tensor.place == TensorPlace::layer) {
        if (tensor.layer >= static_cast<std::int32_t>(spec.n_layer_trunk())) continue;
        const auto il = static_cast<std::size_t>(std::max(tensor.layer, 0));
        const auto device = split.layer_device[il];
        add_matrix(at(tensor.routed_expert && split.experts_host(il) ? -1 : device), tensor, false);
      }
    }
  }

  void add_layer(std::uint32_t il, const SpeedRequest& request) {
    const auto& spec = footprint.spec();
    const auto device = split.layer_device[il];
    auto& place = at(device);
    ++place.layers;
    const bool experts = footprint.weights().layers[il].experts.file > 0;
    if (experts) ++place.expert_layers;
    if (spec.recurrent(il)) ++place.recurrent_layers;
    const bool away = (experts && split.experts_host(il)) || (spec.attends(il) && !split.kv_on_device);
    if (device < 0 ? split.n_device > 0 : away) ++work.places.back().offloaded_layers;
    const auto& cache = footprint.caches[il];
    auto& keeper = at(split.kv_on_device ? device : -1);
    keeper.cache_bytes += static_cast<double>(cache.kv_host) * filled(footprint, il, request.depth);
    keeper.state_bytes += 2.0 * static_cast<double>(cache.state_host) / std::max(footprint.params.n_seq_max, 1U);
    keeper.attention_macs += attention_macs(spec, il, request.depth, work.prompt_tokens);
  }
};

PlaceWork& operator+=(PlaceWork& a, const PlaceWork& b) {
  for (std::size_t i = 0; i < kernel_classes; ++i) {
    a.dense_bytes[i] += b.dense_bytes[i];
    a.expert_bytes[i] += b.expert_bytes[i];
    a.dense_macs[i] += b.dense_macs[i];
    a.expert_macs[i] += b.expert_macs[i];
  }
  a.output_macs += b.output_macs;
  a.cache_bytes += b.cache_bytes;
  a.state_bytes += b.state_bytes;
  a.attention_macs += b.attention_macs;
  a.layers += b.layers;
  a.expert_layers += b.expert_layers;
  a.recurrent_layers += b.recurrent_layers;
  return a;
}

/// A slice of every tensor; each layer is entered all the same. Norms, which every device holds whole, are too small to
/// count.
PlaceWork slice_of(PlaceWork work, double share) {
  for (auto* values : {&work.dense_bytes, &work.expert_bytes, &work.dense_macs, &work.expert_macs})
    for (double& v : *values) v *= share;
  for (double* v : {&work.output_macs, &work.cache_bytes, &work.state_bytes, &work.attention_macs}) *v *= share;
  return work;
}

/// Everything on the devices, shared out among all of them.
void slice(SpeedWork& work, const std::vector<double>& slices) {
  const std::size_t n = work.places.size() - 1;
  PlaceWork all;
  for (std::size_t i = 0; i < n; ++i) all += work.places[i];
  const double sum = std::accumulate(slices.begin(), slices.end(), 0.0);
  for (std::size_t i = 0; i < n; ++i)
    work.places[i] = slice_of(all, sum > 0 && i < slices.size() ? slices[i] / sum : 1.0 / static_cast<double>(n));
  work.sliced = true;
}

/// Prompt tokens in one pass over the weights: vLLM's max_num_batched_tokens, mlx-lm's prefill_step_size, llama.cpp's
/// physical batch.
std::uint32_t prefill_batch(Engine engine, const Machine& machine, const Footprint& footprint) {
  if (engine == Engine::mlx) return 2048;
  if (engine == Engine::vllm) {
    const auto asked = footprint.params.served.value_or(ServedBatch{});
    // A GB10's published prompts (data/calibration/measured.tsv) were read in batches like these: 23 % off, with vLLM's
    // default of 2,048 it is 38.
    const bool shared = !machine.devices.empty() && machine.devices[0].spec.kind == DeviceKind::unified;
    return shared && asked.tokens == 0 ? 8192 : served_batch(machine, asked).tokens;
  }
  return std::max(footprint.context.n_ubatch, 1U);
}

}  // namespace

bool PlaceWork::idle() const {
  const auto none = [](const auto& values) {
    return std::all_of(values.begin(), values.end(), [](double x) { return x <= 0; });
  };
  return none(dense_bytes) && none(expert_bytes) && cache_bytes + state_bytes <= 0;
}

SpeedWork speed_work(const Footprint& footprint, const Placement& placement, const Machine& machine,
                     const SpeedRequest& request) {
  const auto& spec = footprint.spec();
  SpeedWork work;
  work.places.resize(placement.devices.size() + 1);
  work.prompt_tokens = std::max(request.prompt_tokens, 1U);
  work.ubatch = prefill_batch(request.engine, machine, footprint);
  work.experts = spec.n_expert;
  work.experts_used = spec.n_expert_used;
  work.flash_attention = footprint.params.flash_attn;
  work.streams_weights = footprint.params.op_offload && !placement.devices.empty();
  Builder build{footprint, placement.split, work};
  build.add_tensors();
  for (std::uint32_t il = 0; il < spec.n_layer_trunk(); ++il) build.add_layer(il, request);
  work.n_embd = spec.n_embd;
  if (placement.split.sliced() && placement.devices.size() > 1) slice(work, placement.split.slices);
  return work;
}

}  // namespace willitrun
