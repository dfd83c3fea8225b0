// Ready command lines, with the values of a placement.
#include <fmt/format.h>

#include <algorithm>

#include "willitrun/advice.hpp"
#include "willitrun/engine_support.hpp"
#include "willitrun/escape.hpp"
#include "willitrun/memory_rules.hpp"
#include "willitrun/undriven.hpp"

namespace willitrun {
namespace {

/// A name that Ollama and LM Studio take: letters, digits, '.', '_' and '-', beginning with one of the first two.
std::string local_name(const CheckRequest& request) {
  std::string out;
  for (char c : request.called.empty() ? request.model->model.spec.id : request.called) {
    if (c >= 'A' && c <= 'Z' && !request.called.empty()) c = static_cast<char>(c - 'A' + 'a');
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (word || (!out.empty() && (c == '.' || c == '_' || c == '-')))
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  return out.empty() ? "model" : out;
}

std::string file_name(const CheckRequest& request) {
  if (!request.model_file.empty() && request.model_file != "-") return request.model_file;
  const auto stem = request.called.empty() ? request.model->model.spec.id : local_name(request);
  return stem + "-" + request.quant + ".gguf";
}

/// As the user's shell takes it: PowerShell on Windows.
std::string word(const CheckRequest& request, std::string_view text) {
  return request.machine.os == OperatingSystem::windows ? powershell_word(text) : shell_word(text);
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
std::string split_flag(const CheckRequest& request, const Placement& placement) {
  const auto& layers = placement.split.layer_device;
  const auto& slices = placement.split.slices;
  if (placement.split.n_device < 2) return {};
  if (request.placement.split_mode == SplitMode::none) return " -sm none";
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

/// Batches other than the default ones. The physical batch is cut to the logical one.
std::string batch_flags(const ContextParams& p) {
  constexpr ContextParams usual;
  std::string out;
  if (p.n_batch != usual.n_batch) out += fmt::format(" -b {}", p.n_batch);
  if (std::min(p.n_ubatch, p.n_batch) != std::min(usual.n_ubatch, p.n_batch))
    out += fmt::format(" -ub {}", std::min(p.n_ubatch, p.n_batch));
  return out;
}

/// Any number that is no fewer than the layers there are means all of them; 99 is what people write.
std::size_t layers_flag(const Placement& placement) {
  const auto layers = placement.split.layer_device.size();
  return placement.split.gpu_layers < layers ? placement.split.gpu_layers : std::max<std::size_t>(layers, 99);
}

/// llamafile takes the server's options.
std::string llama_command(std::string_view program, const CheckRequest& request, const Placement& placement) {
  const auto& p = request.context;
  auto out = fmt::format("{} -m {}{} -c {} -ngl {}", program, word(request, file_name(request)),
                         embeds(request) ? " --embedding" : "", placement.context.n_ctx, layers_flag(placement));
  out += split_flag(request, placement) + experts_flag(placement);
  if (quantized_cache(p)) out += fmt::format(" -ctk {} -ctv {}", info(p.type_k).name, info(p.type_v).name);
  out += fmt::format(" -np {}", p.n_seq_max);
  if (p.kv_unified) out += " --kv-unified";
  out += batch_flags(p) + flash_flag(request, placement);
  if (!p.offload_kqv) out += " --no-kv-offload";
  if (!p.use_mmap) out += " --no-mmap";
  if (p.swa_full) out += " --swa-full";
  return out;
}

using Settings = std::vector<std::pair<std::string, std::string>>;

/// What Ollama is told where its server is started.
Settings ollama_environment(const ContextParams& p) {
  Settings out;
  if (p.n_seq_max > 1) out.emplace_back("OLLAMA_NUM_PARALLEL", std::to_string(p.n_seq_max));
  if (quantized_cache(p)) out.emplace_back("OLLAMA_KV_CACHE_TYPE", info(p.type_k).name);
  if (quantized_cache(p) || !p.flash_attn) out.emplace_back("OLLAMA_FLASH_ATTENTION", p.flash_attn ? "1" : "0");
  return out;
}

/// Instructions and their values. num_gpu counts layers as -ngl does, num_batch is the physical batch.
Settings modelfile(const CheckRequest& request, const Placement& placement) {
  const auto& p = request.context;
  const auto file = file_name(request);
  const bool windows = request.machine.os == OperatingSystem::windows;
  const bool anchored = file.starts_with('/') || file.starts_with('.') || (windows && file.find(':') == 1);
  const auto from = !request.ollama_tag.empty() ? request.ollama_tag : anchored ? file : "./" + file;
  Settings out{{"FROM", from},
               {"PARAMETER num_ctx", std::to_string(placement.context.n_ctx_seq)},
               {"PARAMETER num_gpu", std::to_string(placement.split.gpu_layers)}};
  if (const auto n = std::min(p.n_ubatch, p.n_batch); n != ContextParams{}.n_ubatch)
    out.emplace_back("PARAMETER num_batch", std::to_string(n));
  if (!p.use_mmap) out.emplace_back("PARAMETER use_mmap", "false");
  return out;
}

/// A model of one's own from a Modelfile, for a POSIX shell or, on Windows, PowerShell.
std::string ollama_command(const CheckRequest& request, const Placement& placement) {
  const bool windows = request.machine.os == OperatingSystem::windows;
  const auto name = local_name(request);
  std::string out, lines;
  for (const auto& [variable, value] : ollama_environment(request.context))
    out += windows ? fmt::format("$env:{}='{}'; ", variable, value) : fmt::format("{}={} ", variable, value);
  if (!out.empty()) out += windows ? "Start-Process ollama serve; Start-Sleep 2; " : "ollama serve & sleep 2; ";
  for (const auto& [key, value] : modelfile(request, placement)) {
    lines += lines.empty() ? "" : windows ? "," : "; ";
    lines += windows ? powershell_word(key + " " + value) : fmt::format("echo {} {}", key, shell_word(value));
  }
  const auto then = windows ? "; " : " && ";
  out += windows ? fmt::format("{} | Set-Content {}.Modelfile", lines, name)
                 : fmt::format("({}) > {}.Modelfile", lines, name);
  out += fmt::format("{1}ollama create {0} -f {0}.Modelfile", name, then);
  // A model that embeds is asked through the server.
  return embeds(request) ? out : fmt::format("{}{}ollama run {}", out, then, name);
}

/// Ollama has one type for keys and values, and these; it splits among GPUs by itself.
bool ollama_takes(const CheckRequest& request) {
  const auto& p = request.context;
  const bool cache = p.type_k == TensorType::f16 || p.type_k == TensorType::q8_0 || p.type_k == TensorType::q4_0;
  return cache && p.type_k == p.type_v && p.offload_kqv && !p.swa_full && request.placement.tensor_split.empty() &&
         request.placement.split_mode != SplitMode::none;
}

/// lms sets the context and the share of layers alone; the rest is set in LM Studio's window.
bool lms_takes(const CheckRequest& request) {
  constexpr ContextParams usual;
  const auto& p = request.context;
  return request.placement.tensor_split.empty() && request.placement.split_mode != SplitMode::none &&
         !quantized_cache(p) && p.offload_kqv && p.use_mmap && p.flash_attn && !p.swa_full && p.n_seq_max == 1 &&
         std::min(p.n_ubatch, p.n_batch) == usual.n_ubatch;
}

/// lms takes the share of layers on the GPU.
std::string lmstudio_command(const CheckRequest& request, const Placement& placement) {
  const auto total = static_cast<double>(placement.split.layer_device.size());
  const auto share = static_cast<double>(placement.split.gpu_layers) / total;
  const auto gpu = share >= 1 ? std::string("max") : share <= 0 ? std::string("off") : fmt::format("{:.2f}", share);
  return fmt::format("lms load {} --context-length {} --gpu {}", local_name(request), placement.context.n_ctx, gpu);
}

/// A directory of safetensors files as it lies there, or a repository of them; llama.cpp would need either converted.
std::string vllm_command(std::string_view model, const CheckRequest& request, const Placement& placement) {
  auto out = fmt::format("vllm serve {} --max-model-len {}", shell_word(model), placement.context.n_ctx_seq);
  if (request.leaves_out_tower) out += " --language-model-only";
  const auto& split = placement.split;
  if (split.n_device > 1 && request.placement.split_mode != SplitMode::none)
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
  const bool stored = !request.model->model.stored.empty();
  const auto engine = request.speed.engine;
  const auto& repository = stored ? request.model->model.source : request.published_as;
  if (engine == Engine::vllm && !repository.empty()) return {{"vllm", vllm_command(repository, request, placement)}};
  // The others take GGUF files, or have no command that sets all this.
  if (stored || !is_llama_based(engine)) return {};
  std::vector<std::pair<std::string, std::string>> out{
      {"llama.cpp", llama_command("llama-server", request, placement)}};
  if (engine == Engine::llamafile)
    out.emplace_back("llamafile", llama_command("llamafile --server", request, placement));
  // The other two have no switch for experts alone, nor for slices.
  if (placement.n_hosted_experts > 0 || placement.split.sliced()) return out;
  if (ollama_takes(request)) out.emplace_back("ollama", ollama_command(request, placement));
  if (lms_takes(request)) out.emplace_back("lmstudio", lmstudio_command(request, placement));
  return out;
}

}  // namespace willitrun
