// What the engine asked for makes of a request: where it runs, what it can be set to, what it claims.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "cli/numbers.hpp"
#include "cli/request_parts.hpp"
#include "willitrun/engine_support.hpp"
#include "willitrun/memory_rules.hpp"
#include "willitrun/suggest.hpp"
#include "willitrun/vllm_memory.hpp"

namespace willitrun::cli {
namespace {

/// vLLM refuses to start where less than its share is free, and gives the cache all that is left of it.
std::string claim_text(const Machine& machine) {
  const auto share = machine.share.value_or(vllm_share);
  const auto percent = fmt::format("{:.0f} % of the GPU", share * 100);
  if (share == vllm_share) return fmt::format("vllm claims {}, its default (--reserve 5% claims 95 %)", percent);
  const bool crowded = std::any_of(machine.devices.begin(), machine.devices.end(), [](const Device& d) {
    return static_cast<double>(d.visible_bytes) < vllm_share * static_cast<double>(d.driver_bytes);
  });
  return fmt::format("vllm claims {}, {} {:.0f} %", percent,
                     crowded ? "as less is free than its default of" : "not its default of", vllm_share * 100);
}

std::string batch_text(const Machine& machine, const ServedBatch& asked) {
  const auto batch = served_batch(machine, asked);
  return fmt::format("it plans for batches of {} tokens and {} requests at once{}", format_grouped(batch.tokens),
                     format_grouped(batch.sequences),
                     asked.tokens == 0 && asked.sequences == 0 ? " (its defaults here)" : "");
}

/// Ollama has one type for keys and values (OLLAMA_KV_CACHE_TYPE), of these.
bool beyond_ollama(const Options::Text& kv) {
  if (!kv) return false;
  const std::string_view text = *kv;
  const auto comma = text.find(',');
  const auto k = text.substr(0, comma);
  const bool known = k == "f16" || k == "q8_0" || k == "q4_0";
  return !known || (comma != std::string_view::npos && text.substr(comma + 1) != k);
}

constexpr unsigned bit(Engine engine) { return 1U << static_cast<unsigned>(engine); }
constexpr auto ollama = bit(Engine::ollama), vllm = bit(Engine::vllm), mlx = bit(Engine::mlx),
               transformers = bit(Engine::transformers);

/// All layers stay on the GPU; 99 is what people write for that.
bool leaves_layers(const Options::Text& gpu_layers) {
  if (!gpu_layers || *gpu_layers == "all" || *gpu_layers == "auto") return false;
  const auto n = parse_whole(*gpu_layers, "--gpu-layers", 0, 10000);
  return !n || *n < 99;
}

struct Setting {
  std::string_view option;
  unsigned unknown_to;
  bool (*given)(const Options&);
};
// ollama: docs/modelfile.mdx, docs/faq.mdx and api/types.go; vllm: vllm serve --help; mlx: mlx_lm.server --help.
constexpr std::array settings{
    Setting{"--gpu-layers", vllm | mlx, [](const Options& o) { return leaves_layers(o.gpu_layers); }},
    Setting{
        "--cpu-moe-layers", ollama | vllm | mlx | transformers,
        [](const Options& o) { return o.cpu_moe_layers && *o.cpu_moe_layers != "0" && *o.cpu_moe_layers != "auto"; }},
    Setting{"--no-kv-offload", ollama | vllm | mlx | transformers, [](const Options& o) { return o.no_kv_offload; }},
    Setting{"--tensor-split", ollama | mlx | transformers, [](const Options& o) { return o.tensor_split.has_value(); }},
    Setting{"--split-mode", ollama | mlx, [](const Options& o) { return o.split_mode && *o.split_mode != "layer"; }},
    Setting{"--swa-full", ollama | vllm | mlx | transformers, [](const Options& o) { return o.swa_full; }},
    Setting{"--kv-unified", vllm | mlx | transformers, [](const Options& o) { return o.kv_unified; }},
    Setting{"--ubatch", vllm | transformers, [](const Options& o) { return o.ubatch.has_value(); }},
    Setting{"--kv other than f16, q8_0 or q4_0", ollama, [](const Options& o) { return beyond_ollama(o.kv); }},
};

}  // namespace

void add_engine_assumption(Engine engine, const ContextParams& context, Machine& machine) {
  auto& out = machine.assumptions;
  const auto memory = [&](std::string text) {
    std::erase_if(out, [](const Assumption& a) { return a.code == "backend"; });  // llama.cpp's
    out.push_back({"engine_memory", std::move(text)});
  };
  const auto stored = fmt::format("{}: weights as stored plus the cache of this context; ", name_of(engine));
  if (engine == Engine::mlx) memory(stored + "its own buffers are taken to be llama.cpp's");
  if (engine == Engine::transformers) memory(stored + "its activations are not counted");
  if (engine != Engine::vllm) return;
  memory(claim_text(machine));
  out.push_back({"engine_batch", batch_text(machine, context.served.value_or(ServedBatch{}))});
}

std::optional<Error> check_engine_runs(const Options& options, const Machine& machine) {
  struct Row {
    std::string_view engine;
    std::array<Backend, 2> backends;
    std::string_view runs_on;
  };
  constexpr std::array rows{Row{"mlx", {Backend::metal, Backend::metal}, "Apple chips"},
                            Row{"vllm", {Backend::cuda, Backend::rocm}, "NVIDIA and AMD GPUs"}};
  const auto* row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return options.engine == r.engine; });
  if (row == rows.end()) return std::nullopt;
  const bool gpu = !machine.devices.empty();
  if (gpu && (machine.backend == row->backends[0] || machine.backend == row->backends[1]))
    return refused_device(*find_engine(row->engine), machine);
  const auto on = gpu ? fmt::format("{} ({})", machine.devices[0].spec.name, name_of(machine.backend)) : "a CPU alone";
  return Error{"contradiction",
               fmt::format("--engine {}: modelled on {} only, not on {}", row->engine, row->runs_on, on)};
}

std::optional<Error> check_engine(const Options& options) {
  if (!options.engine || find_engine(*options.engine)) return std::nullopt;
  const auto names = engine_names();
  return Error{"unknown_engine",
               fmt::format("unknown engine '{}': must be {}", *options.engine, fmt::join(names, ", ")),
               {names.begin(), names.end()}};
}

std::optional<Error> check_settings(const Options& options) {
  const auto engine = find_engine(options.engine.value_or("")).value_or(Engine::llama_cpp);
  const auto* it = std::find_if(settings.begin(), settings.end(), [&](const Setting& setting) {
    return (setting.unknown_to & bit(engine)) != 0 && setting.given(options);
  });
  if (it == settings.end()) return std::nullopt;
  return Error{"contradiction", fmt::format("{}: {} has no such setting; leave it out or take --engine llama.cpp",
                                            it->option, name_of(engine))};
}

}  // namespace willitrun::cli
