#include "cli/options.hpp"

#include <array>

namespace willitrun::cli {
namespace {

using O = Options;
using enum Group;

constexpr std::array rows{
    OptionRow{"quant", 'q', model, &O::quant, "NAME",
              "weight format: q4_k_m, q8_0, f16, mxfp4, nf4, ... (see list quants)"},
    OptionRow{"ctx", 'c', model, &O::ctx, "N|32k|max",
              "context in tokens over all slots; default 8192, capped to the model's own"},
    OptionRow{"kv", 0, model, &O::kv, "K[,V]", "cache types: f16 (default), q8_0, q4_0, ...; vllm: f16, bf16, fp8"},
    OptionRow{"parallel", 0, model, &O::parallel, "N", "slots served at once; default 1"},
    OptionRow{"kv-unified", 0, model, &O::kv_unified, "", "slots share one cache"},
    OptionRow{"batch", 0, model, &O::batch, "N", "logical batch; default 2048"},
    OptionRow{"ubatch", 0, model, &O::ubatch, "N", "physical batch; default 512"},
    OptionRow{"flash-attn", 0, model, &O::flash_attn, "on|off|auto", "flash attention; auto = on"},
    OptionRow{"swa-full", 0, model, &O::swa_full, "", "full-size cache for sliding-window layers"},
    OptionRow{"outputs", 0, model, &O::outputs, "N|all", "logit rows kept per batch; default one per slot"},
    OptionRow{"depth", 0, model, &O::depth, "N", "tokens already in the context, for speed; default 0"},
    OptionRow{"prompt-tokens", 0, model, &O::prompt_tokens, "N", "prompt length, for speed; default 512"},
    OptionRow{"engine", 0, model, &O::engine, "NAME",
              "llama.cpp (default), ollama, lmstudio, llamafile, mlx, vllm, transformers"},
    OptionRow{"no-calibration", 0, model, &O::no_calibration, "",
              "estimate without what calibrate stored of your own measurements"},

    OptionRow{"gpu-layers", 0, placement, &O::gpu_layers, "N|all|auto",
              "layers on the GPU, output layer included; default auto"},
    OptionRow{"cpu-moe-layers", 0, placement, &O::cpu_moe_layers, "N|auto",
              "first N layers keep their experts in system memory"},
    OptionRow{"no-kv-offload", 0, placement, &O::no_kv_offload, "", "keep the cache in system memory"},
    OptionRow{"no-mmap", 0, placement, &O::no_mmap, "", "read the weights into memory instead of mapping the file"},
    OptionRow{"tensor-split", 0, placement, &O::tensor_split, "A,B,..", "shares of the model per GPU"},
    OptionRow{"split-mode", 0, placement, &O::split_mode, "layer|tensor|none",
              "how several GPUs share the model; default layer, for vllm tensor where it can be"},

    OptionRow{"gpu", 'g', machine, &O::gpu, "NAME|NxNAME|auto|none",
              "the GPU, by any usual name; repeatable; auto (default) = this computer"},
    OptionRow{"vram", 0, machine, &O::vram, "SIZE", "its memory, or that of a GPU without a name (12GiB, 12GB)"},
    OptionRow{"gpu-count", 0, machine, &O::gpu_count, "N", "that many of the GPU"},
    OptionRow{"bandwidth", 0, machine, &O::bandwidth, "GB/s", "its memory bandwidth"},
    OptionRow{"free-vram", 0, machine, &O::free_vram, "SIZE", "what is free of it now, instead of the rules"},
    OptionRow{"reserve", 0, machine, &O::reserve, "SIZE|P%|auto",
              "memory to leave alone on each GPU; vllm claims the rest"},
    OptionRow{"overhead", 0, machine, &O::overhead, "SIZE|auto", "what the runtime takes beyond its buffers"},
    OptionRow{"ram", 0, machine, &O::ram, "SIZE", "system memory"},
    OptionRow{"ram-bandwidth", 0, machine, &O::ram_bandwidth, "GB/s", "its bandwidth"},
    OptionRow{"disk-bandwidth", 0, machine, &O::disk_bandwidth, "GB/s", "what the disk reads at, for the time to load"},
    OptionRow{"cpu", 0, machine, &O::cpu, "NAME", "CPU or memory platform, for its bandwidth"},
    OptionRow{"os", 0, machine, &O::os, "linux|windows|macos",
              "operating system; default linux, macos for Apple chips"},
    OptionRow{"backend", 0, machine, &O::backend, "NAME", "cuda, rocm, vulkan, metal, sycl, cpu; default by vendor"},

    OptionRow{"require", 0, gate, &O::require, "runs|gpu|fits", "what must hold for exit code 0; default runs"},
    OptionRow{"min-tps", 0, gate, &O::min_tps, "X", "least decode speed in tokens per second"},
    OptionRow{"min-ctx", 0, gate, &O::min_ctx, "N", "least context per slot"},
    OptionRow{"max-ttft", 0, gate, &O::max_ttft, "SECONDS", "longest time to the first token"},
    OptionRow{"max-memory", 0, gate, &O::max_memory, "SIZE", "most memory, devices and system together"},

    OptionRow{"format", 'o', output, &O::format, "text|json|ndjson|csv|md", "output format; default text"},
    OptionRow{"json", 0, output, &O::json, "", "same as --format json"},
    OptionRow{"fields", 0, output, &O::fields, "A,B,..",
              "only these values of the result, such as verdict.code,memory.total_bytes"},
    OptionRow{"explain", 0, output, &O::explain, "", "show the parts of every figure"},
    OptionRow{"quiet", 0, output, &O::quiet, "", "print nothing, answer by exit code"},
    OptionRow{"color", 0, output, &O::color, "auto|always|never", "colour; NO_COLOR and CLICOLOR_FORCE are heeded"},

    OptionRow{"catalog", 0, Group::catalog, &O::catalog, "FILE",
              "models or devices of your own, over the bundled ones; repeatable"},

    OptionRow{"table", 0, tables, &O::table, "NAME:ROWS:DIM[:DTYPE]",
              "an embedding table, such as users:10M:100:f32; repeatable"},
    OptionRow{"optimizer", 0, tables, &O::optimizer, "NAME",
              "training state: none (default), sgd, adagrad, rowwise_adagrad, adam"},

    OptionRow{"lock", 0, Group::lock, &O::lock, "FILE",
              "hold every check against this file: what grew or is new to it fails"},
    OptionRow{"update-lock", 0, Group::lock, &O::update_lock, "", "write the file named by --lock instead"},
    OptionRow{"task", 0, models, &O::task, "A,B,..", "text, code, vision, embedding, reranking, speech"},
    OptionRow{"license", 0, models, &O::license, "A,B,..", "apache-2.0, mit, gemma, ..."},
    OptionRow{"min-params", 0, models, &O::min_params, "N", "least parameters, such as 7B"},
    OptionRow{"max-params", 0, models, &O::max_params, "N", "most parameters, such as 14B or 500M"},
    OptionRow{"all-quants", 0, models, &O::all_quants, "", "a row for every quant that runs, not the best alone"},
    OptionRow{"limit", 'n', models, &O::limit, "N|all", "most rows; default 20 as text, all otherwise"},

    OptionRow{"vendor", 0, devices, &O::vendor, "A,B,..", "nvidia, amd, intel, apple, qualcomm, other"},
    OptionRow{"kind", 0, devices, &O::kind, "A,B,..", "discrete, laptop, unified"},
    OptionRow{"max-price", 0, devices, &O::max_price, "USD", "highest launch price, all devices together"},
    OptionRow{"max-power", 0, devices, &O::max_power, "WATTS", "most power (TDP), all devices together"},
    OptionRow{"since", 0, devices, &O::since, "YEAR", "released that year or later"},
    OptionRow{"max-count", 0, devices, &O::max_count, "1|2|4|8", "most devices of a kind; default 8"},

    OptionRow{"price-kwh", 0, cost, &O::price_kwh, "X", "what a kilowatt-hour costs"},
    OptionRow{"power", 0, cost, &O::power, "WATTS", "measured draw at work, instead of the devices' TDP"},
    OptionRow{"price-hardware", 0, cost, &O::price_hardware, "X", "what the hardware costs; needs --years"},
    OptionRow{"years", 0, cost, &O::years, "N", "years the hardware is used"},
    OptionRow{"utilization", 0, cost, &O::utilization, "P%", "share of the time it is at work; default 100%"},
    OptionRow{"api-price", 0, cost, &O::api_price, "IN/OUT",
              "an API's price per million tokens read and written, such as 0.15/0.60"},
    OptionRow{"input-per-output", 0, cost, &O::input_per_output, "N", "tokens read for each written; default 3"},
    OptionRow{"currency", 0, cost, &O::currency, "NAME", "shown with money; default nothing"},

    OptionRow{"sweep", 0, Group::sweep, &O::sweep, "ctx|quant|gpu-layers",
              "memory and speed along that option, as a chart; exit 0 if any point meets the gate"},
};

}  // namespace

std::span<const OptionRow> option_rows() { return rows; }

std::string_view title(Group group) {
  constexpr std::array<std::string_view, 12> titles{"Model",  "Placement", "Machine", "Gate",    "Output", "Catalog",
                                                    "Tables", "Lock",      "Models",  "Devices", "Cost",   "Sweep"};
  return titles[static_cast<std::size_t>(group)];
}

}  // namespace willitrun::cli
