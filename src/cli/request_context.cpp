// Context, cache and placement options.
#include "cli/request_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "cli/calibration_store.hpp"
#include "cli/numbers.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun::cli {
namespace {

constexpr std::uint32_t default_context = 8192;

struct NumberRow {
  Options::Text Options::*from;
  std::string_view option;
  std::uint32_t ContextParams::*to;
  std::uint32_t low, high;
};
// llama.cpp takes up to 256 sequences (LLAMA_MAX_SEQ); batches are bounded only to keep sums within range.
constexpr std::array numbers{
    NumberRow{&Options::parallel, "--parallel", &ContextParams::n_seq_max, 1, 256},
    NumberRow{&Options::batch, "--batch", &ContextParams::n_batch, 1, 1U << 20},
    NumberRow{&Options::ubatch, "--ubatch", &ContextParams::n_ubatch, 1, 1U << 20},
};

Error bad_choice(std::string_view option, std::string_view text, std::string_view choices) {
  return Error{"bad_value", fmt::format("{} '{}': must be {}", option, text, choices)};
}

/// 2^30 tokens keep every product within 64 bits; no model comes near.
Result<std::uint32_t> read_tokens(std::string_view text, std::string_view option, std::uint64_t least) {
  const auto n = parse_tokens(text, option);
  if (!n) return n.error();
  if (*n < least || *n > (1U << 30))
    return bad_choice(option, text, fmt::format("from {} to 1,073,741,824 tokens", least));
  return static_cast<std::uint32_t>(*n);
}

std::optional<Error> read_cache_types(const Options& options, ContextParams& params) {
  if (!options.kv) return std::nullopt;
  const std::string_view text = *options.kv;
  const auto comma = text.find(',');
  const auto k = find_cache_type(text.substr(0, comma));
  if (!k) return k.error();
  const auto v = comma == std::string_view::npos ? k : find_cache_type(text.substr(comma + 1));
  if (!v) return v.error();
  params.type_k = *k;
  params.type_v = *v;
  const bool vllm = options.engine == "vllm", fp8 = *k == TensorType::fp8 || *v == TensorType::fp8;
  if (fp8 && !vllm)
    return Error{"contradiction", fmt::format("--kv {}: only vLLM has it; add --engine vllm or take q8_0", text)};
  const bool held = fp8 || *k == TensorType::f16 || *k == TensorType::bf16;
  if (vllm && (!held || *k != *v))
    return Error{"contradiction", fmt::format("--kv {}: vLLM keeps f16, bf16 or fp8, keys and values alike", text)};
  return std::nullopt;
}

std::optional<Error> read_flash_attention(const Options& options, ContextParams& params) {
  const auto text = options.flash_attn.value_or("auto");
  if (text != "on" && text != "off" && text != "auto") return bad_choice("--flash-attn", text, "on, off or auto");
  params.flash_attn = text != "off";
  if (!params.flash_attn && is_block_quantized(params.type_v))
    return Error{"contradiction",
                 fmt::format("--kv {} contradicts --flash-attn off: a quantised V cache needs flash attention",
                             options.kv.value_or(""))};
  return std::nullopt;
}

std::optional<Error> read_outputs(const Options& options, ContextParams& params) {
  if (!options.outputs) return std::nullopt;
  if (*options.outputs == "all") {
    params.n_outputs = std::numeric_limits<std::uint32_t>::max();
    return std::nullopt;
  }
  const auto n = parse_whole(*options.outputs, "--outputs", 1, 1U << 20);
  if (!n) return n.error();
  params.n_outputs = *n;
  return std::nullopt;
}

/// As typed, per engine; vLLM's ways share a model evenly.
std::optional<Error> read_split_mode(const Options& options, PlacementOptions& out) {
  struct Row {
    std::string_view mode;
    SplitMode usual, vllm;
  };
  constexpr std::array rows{Row{"layer", SplitMode::layer, SplitMode::stages},
                            Row{"tensor", SplitMode::tensor, SplitMode::parallel},
                            Row{"none", SplitMode::none, SplitMode::none}};
  const bool vllm = options.engine == "vllm";
  if (vllm && options.tensor_split)
    return Error{"contradiction", "--tensor-split: vLLM shares a model evenly; leave it out"};
  const auto mode = options.split_mode.value_or(vllm ? "tensor" : "layer");
  const auto* row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.mode == mode; });
  if (row == rows.end()) return bad_choice("--split-mode", mode, "layer, tensor or none");
  out.split_mode = vllm ? row->vllm : row->usual;
  return std::nullopt;
}

}  // namespace

Result<ContextChoice> resolve_context_options(const Options& options, const ModelSpec& spec) {
  ContextChoice out;
  auto& p = out.params;
  for (const auto& row : numbers) {
    const auto& text = options.*row.from;
    if (!text) continue;
    const auto n = parse_whole(*text, row.option, row.low, row.high);
    if (!n) return n.error();
    p.*row.to = *n;
  }
  p.kv_unified = options.kv_unified;
  p.swa_full = options.swa_full;
  p.offload_kqv = !options.no_kv_offload;
  p.use_mmap = !options.no_mmap;
  // The engines that are not built on llama.cpp load all of a model to where its layers are.
  p.input_on_device = options.engine == "mlx" || options.engine == "vllm" || options.engine == "transformers";
  if (options.engine == "vllm")
    p.served = ServedBatch{options.batch ? p.n_batch : 0, options.parallel ? p.n_seq_max : 0};
  if (auto e = read_cache_types(options, p)) return *e;
  if (auto e = read_flash_attention(options, p)) return *e;
  if (auto e = read_outputs(options, p)) return *e;

  if (options.ctx == "max") {
    out.longest = true;
    p.n_ctx = spec.n_ctx_train;
    return out;
  }
  if (options.ctx) {
    const auto n = read_tokens(*options.ctx, "--ctx", 1);
    if (!n) return n.error();
    p.n_ctx = *n;
  } else {
    p.n_ctx = spec.n_ctx_train == 0 ? default_context : std::min(default_context, spec.n_ctx_train);
    out.assumed = true;
  }
  out.requested = p.n_ctx;
  return out;
}

Result<PlacementOptions> resolve_placement_options(const Options& options, std::size_t n_device) {
  PlacementOptions out;
  const auto layers = options.gpu_layers.value_or("auto");
  if (layers == "all") {
    out.gpu_layers = std::numeric_limits<std::uint32_t>::max();
  } else if (layers != "auto") {
    const auto n = parse_whole(layers, "--gpu-layers", 0, 10000);
    if (!n) return n.error();
    out.gpu_layers = *n;
  }
  if (n_device == 0 && out.gpu_layers && *out.gpu_layers > 0)
    return Error{"contradiction",
                 fmt::format("--gpu-layers {} contradicts --gpu none: there is no GPU to put layers on", layers)};
  const auto experts = options.cpu_moe_layers.value_or("auto");
  if (experts != "auto") {
    const auto n = parse_whole(experts, "--cpu-moe-layers", 0, 10000);
    if (!n) return n.error();
    out.cpu_moe_layers = *n;
  } else if (options.engine == "ollama") {
    out.cpu_moe_layers = 0;  // it has no switch for experts alone: a layer moves as a whole
  }
  // These start with all of the model on the GPUs, or not at all.
  if ((options.engine == "vllm" || options.engine == "mlx") && !out.gpu_layers)
    out.gpu_layers = std::numeric_limits<std::uint32_t>::max();
  if (auto e = read_split_mode(options, out)) return *e;
  std::string_view rest;
  if (options.tensor_split) rest = *options.tensor_split;
  double sum = 0;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    const auto part = rest.substr(0, comma);
    const auto share = part == "0" ? Result<double>(0.0) : parse_positive(part, "--tensor-split");
    if (!share) return share.error();
    out.tensor_split.push_back(*share);
    sum += *share;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  if (options.tensor_split && (out.tensor_split.size() != n_device || sum <= 0))
    return Error{"contradiction", fmt::format("--tensor-split {} has {} shares for {} GPUs", *options.tensor_split,
                                              out.tensor_split.size(), n_device)};
  return out;
}

Result<SpeedRequest> resolve_speed_options(const Options& options) {
  SpeedRequest out;
  if (options.engine) out.engine = find_engine(*options.engine).value_or(Engine::llama_cpp);
  out.measured = options.measured != "false";
  auto corrections = wanted_corrections(options);
  if (!corrections) return corrections.error();
  out.corrections = std::move(*corrections);
  if (options.depth) {
    const auto n = read_tokens(*options.depth, "--depth", 0);
    if (!n) return n.error();
    out.depth = *n;
  }
  if (options.prompt_tokens) {
    const auto n = read_tokens(*options.prompt_tokens, "--prompt-tokens", 1);
    if (!n) return n.error();
    out.prompt_tokens = *n;
  }
  return out;
}

Result<Requirement> resolve_requirement(const Options& options) {
  Requirement out;
  const auto level = options.require.value_or("runs");
  if (level != "runs" && level != "gpu" && level != "fits") return bad_choice("--require", level, "runs, gpu or fits");
  out.level = level == "fits"  ? Requirement::Level::fits
              : level == "gpu" ? Requirement::Level::gpu
                               : Requirement::Level::runs;
  if (options.min_tps) {
    const auto x = parse_positive(*options.min_tps, "--min-tps");
    if (!x) return x.error();
    out.min_tokens_per_s = *x;
  }
  if (options.max_ttft) {
    const auto x = parse_positive(*options.max_ttft, "--max-ttft");
    if (!x) return x.error();
    out.max_ttft_s = *x;
  }
  if (options.min_ctx) {
    const auto n = parse_tokens(*options.min_ctx, "--min-ctx");
    if (!n) return n.error();
    out.min_ctx = static_cast<std::uint32_t>(std::min<std::uint64_t>(*n, 1U << 30));
  }
  if (options.max_memory) {
    const auto size = parse_size(*options.max_memory, "--max-memory");
    if (!size) return size.error();
    out.max_memory = *size;
  }
  return out;
}

}  // namespace willitrun::cli
