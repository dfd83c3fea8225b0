// The numbers beside the words: every one computed by the code that answers questions.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "willitrun/catalog.hpp"
#include "willitrun/embedding_tables.hpp"
#include "willitrun/figures.hpp"
#include "willitrun/footprint.hpp"
#include "willitrun/glossary_data.hpp"
#include "willitrun/quant.hpp"

namespace willitrun {
namespace {

constexpr std::string_view dense = "llama3.1-8b", experts = "qwen3-30b-a3b", latent = "deepseek-v3",
                           sliding = "gemma3-12b", recurrent = "qwen3-next-80b-a3b", quant = "q4_k_m";
constexpr std::uint32_t n_ctx = 8192;

struct Subject {
  std::string name;
  std::shared_ptr<const WeighedModel> model;
};

/// A model of the catalog at a preset; empty when the catalog was overlaid with one that has no such entry.
Subject subject(std::string_view id, std::string_view preset_id = quant) {
  const auto found = find_model(id);
  auto model = found ? model_from_entry(found->entry) : Result<Model>(Error{});
  const auto preset = find_quant(preset_id);
  if (!model || !preset) return {};
  apply_quant(*preset, model->spec, model->tensors);
  return {found->entry.name, weigh_model(std::move(*model))};
}

Footprint footprint(const Subject& s, ContextParams params = {}) { return measure(s.model, params); }

Bytes cache(const Footprint& f) {
  Bytes sum = 0;
  for (const auto& layer : f.caches) sum += layer.kv_device;
  return sum;
}

Bytes scratch(const Subject& s, const ContextParams& params) {
  const auto f = footprint(s, params);
  const auto n = s.model->model.spec.n_layer;
  return distribute(f, make_split(n, n + 1, {1.0}, 0, true)).devices[0].compute;
}

double billions(std::uint64_t n) { return static_cast<double>(n) / 1e9; }

std::string weights_example() {
  const auto s = subject(dense);
  if (!s.model) return {};
  return fmt::format("{} at Q4_K_M: {} parameters in {}", s.name, format_grouped(s.model->weights.parameters),
                     format_bytes(s.model->weights.file_bytes));
}

std::string active_example() {
  const auto s = subject(experts);
  if (!s.model) return {};
  const auto& spec = s.model->model.spec;
  return fmt::format("{}: {} of {} experts a layer, {:.1f} of {:.1f} billion parameters per token", s.name,
                     spec.n_expert_used, spec.n_expert, billions(s.model->weights.active_parameters),
                     billions(s.model->weights.parameters));
}

std::string cache_line(const Subject& s, std::string_view formula) {
  return fmt::format("{}, {} tokens, f16: {} = {}", s.name, format_grouped(n_ctx), formula,
                     format_bytes(cache(footprint(s))));
}

std::string cache_example() {
  const auto s = subject(dense);
  if (!s.model) return {};
  const auto& spec = s.model->model.spec;
  return cache_line(s, fmt::format("{} layers x {} x {} KV heads x ({} + {}) x 2 bytes", spec.n_layer,
                                   format_grouped(n_ctx), spec.n_head_kv.at(0), spec.head_dim_k, spec.head_dim_v));
}

std::string quantized_cache_example() {
  const auto s = subject(dense);
  if (!s.model) return {};
  ContextParams params;
  params.type_k = params.type_v = TensorType::q8_0;
  return fmt::format("{}, {} tokens: {} at f16, {} at q8_0", s.name, format_grouped(n_ctx),
                     format_bytes(cache(footprint(s))), format_bytes(cache(footprint(s, params))));
}

std::string heads_example() {
  const auto s = subject(dense);
  if (!s.model) return {};
  const auto heads = s.model->model.spec.n_head.at(0), kv = s.model->model.spec.n_head_kv.at(0);
  const auto bytes = cache(footprint(s));
  return fmt::format("{}: {} heads share {} of keys and values, a cache of {} instead of {} at {} tokens", s.name,
                     heads, kv, format_bytes(bytes), format_bytes(bytes / kv * heads), format_grouped(n_ctx));
}

std::string latent_example() {
  const auto s = subject(latent);
  if (!s.model) return {};
  const auto& spec = s.model->model.spec;
  return fmt::format("{}: {} + {} elements a token and layer; {} tokens take {}", s.name, spec.kv_lora_rank,
                     spec.head_dim_k - spec.kv_lora_rank, format_grouped(n_ctx), format_bytes(cache(footprint(s))));
}

std::string sliding_example() {
  const auto s = subject(sliding);
  if (!s.model) return {};
  ContextParams params;
  params.n_ctx = 32768;
  auto full = params;
  full.swa_full = true;
  const auto& spec = s.model->model.spec;
  return fmt::format("{}: {} of {} layers see {} tokens; a cache of {} instead of {} at {} tokens", s.name,
                     std::count(spec.swa_layers.begin(), spec.swa_layers.end(), true), spec.n_layer,
                     format_grouped(spec.n_swa), format_bytes(cache(footprint(s, params))),
                     format_bytes(cache(footprint(s, full))), format_grouped(params.n_ctx));
}

std::string state_example() {
  const auto s = subject(recurrent);
  if (!s.model) return {};
  Bytes state = 0;
  const auto f = footprint(s);
  for (const auto& layer : f.caches) state += layer.state_device;
  const auto& flags = s.model->model.spec.recurrent_layers;
  return fmt::format("{}: {} of {} layers keep {} together at any context", s.name,
                     std::count(flags.begin(), flags.end(), true), s.model->model.spec.n_layer, format_bytes(state));
}

std::string roofline_example() {
  const auto s = subject(dense);
  const auto device = find_device("rtx3060-12gb");
  if (!s.model || !device || !device->entry.bandwidth_gb_s) return {};
  const auto bytes = s.model->weights.active_bytes;
  const auto bound = *device->entry.bandwidth_gb_s * 1e9 / static_cast<double>(bytes);
  return fmt::format("{} at Q4_K_M reads {} per token; {:.0f} GB/s of a {} allow at most {:.0f} tok/s", s.name,
                     format_bytes(bytes), *device->entry.bandwidth_gb_s, device->entry.name, bound);
}

std::string bits_example() {
  std::string out;
  for (const std::string_view id : {"q8_0", "q4_k_m", "iq2_m"}) {
    const auto s = subject(dense, id);
    if (!s.model) return {};
    const auto& w = s.model->weights;
    out += fmt::format("{}{} {:.2f} bits ({})", out.empty() ? s.name + ": " : ", ", find_quant(id)->name,
                       8.0 * static_cast<double>(w.file_bytes) / static_cast<double>(w.parameters),
                       format_bytes(w.file_bytes));
  }
  return out;
}

std::string layers_example() {
  const auto s = subject(dense);
  if (!s.model) return {};
  const auto n = s.model->model.spec.n_layer_trunk();
  return fmt::format("{}: {} layers and the output, so -ngl {} is all of it", s.name, n, n + 1);
}

std::string attention_example() {
  const auto s = subject(dense);
  if (!s.model) return {};
  ContextParams on, off;
  on.n_ctx = off.n_ctx = 32768;
  off.flash_attn = false;
  return fmt::format("{}, {} tokens: scratch memory of {} with it, {} without", s.name, format_grouped(on.n_ctx),
                     format_bytes(scratch(s, on)), format_bytes(scratch(s, off)));
}

std::string batch_example() {
  const auto s = subject(dense);
  if (!s.model) return {};
  ContextParams usual, large;
  usual.n_ctx = large.n_ctx = n_ctx;
  large.n_ubatch = 2048;
  return fmt::format("{}: scratch memory of {} at a ubatch of {}, {} at {}", s.name, format_bytes(scratch(s, usual)),
                     usual.n_ubatch, format_bytes(scratch(s, large)), format_grouped(large.n_ubatch));
}

Bytes table_of(std::uint64_t rows, std::uint64_t dim) {
  EmbeddingTable table;
  table.rows = rows;
  table.dim = dim;
  table.dtype = TableType::f32;
  const auto bytes = table_bytes(table);
  return bytes ? bytes->weights : 0;
}

std::string table_example() {
  return fmt::format("10 million users x 100 x 4 bytes (f32) = {}", format_decimal_bytes(table_of(10'000'000, 100)));
}

std::string index_example() {
  return fmt::format("1 million documents x 768 x 4 bytes = {}, flat", format_decimal_bytes(table_of(1'000'000, 768)));
}

struct Example {
  std::string_view name;
  std::string (*text)();
};
constexpr std::array examples{
    Example{"weights", weights_example},
    Example{"parameters", weights_example},
    Example{"active", active_example},
    Example{"kv_cache", cache_example},
    Example{"kv_q8", quantized_cache_example},
    Example{"gqa", heads_example},
    Example{"mla", latent_example},
    Example{"sliding", sliding_example},
    Example{"state", state_example},
    Example{"roofline", roofline_example},
    Example{"bpw", bits_example},
    Example{"ngl", layers_example},
    Example{"flash", attention_example},
    Example{"ubatch", batch_example},
    Example{"table", table_example},
    Example{"index", index_example},
};

}  // namespace

std::string glossary_example(std::string_view name) {
  const auto* it = std::find_if(examples.begin(), examples.end(), [&](const Example& e) { return e.name == name; });
  return it == examples.end() ? std::string() : it->text();
}

}  // namespace willitrun
