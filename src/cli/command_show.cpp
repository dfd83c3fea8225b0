#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/terminal.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/catalog_tables.hpp"
#include "willitrun/footprint.hpp"
#include "willitrun/quant.hpp"

namespace willitrun::cli {
namespace {

constexpr Bytes bytes_per_f16 = 2;

/// Label and value, aligned; nothing for what is not known.
std::string line(std::string_view label, const std::string& value) {
  return value.empty() ? std::string() : fmt::format("  {:<18} {}\n", label, value);
}

template <class T>
std::string number(const std::optional<T>& value, std::string_view unit) {
  return value ? fmt::format("{:g} {}", static_cast<double>(*value), unit) : std::string();
}

/// Sizes a person compares: the common presets, and what a thousand tokens of context cost.
Result<std::string> sizes(const Model& model) {
  std::string out;
  for (const auto id : {"f16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "iq4_xs", "q3_k_m", "q2_k"}) {
    const auto preset = find_quant(id);
    if (!preset) return preset.error();
    auto quantized = model;
    apply_quant(*preset, quantized.spec, quantized.tensors);
    out += line(preset->name, format_bytes(weigh(quantized).file_bytes));
  }
  ContextParams shorter, longer;
  shorter.n_ctx = 8192;
  longer.n_ctx = 8192 + 1024;
  const auto total = [&](const ContextParams& p) {
    LayerCache sum;
    for (const auto& c : layer_caches(model.spec, p, resolve_context(model.spec, p))) {
      sum.kv_host += c.kv_host;
      sum.state_host += c.state_host;
    }
    return sum;
  };
  const auto few = total(shorter), many = total(longer);
  if (many.kv_host > few.kv_host)
    out += line("cache per 1k", fmt::format("{} (f16, from 8k on)", format_bytes(many.kv_host - few.kv_host)));
  if (few.state_host > 0) out += line("state", fmt::format("{} per sequence", format_bytes(few.state_host)));
  return out;
}

/// A fine-tune's own names and source, with what it shares with the entry.
Result<std::string> describe(const Found<ModelEntry>& found) {
  const auto& entry = found.entry;
  const auto& tune = found.fine_tune;
  const auto model = model_from_entry(entry);
  if (!model) return model.error();
  const auto& s = model->spec;
  auto out = tune ? fmt::format("{}  (shapes as {})\n", tune->name, entry.id)
                  : fmt::format("{}  ({})\n", entry.name, entry.id);
  out += line("Hugging Face", tune ? tune->hf_id : entry.hf_id) + line("Ollama", tune ? tune->ollama : entry.ollama);
  out += line("architecture", entry.architecture);
  const auto active =
      entry.active_parameters > 0 ? fmt::format(", {} active per token", format_grouped(entry.active_parameters)) : "";
  out += line("parameters", format_grouped(weigh(*model).parameters) + active);
  if (const auto n = entry.vision_parameters; n > 0)
    out += line("vision projector", fmt::format("{} parameters, {} at F16 (mmproj, a file of its own)",
                                                format_grouped(n), format_bytes(n * bytes_per_f16)));
  if (!tune) out += line("licence", entry.license) + line("released", entry.released);
  out += line("published as", entry.native_quant);
  out += line("layers", fmt::format("{}", s.n_layer)) + line("context", format_grouped(s.n_ctx_train));
  out += line("embedding", fmt::format("{}", s.n_embd)) + line("vocabulary", format_grouped(s.n_vocab));
  if (s.n_head.max() > 0)
    out +=
        line("heads", fmt::format("{} query, {} key/value, {} wide", s.n_head.max(), s.n_head_kv.max(), s.head_dim_k));
  if (s.is_moe()) out += line("experts", fmt::format("{}, {} used per token", s.n_expert, s.n_expert_used));
  if (s.n_swa > 0) out += line("sliding window", format_grouped(s.n_swa));
  const auto table = sizes(*model);
  if (!table) return table.error();
  if (tune) out += *table + line("source", tune->source) + line("of the shapes", entry.source);
  return tune ? out : out + *table + line("source", entry.source) + line("note", entry.note);
}

std::string describe(const DeviceSpec& d) {
  std::string out = fmt::format("{}  ({})\n", d.name, d.id);
  out += line("vendor", d.vendor) + line("architecture", d.architecture);
  out +=
      line("memory", d.memory_bytes == 0 ? "as installed" : format_bytes(d.memory_bytes)) + line("type", d.memory_type);
  out += line("bus", number(d.bus_width_bits, "bit")) + line("bandwidth", number(d.bandwidth_gb_s, "GB/s"));
  out += line("f16 matrix", number(d.fp16_matrix_tflops, "TFLOP/s")) + line("f16", number(d.fp16_tflops, "TFLOP/s"));
  out += line("f32", number(d.fp32_tflops, "TFLOP/s")) + line("power", number(d.tdp_w, "W"));
  out += line("released", d.release_year ? fmt::format("{}", *d.release_year) : "");
  return out + line("source", d.source) + line("note", d.note);
}

std::string describe(const CpuSpec& c) {
  std::string out = fmt::format("{}  ({})\n", c.name, c.id);
  out += line("memory", c.memory_type) + line("channels", number(c.channels, "x 64 bit"));
  out += line("bandwidth", number(c.bandwidth_gb_s, "GB/s, theoretical"));
  out += line("measured", number(c.measured_bandwidth_gb_s, "GB/s"));
  const auto efficient = c.efficient_cores ? fmt::format(", {} of them efficient", *c.efficient_cores) : std::string();
  out += line("cores", c.cores ? fmt::format("{}{}", *c.cores, efficient) : std::string());
  out += line("base clock", number(c.base_ghz, "GHz")) + line("boost clock", number(c.boost_ghz, "GHz"));
  out += line("vectors", c.vector_extension);
  return out + line("source", c.source) + line("note", c.note);
}

/// The entry as its catalog file has it, in a file that --catalog takes. A size of a chip sold with several is part of
/// the chip's entry: its id begins with the entry's.
std::string as_catalog(std::string_view schema, std::string_view list, const catalog_data::Table& table,
                       std::string_view id) {
  const catalog_data::Entry* found = nullptr;
  for (const auto& entry : table.entries) {
    const std::string_view own = entry.id;
    const bool sized = id.starts_with(own) && (id.size() == own.size() || id[own.size()] == '-');
    if (sized && (found == nullptr || own.size() > std::string_view(found->id).size())) found = &entry;
  }
  if (found == nullptr) return {};
  return fmt::format("{{\"schema\":\"{}\",\"{}\":[{}]}}\n", schema, list,
                     std::string_view(found->json, found->json_size));
}

}  // namespace

int run_show(const Invocation& invocation) {
  const auto format = chosen_format(invocation.options, {"text", "json"});
  if (!format) return fail(format.error(), invocation.options);
  const bool json = *format == "json";
  const auto& name = invocation.subject;
  const auto print = [](const std::string& text) { return write_output(text) ? 0 : exit_output; };
  const auto& tables = catalog_tables();
  const auto model = find_model(name);
  if (model) {
    if (json) return print(as_catalog("willitrun.models/1", "models", tables.models, model->entry.id));
    const auto text = describe(*model);
    return text ? print(*text) : fail(text.error(), invocation.options);
  }
  const auto device = find_device(name);
  const auto hardware = [&](const catalog_data::Table& table, std::string_view id) {
    return print(as_catalog("willitrun.hardware/1", "devices", table, id));
  };
  if (device) return json ? hardware(tables.devices, device->entry.id) : print(describe(device->entry));
  const auto cpu = find_cpu(name);
  if (cpu) return json ? hardware(tables.cpus, cpu->id) : print(describe(*cpu));
  for (const auto* error : {&model.error(), &device.error(), &cpu.error()})
    if (!error->suggestions.empty()) return fail(*error, invocation.options);
  return fail(
      Error{"unknown_name",
            fmt::format("no model, GPU or processor is named '{}'; `willitrun list models|gpus|cpus` shows all", name)},
      invocation.options);
}

}  // namespace willitrun::cli
