#include "willitrun/engine_support.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "willitrun/name_match.hpp"

namespace willitrun {
namespace {

using F = QuantFamily;

constexpr unsigned bit(F family) { return 1U << static_cast<unsigned>(family); }

constexpr std::array<std::string_view, 8> gguf_ladder{"q8_0",   "q6_k",   "q5_k_m",  "q4_k_m",
                                                      "iq4_xs", "q3_k_m", "iq3_xxs", "iq2_m"};
constexpr std::array<std::string_view, 3> vllm_ladder{"bf16", "fp8", "awq-4bit-128g"};
constexpr std::array<std::string_view, 3> transformers_ladder{"bf16", "int8", "nf4"};
constexpr std::array<std::string_view, 3> mlx_ladder{"bf16", "mlx-8bit", "mlx-4bit"};

struct Row {
  Engine engine;
  unsigned families;  // besides 16 and 32 bits and MXFP4, which all load
  std::string_view reads;
  std::span<const std::string_view> ladder;
};
// vLLM: docs/features/quantization, AWQ to NVFP4 of its table and GGUF, which it calls experimental. Transformers: its
// overview of quantization; GGUF it unpacks to 16 bits or more. MLX: mlx-lm's converter; of GGUF, which mlx-lm does not
// load, mlx's own reader keeps three types packed. LM Studio's MLX runtime is what --engine mlx answers for.
// The ladders: common GGUF presets, and what repositories for the others are quantized to.
constexpr unsigned published = bit(F::fp8) | bit(F::int8) | bit(F::bitsandbytes) | bit(F::gptq) | bit(F::awq);
constexpr std::array rows{
    Row{Engine::llama_cpp, bit(F::ggml), "GGUF quants only", gguf_ladder},
    Row{Engine::ollama, bit(F::ggml), "GGUF quants only", gguf_ladder},
    Row{Engine::lmstudio, bit(F::ggml), "GGUF quants only, as modelled here", gguf_ladder},
    Row{Engine::llamafile, bit(F::ggml), "GGUF quants only", gguf_ladder},
    Row{Engine::mlx, bit(F::mlx), "MLX's own formats and 16 bits only", mlx_ladder},
    Row{Engine::vllm, published | bit(F::ggml), "published formats and common GGUF quants only", vllm_ladder},
    Row{Engine::transformers, published, "published formats only, and unpacks GGUF", transformers_ladder},
};

/// GGUF presets without kernels in vLLM (the types in vllm/model_executor/layers/quantization/gguf.py).
constexpr std::array<std::string_view, 4> unread_by_vllm{"tq2_0", "tq1_0", "q2_0", "q1_0"};

// docs/getting_started/installation/gpu.md of vLLM 0.14: NVIDIA from compute capability 7.0 on (7.5 since), of AMD's
// gfx90a, gfx942, gfx950, gfx110x, gfx115x and gfx120x.
constexpr std::array<std::string_view, 11> without_vllm_kernels{
    "Kepler", "Maxwell", "Pascal", "GCN2", "GCN3", "GCN4 Polaris", "Vega", "Vega 20", "CDNA", "RDNA", "RDNA2"};
// docs/models/supported_models.md of vLLM 0.26 has no RWKV of any kind.
constexpr std::array<std::string_view, 4> without_vllm_model{"rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"};

/// CUDA's, for a preset: get_min_capability() under vllm/model_executor/layers/quantization.
std::string_view least_capability(const QuantPreset& preset) {
  if (preset.type == TensorType::mxfp4) return "8.0";
  return preset.family == F::awq || preset.family == F::fp8 ? "7.5" : "7.0";
}

const Row& row_of(Engine engine) {
  return *std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.engine == engine; });
}

double bits_of(const QuantPreset& preset) {
  const auto& type = info(preset.type);
  return 8.0 * type.block_bytes / type.block_elements;
}

/// Of what is usual with the engine, the nearest in size; of GGUF's, one that every repository has.
std::string_view nearest_preset(Engine engine, const QuantPreset& preset) {
  const auto ladder = usual_presets(engine);
  const auto distance = [&](std::string_view id) {
    return std::abs(std::log(bits_of(*find_quant(id)) / bits_of(preset))) + (id.starts_with("iq") ? 1 : 0);
  };
  return *std::min_element(ladder.begin(), ladder.end(),
                           [&](std::string_view a, std::string_view b) { return distance(a) < distance(b); });
}

/// The engine to name to someone who has such weights.
const Row* another_that_loads(const QuantPreset& preset) {
  const auto it = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return loads(row.engine, preset); });
  return it == rows.end() ? nullptr : &*it;
}

}  // namespace

bool loads(Engine engine, const QuantPreset& preset) {
  if (preset.type == TensorType::mxfp4 || (preset.family == F::ggml && !is_block_quantized(preset.type))) return true;
  if (engine == Engine::vllm && is_one_of(unread_by_vllm, preset.id)) return false;
  return (row_of(engine).families & bit(preset.family)) != 0;
}

bool is_llama_based(Engine engine) { return row_of(engine).families == bit(F::ggml); }

bool loads_gguf_files(Engine engine) { return (row_of(engine).families & bit(F::ggml)) != 0; }

std::span<const std::string_view> usual_presets(Engine engine) { return row_of(engine).ladder; }

std::optional<Error> refused_quant(Engine engine, const QuantPreset& preset, std::string_view subject) {
  if (loads(engine, preset)) return std::nullopt;
  const auto near = nearest_preset(engine, preset);
  const auto* other = another_that_loads(preset);
  return Error{"contradiction",
               fmt::format("{}: {} reads {} (nearest: {}); {}", subject, name_of(engine), row_of(engine).reads, near,
                           other != nullptr ? fmt::format("--engine {} runs it", name_of(other->engine))
                                            : "no engine modelled here runs it"),
               {std::string(near)}};
}

std::optional<Error> refused_gguf_file(Engine engine, std::string_view path) {
  if (loads_gguf_files(engine)) return std::nullopt;
  return Error{"contradiction",
               fmt::format("{}: {} reads no GGUF file as it is stored; --engine llama.cpp does", path, name_of(engine)),
               {"llama.cpp"}};
}

bool has_kernels(Engine engine, const DeviceSpec& device, std::string_view quant_id) {
  if (engine != Engine::vllm) return true;
  if (is_one_of(without_vllm_kernels, device.architecture)) return false;
  const auto preset = find_quant(quant_id);
  if (quant_id.empty() || !preset || device.compute_capability.empty()) return true;
  return device.compute_capability.size() > 3 || device.compute_capability >= least_capability(*preset);
}

std::optional<Error> refused_device(Engine engine, const Machine& machine, std::string_view quant_id) {
  const auto it = std::find_if(machine.devices.begin(), machine.devices.end(),
                               [&](const Device& device) { return !has_kernels(engine, device.spec, quant_id); });
  if (it == machine.devices.end()) return std::nullopt;
  const auto of = has_kernels(engine, it->spec) ? fmt::format(" of {}", quant_id) : std::string();
  return Error{"contradiction",
               fmt::format("--engine {}: has no kernels{} for {} ({}); --engine llama.cpp runs on it", name_of(engine),
                           of, it->spec.name, it->spec.architecture),
               {"llama.cpp"}};
}

std::optional<Error> refused_architecture(Engine engine, const ModelSpec& spec) {
  const bool speech = spec.hears() && (is_llama_based(engine) || engine == Engine::mlx) && engine != Engine::llama_cpp;
  // mlx-lm generates text; encoders are other packages' work.
  const bool encoder = engine == Engine::mlx && !spec.keeps_cache;
  const bool missing = engine == Engine::vllm && is_one_of(without_vllm_model, spec.architecture);
  if (!speech && !encoder && !missing) return std::nullopt;
  return Error{"contradiction",
               fmt::format("--engine {}: has no implementation of {} ({}); {}", name_of(engine), spec.architecture,
                           spec.name, speech ? "whisper.cpp runs it" : "--engine llama.cpp runs it"),
               {"llama.cpp"}};
}

}  // namespace willitrun
