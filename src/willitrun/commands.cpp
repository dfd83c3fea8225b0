// Ready command lines, with the values of a placement.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "willitrun/advice.hpp"
#include "willitrun/memory_rules.hpp"
#include "willitrun/undriven.hpp"

namespace willitrun {
namespace {

std::string file_name(const CheckRequest& request) {
  if (!request.model_file.empty() && request.model_file != "-") return request.model_file;
  return request.model->model.spec.id + "-" + request.quant + ".gguf";
}

/// Encoders, and decoders trained to embed.
bool embeds(const CheckRequest& request) { return request.embeds || !request.model->model.spec.keeps_cache; }

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

/// Flash attention as the figures have it. Left to itself, llama.cpp 0.7.0 turns it off where a layer and its attention
/// seem to lie on different devices, which it finds in hybrids such as LFM2 once a part of them is on the host.
std::string flash_flag(const CheckRequest& request, const Placement& placement) {
  const auto& p = request.context;
  if (!p.flash_attn) return " -fa off";
  const auto& spec = request.model->model.spec;
  const bool hybrid = !spec.recurrent_layers.empty() && spec.n_head_kv.max() > 0;
  const auto n = placement.split.gpu_layers;
  const bool split = n > 0 && (n < placement.split.layer_device.size() || !p.offload_kqv);
  return hybrid && split ? " -fa on" : "";
}

std::string llama_command(const CheckRequest& request, const Placement& placement) {
  const auto& p = request.context;
  const bool all = placement.split.gpu_layers >= placement.split.layer_device.size();
  auto out =
      fmt::format("llama-server -m {}{} -c {} -ngl {}", file_name(request), embeds(request) ? " --embedding" : "",
                  placement.context.n_ctx, all ? 99 : placement.split.gpu_layers);
  out += split_flag(placement) + experts_flag(placement);
  if (quantized_cache(p)) out += fmt::format(" -ctk {} -ctv {}", info(p.type_k).name, info(p.type_v).name);
  out += fmt::format(" -np {}", p.n_seq_max);
  if (p.kv_unified) out += " --kv-unified";
  if (p.n_ubatch != ContextParams{}.n_ubatch) out += fmt::format(" -ub {}", p.n_ubatch);
  out += flash_flag(request, placement);
  if (!p.offload_kqv) out += " --no-kv-offload";
  if (!p.use_mmap) out += " --no-mmap";
  if (p.swa_full) out += " --swa-full";
  return out;
}

/// The tag's own quant, as far as is known: what Ollama serves where a tag names none.
bool tag_holds(const CheckRequest& request) {
  return !request.ollama_tag.empty() && (request.quant == "Q4_K_M" || request.quant == "MXFP4_MOE");
}

/// A model of one's own from a Modelfile; num_gpu counts layers as -ngl does. Slots and the cache's type are set where
/// the server is started.
std::string ollama_command(const CheckRequest& request, const Placement& placement) {
  const auto& p = request.context;
  std::string server;
  if (p.n_seq_max > 1) server += fmt::format("OLLAMA_NUM_PARALLEL={} ", p.n_seq_max);
  if (quantized_cache(p))
    server += fmt::format("OLLAMA_FLASH_ATTENTION=1 OLLAMA_KV_CACHE_TYPE={} ", info(p.type_k).name);
  if (!p.flash_attn) server += "OLLAMA_FLASH_ATTENTION=0 ";
  if (!server.empty()) server += "ollama serve & sleep 2; ";
  const auto file = file_name(request);
  const auto from = tag_holds(request)                          ? request.ollama_tag
                    : std::filesystem::path(file).is_absolute() ? file
                                                                : "./" + file;
  const auto& id = request.model->model.spec.id;
  return fmt::format(
      "{0}(echo FROM {1}; echo PARAMETER num_ctx {2}; echo PARAMETER num_gpu {3}) > {4}.Modelfile && "
      "ollama create {4} -f {4}.Modelfile && ollama run {4}",
      server, from, placement.context.n_ctx_seq, placement.split.gpu_layers, id);
}

/// Ollama has one type for keys and values, and these.
bool ollama_has_cache(const ContextParams& p) {
  return p.type_k == p.type_v &&
         (p.type_k == TensorType::f16 || p.type_k == TensorType::q8_0 || p.type_k == TensorType::q4_0);
}

/// lms takes the share of layers on the GPU.
std::string lmstudio_command(const CheckRequest& request, const Placement& placement) {
  const auto total = static_cast<double>(placement.split.layer_device.size());
  const auto share = static_cast<double>(placement.split.gpu_layers) / total;
  const auto gpu = share >= 1 ? std::string("max") : share <= 0 ? std::string("off") : fmt::format("{:.2f}", share);
  return fmt::format("lms load {} --context-length {} --gpu {}", request.model->model.spec.id, placement.context.n_ctx,
                     gpu);
}

/// A directory of safetensors files as it lies there, or a repository of them; llama.cpp would need either converted.
std::string vllm_command(std::string_view model, const CheckRequest& request, const Placement& placement) {
  auto out = fmt::format("vllm serve {} --max-model-len {}", model, placement.context.n_ctx_seq);
  if (request.leaves_out_tower) out += " --language-model-only";
  const auto& split = placement.split;
  if (split.n_device > 1)
    out += fmt::format(" --{}-parallel-size {}", split.sliced() ? "tensor" : "pipeline", split.n_device);
  const auto share = request.machine.share.value_or(vllm_share);
  if (share != vllm_share) out += fmt::format(" --gpu-memory-utilization {:.2f}", share);
  if (request.context.type_k == TensorType::fp8) out += " --kv-cache-dtype fp8";
  const auto asked = request.context.served.value_or(ServedBatch{});
  if (asked.sequences != 0) out += fmt::format(" --max-num-seqs {}", asked.sequences);
  if (asked.tokens != 0) out += fmt::format(" --max-num-batched-tokens {}", asked.tokens);
  return out;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> run_commands(const CheckRequest& request, const Placement& placement) {
  if (undriven_device(request.machine) != nullptr) return {};
  if (!placement.fits() || request.model->model.spec.architecture == "whisper") return {};
  if (!request.model->model.stored.empty())
    return {{"vllm", vllm_command(request.model->model.source, request, placement)}};
  // Other engines take other files.
  const auto engine = request.speed.engine;
  if (engine == Engine::vllm && !request.published_as.empty())
    return {{"vllm", vllm_command(request.published_as, request, placement)}};
  if (engine == Engine::mlx || engine == Engine::vllm || engine == Engine::transformers) return {};
  std::vector<std::pair<std::string, std::string>> out{{"llama.cpp", llama_command(request, placement)}};
  // The other two have no switch for experts alone, nor for slices, and chat by the commands given here.
  if (embeds(request) || placement.n_hosted_experts > 0 || placement.split.sliced()) return out;
  if (ollama_has_cache(request.context)) out.emplace_back("ollama", ollama_command(request, placement));
  // lms sets the cache's type nowhere.
  if (!quantized_cache(request.context)) out.emplace_back("lmstudio", lmstudio_command(request, placement));
  return out;
}

}  // namespace willitrun
