// Ready command lines, with the values of a placement.
#include <fmt/format.h>

#include <algorithm>

#include "willitrun/advice.hpp"
#include "willitrun/undriven.hpp"

namespace willitrun {
namespace {

std::string file_name(const CheckRequest& request) {
  if (!request.model_file.empty() && request.model_file != "-") return request.model_file;
  return request.model->model.spec.id + "-" + request.quant + ".gguf";
}

bool quantized_cache(const ContextParams& p) { return p.type_k != TensorType::f16 || p.type_v != TensorType::f16; }

/// --n-cpu-moe takes the first blocks; any other choice is spelled as a pattern over block numbers.
std::string experts_flag(const Placement& placement) {
  const auto& hosted = placement.split.experts_on_host;
  const auto count = std::count(hosted.begin(), hosted.end(), true);
  if (count == 0) return {};
  if (std::find(hosted.begin(), hosted.end(), false) - hosted.begin() == count)
    return fmt::format(" --n-cpu-moe {}", count);
  std::string blocks;
  for (std::size_t il = 0; il < hosted.size(); ++il)
    if (hosted[il]) blocks += fmt::format("{}{}", blocks.empty() ? "" : "|", il);
  return fmt::format(R"( -ot "blk\.({})\.ffn_(up|down|gate|gate_up)_exps=CPU")", blocks);
}

/// Where the layers do not lie as the default split would put them.
std::string split_flag(const Placement& placement) {
  const auto& layers = placement.split.layer_device;
  const auto& slices = placement.split.slices;
  if (placement.split.n_device < 2) return {};
  if (std::all_of(slices.begin(), slices.end(), [](double share) { return share == 0; }) && !slices.empty())
    return " -sm tensor";
  std::string shares;
  for (std::uint32_t id = 0; id < placement.split.n_device; ++id)
    shares += fmt::format(
        "{}{}", id == 0 ? "" : ",",
        slices.empty() ? static_cast<double>(std::count(layers.begin(), layers.end(), static_cast<std::int32_t>(id)))
                       : slices[id]);
  return (slices.empty() ? " -ts " : " -sm tensor -ts ") + shares;
}

std::string llama_command(const CheckRequest& request, const Placement& placement) {
  const auto& p = request.context;
  const bool all = placement.split.gpu_layers >= placement.split.layer_device.size();
  auto out = fmt::format("llama-server -m {} -c {} -ngl {}", file_name(request), placement.context.n_ctx,
                         all ? 99 : placement.split.gpu_layers);
  out += split_flag(placement) + experts_flag(placement);
  if (quantized_cache(p)) out += fmt::format(" -ctk {} -ctv {}", info(p.type_k).name, info(p.type_v).name);
  out += fmt::format(" -np {}", p.n_seq_max);
  if (p.kv_unified) out += " --kv-unified";
  if (p.n_ubatch != ContextParams{}.n_ubatch) out += fmt::format(" -ub {}", p.n_ubatch);
  if (!p.flash_attn) out += " -fa off";
  if (!p.offload_kqv) out += " --no-kv-offload";
  if (!p.use_mmap) out += " --no-mmap";
  if (p.swa_full) out += " --swa-full";
  return out;
}

/// Server environment, then a Modelfile; num_gpu counts layers as -ngl does.
std::string ollama_command(const CheckRequest& request, const Placement& placement) {
  const auto& p = request.context;
  std::string environment = fmt::format("OLLAMA_NUM_PARALLEL={} ", p.n_seq_max);
  if (p.flash_attn) environment += "OLLAMA_FLASH_ATTENTION=1 ";
  if (quantized_cache(p)) environment += fmt::format("OLLAMA_KV_CACHE_TYPE={} ", info(p.type_k).name);
  const auto from = request.ollama_tag.empty() ? "./" + file_name(request) : request.ollama_tag;
  return fmt::format("{}ollama serve; Modelfile: FROM {}, PARAMETER num_ctx {}, PARAMETER num_gpu {}", environment,
                     from, placement.context.n_ctx_seq, placement.split.gpu_layers);
}

/// lms takes the share of layers on the GPU.
std::string lmstudio_command(const CheckRequest& request, const Placement& placement) {
  const auto total = static_cast<double>(placement.split.layer_device.size());
  const auto share = static_cast<double>(placement.split.gpu_layers) / total;
  const auto gpu = share >= 1 ? std::string("max") : share <= 0 ? std::string("off") : fmt::format("{:.2f}", share);
  return fmt::format("lms load {} --context-length {} --gpu {}", request.model->model.spec.id, placement.context.n_ctx,
                     gpu);
}

/// A directory of safetensors files, as it lies there; llama.cpp would need it converted.
std::string vllm_command(const CheckRequest& request, const Placement& placement) {
  auto out = fmt::format("vllm serve {} --max-model-len {}", request.model->model.source, placement.context.n_ctx_seq);
  const auto& split = placement.split;
  if (split.n_device > 1)
    out += fmt::format(" --{}-parallel-size {}", split.sliced() ? "tensor" : "pipeline", split.n_device);
  return out;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> run_commands(const CheckRequest& request, const Placement& placement) {
  if (undriven_device(request.machine) != nullptr) return {};
  if (!placement.fits() || !request.model->model.spec.keeps_cache) return {};
  if (!request.model->model.stored.empty()) return {{"vllm", vllm_command(request, placement)}};
  // Other engines take other files.
  const auto engine = request.speed.engine;
  if (engine == Engine::mlx || engine == Engine::vllm || engine == Engine::transformers) return {};
  std::vector<std::pair<std::string, std::string>> out{{"llama.cpp", llama_command(request, placement)}};
  // The other two have no switch for experts alone, nor for slices.
  if (placement.n_hosted_experts > 0 || placement.split.sliced()) return out;
  out.emplace_back("ollama", ollama_command(request, placement));
  out.emplace_back("lmstudio", lmstudio_command(request, placement));
  return out;
}

}  // namespace willitrun
