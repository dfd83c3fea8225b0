#include "support/sample.hpp"

#include <array>

#include "willitrun/catalog.hpp"

namespace willitrun::test {
namespace {

constexpr std::array<std::uint32_t, 9> contexts{256, 512, 2048, 4096, 8192, 10000, 32768, 65536, 131072};
constexpr std::array<std::uint32_t, 5> slot_counts{1, 1, 1, 2, 4};
constexpr std::array<const char*, 4> quants{"f16", "q8_0", "q4_k_m", "q2_k"};
constexpr std::array<TensorType, 4> cache_types{TensorType::f16, TensorType::f16, TensorType::q8_0, TensorType::q4_0};

DeviceSpec nameless() {
  DeviceSpec spec;
  spec.name = "card";
  spec.vendor = "nvidia";
  return spec;
}

}  // namespace

const std::vector<std::string>& sampled_models() {
  static const std::vector<std::string> models{
      "llama3.1-8b",  "qwen3-0.6b",          "phi4-14b",     "gemma3-4b",  "gemma3n-e4b",
      "gpt-oss-20b",  "qwen3-30b-a3b",       "mixtral-8x7b", "glm4.5-air", "deepseek-v2-lite",
      "glm4.7-flash", "qwen3-next-80b-a3b",  "qwen3.5-9b",   "lfm2-1.2b",  "granite4-h-tiny",
      "mamba2-2.7b",  "kimi-linear-48b-a3b", "jamba-mini"};
  return models;
}

ContextParams Sampler::context() {
  ContextParams params;
  params.n_ctx = pick(contexts);
  params.n_seq_max = pick(slot_counts);
  params.kv_unified = one_in(4);
  params.type_k = params.type_v = pick(cache_types);
  params.flash_attn = is_block_quantized(params.type_v) || !one_in(5);
  params.swa_full = one_in(5);
  params.offload_kqv = !one_in(8);
  if (one_in(5)) params.n_ubatch = 128U << below(5);
  return params;
}

Machine Sampler::cards(std::uint32_t count) {
  MachineRequest request;
  for (std::uint32_t i = 0; i < count; ++i) {
    request.devices.push_back(nameless());
    request.devices.back().memory_bytes = (1021 + 977 * Bytes{below(48)}) * mib;
  }
  if (one_in(2)) request.ram = (3 + Bytes{below(120)}) * gib;
  if (one_in(4)) request.reserve = {Reserve::Kind::bytes, 700 * mib, 0};
  return assemble_machine(request);
}

Machine Sampler::shared_pool() {
  MachineRequest request;
  request.devices.push_back(nameless());
  request.devices[0].vendor = "apple";
  request.devices[0].kind = DeviceKind::unified;
  request.devices[0].memory_bytes = 8 * gib * (1 + below(12));
  request.os = OperatingSystem::macos;
  if (one_in(2)) request.free_vram = request.devices[0].memory_bytes / 2;
  return assemble_machine(request);
}

Machine Sampler::machine() {
  const auto kind = below(8);
  if (kind == 0) {
    MachineRequest request;
    request.ram = (3 + Bytes{below(120)}) * gib;
    return assemble_machine(request);
  }
  return kind == 1 ? shared_pool() : cards(kind < 5 ? 1 : kind < 7 ? 2 : 3);
}

CheckRequest Sampler::question() {
  CheckRequest request;
  const auto name = sampled_models()[below(static_cast<std::uint32_t>(sampled_models().size()))];
  request.quant = pick(quants);
  request.model = catalog_model(name, request.quant);
  request.at_quant = [name](std::string_view id) { return catalog_model(name, std::string(id)); };
  request.context = context();
  request.requested_ctx = request.context.n_ctx;
  request.machine = machine();
  if (one_in(6) && !request.machine.devices.empty())
    request.placement.gpu_layers = below(request.model->model.spec.n_layer + 2);
  return request;
}

std::string describe(const CheckRequest& request) {
  const auto& p = request.context;
  auto text = request.model->model.spec.id + ' ' + request.quant + " --ctx " +
              (request.longest_ctx ? "max" : std::to_string(p.n_ctx)) + " --parallel " + std::to_string(p.n_seq_max) +
              " --kv " + std::string(info(p.type_k).name) + " --ubatch " + std::to_string(p.n_ubatch) +
              (p.kv_unified ? " --kv-unified" : "") + (p.flash_attn ? "" : " --flash-attn off") +
              (p.swa_full ? " --swa-full" : "") + (p.offload_kqv ? "" : " --no-kv-offload");
  if (request.placement.gpu_layers) text += " --gpu-layers " + std::to_string(*request.placement.gpu_layers);
  for (const auto& device : request.machine.devices)
    text += (request.machine.unified() ? " " + format_bytes(device.usable_bytes()) + " of a pool of " : " card of ") +
            format_bytes(device.usable_pool());
  if (const auto usable = request.machine.host.usable_bytes()) text += " host " + format_bytes(*usable);
  return text;
}

}  // namespace willitrun::test
