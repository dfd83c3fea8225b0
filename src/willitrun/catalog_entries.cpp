// One entry's JSON into its structure: the same reader for embedded entries, which a test holds free of problems, and
// for files given at run time. Values not stated stay empty.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "willitrun/catalog_lookup.hpp"
#include "willitrun/json_fields.hpp"
#include "willitrun/json_model.hpp"
#include "willitrun/name_match.hpp"
#include "willitrun/suggest.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

using Problems = std::vector<Error>;

constexpr std::array<std::string_view, 6> vendors{"nvidia", "amd", "intel", "apple", "qualcomm", "other"};
constexpr std::array<std::string_view, 2> device_kinds{"discrete", "unified"};
constexpr std::array<std::string_view, 6> vector_extensions{"sse", "avx", "avx2", "avx512", "neon", "apple-amx"};
constexpr std::array<std::string_view, 4> tasks{"text-generation", "embedding", "speech-recognition", "text-to-speech"};
constexpr std::array<std::string_view, 7> native_quants{"f32", "f16", "bf16", "fp8", "int4", "mxfp4", "tq2_0"};
constexpr std::array<std::string_view, 3> usual_quants{"f16", "q8_0", "q4_0"};  // of ollama_quant too

std::string required_text(JsonFields& fields, std::string_view key) {
  const auto value = fields.required(key);
  if (!value) return {};
  auto text = fields.take(value->text());
  if (value->is(JsonKind::text) && text.empty()) fields.keep(value->error("must not be empty"));
  return text;
}

std::string id_of(JsonFields& fields) {
  auto id = required_text(fields, "id");
  const bool good = id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string::npos &&
                    !id.starts_with('.') && !id.starts_with('_') && !id.starts_with('-');
  if (const auto value = fields.optional("id"); value && !good)
    fields.keep(value->mismatch("lower-case letters, digits, '.', '_' and '-', a letter or digit first"));
  return id;
}

std::string one_of(JsonFields& fields, const std::optional<JsonValue>& value,
                   std::span<const std::string_view> choices) {
  if (!value) return {};
  auto text = fields.take(value->text());
  if (!value->is(JsonKind::text) || std::find(choices.begin(), choices.end(), text) != choices.end()) return text;
  const auto near = nearest(text, choices);
  fields.keep(value->error(
      fmt::format("must be one of {}, is {}{}", fmt::join(choices, ", "), in_quotes(text), did_you_mean(near))));
  return text;
}

std::optional<double> number(JsonFields& fields, std::string_view key, double low, double high) {
  const auto value = fields.optional(key);
  if (!value) return std::nullopt;
  const auto figure = value->number();
  if (figure && *figure >= low && *figure <= high) return *figure;
  fields.keep(value->mismatch(fmt::format("a number from {} to {}", low, high)));
  return std::nullopt;
}

std::optional<std::uint32_t> count(JsonFields& fields, std::string_view key, std::uint32_t low, std::uint32_t high) {
  const auto value = fields.count(key, low, high, 0);
  return value == 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(value));
}

std::vector<std::string> aliases_of(JsonFields& fields) {
  std::vector<std::string> out;
  const auto list = fields.optional("aliases");
  if (!list) return out;
  if (!list->is(JsonKind::array)) fields.keep(list->mismatch("a list of names"));
  for (const auto& item : list->children()) {
    auto text = item.text();
    if (!text)
      fields.keep(text.error());
    else if (name_words(*text).empty())
      fields.keep(item.error("a name needs a letter or digit"));
    else
      out.push_back(*std::move(text));
  }
  return out;
}

/// One of "sources": {what, source}, or plain text.
std::string source_line(const JsonValue& value, Problems& problems) {
  if (value.is(JsonKind::text)) return *value.text();
  JsonFields fields(value);
  const auto what = fields.text("what", "");
  const auto where = required_text(fields, "source");
  for (auto& problem : fields.problems()) problems.push_back(std::move(problem));
  return what.empty() ? where : what + ": " + where;
}

/// "source", or the list "sources", in one line.
std::string sources_of(const JsonValue& entry, JsonFields& fields, Problems& problems) {
  auto out = fields.text("source", "");
  const auto list = fields.optional("sources");
  if (list && !list->is(JsonKind::array)) fields.keep(list->mismatch("a list of sources"));
  if (list)
    for (const auto& value : list->children()) out += (out.empty() ? "" : "; ") + source_line(value, problems);
  if (out.empty() && entry.is(JsonKind::object)) fields.keep(entry.error("'source' is missing"));
  return out;
}

void hand_over(const JsonFields& fields, Problems& problems) {
  for (auto& problem : fields.problems()) problems.push_back(std::move(problem));
}

std::vector<FineTune> fine_tunes_of(JsonFields& entry, Problems& problems) {
  std::vector<FineTune> out;
  const auto list = entry.optional("fine_tunes");
  if (!list) return out;
  if (!list->is(JsonKind::array)) entry.keep(list->mismatch("a list of fine-tunes"));
  for (const auto& value : list->children()) {
    JsonFields fields(value);
    FineTune tune;
    tune.name = required_text(fields, "name");
    tune.hf_id = fields.text("hf_id", "");
    tune.ollama = fields.text("ollama", "");
    tune.aliases = aliases_of(fields);
    tune.ollama_quant = one_of(fields, fields.optional("ollama_quant"), usual_quants);
    tune.usual_quant = one_of(fields, fields.optional("usual_quant"), usual_quants);
    tune.vocab_size = fields.count("vocab_size", 1, UINT32_MAX, 0);
    tune.context_length = fields.count("context_length", 1, UINT32_MAX, 0);
    constexpr std::array<std::string_view, 1> embedding_types{"f16"};
    tune.token_embedding_type = one_of(fields, fields.optional("token_embedding_type"), embedding_types);
    tune.source = required_text(fields, "source");
    hand_over(fields, problems);
    out.push_back(std::move(tune));
  }
  return out;
}

/// GB/s of one lane and direction by PCI Express generation, after line coding (8b/10b up to 2.0, then 128b/130b).
constexpr std::array<double, 7> lane_gb_s{0, 0.25, 0.5, 0.985, 1.969, 3.938, 7.563};

/// "4.0 x16"
std::optional<double> pcie_bandwidth(const std::string& link) {
  const auto lanes_at = link.find('x');
  if (link.size() < 6 || lanes_at == std::string::npos || link[0] < '1' || link[0] > '6') return std::nullopt;
  unsigned lanes = 0;
  for (std::size_t i = lanes_at + 1; i < link.size(); ++i) {
    if (link[i] < '0' || link[i] > '9' || lanes > 16) return std::nullopt;
    lanes = lanes * 10 + static_cast<unsigned>(link[i] - '0');
  }
  return lane_gb_s[static_cast<std::size_t>(link[0] - '0')] * lanes;
}

std::optional<double> link_of(JsonFields& fields) {
  const auto value = fields.optional("pcie");
  if (!value) return std::nullopt;
  const auto speed = pcie_bandwidth(fields.take(value->text()));
  if (!speed && value->is(JsonKind::text)) fields.keep(value->mismatch("a generation and lanes such as \"4.0 x16\""));
  return speed;
}

Bytes bytes_of_gib(double gib_count) { return static_cast<Bytes>(std::llround(gib_count * static_cast<double>(gib))); }

constexpr double least_gib = 0.25, most_gib = 4096;

/// "memory_gib", or "memory_options_gib" with the default among them.
void read_memory(const JsonValue& entry, JsonFields& fields, DeviceEntry& out) {
  const auto one = number(fields, "memory_gib", least_gib, most_gib);
  const auto list = fields.optional("memory_options_gib");
  const auto chosen = number(fields, "memory_default_gib", least_gib, most_gib);
  const bool has_one = fields.optional("memory_gib").has_value();
  if (has_one == list.has_value() && entry.is(JsonKind::object))
    fields.keep(entry.error(has_one ? "has both 'memory_gib' and 'memory_options_gib'"
                                    : "'memory_gib' is missing (or 'memory_options_gib')"));
  out.spec.memory_bytes = bytes_of_gib(one.value_or(0));
  if (!list) return;
  if (!list->is(JsonKind::array) || list->children().empty()) fields.keep(list->mismatch("a list of sizes in GiB"));
  for (const auto& item : list->children()) {
    const auto size = item.number();
    if (size && *size >= least_gib && *size <= most_gib)
      out.options.push_back(*size);
    else
      fields.keep(item.mismatch(fmt::format("a number from {} to {}", least_gib, most_gib)));
  }
  if (!out.options.empty() && std::find(out.options.begin(), out.options.end(), chosen) == out.options.end())
    fields.keep(list->error("'memory_default_gib' is not one of these"));
  if (!out.options.empty() && !has_one) out.spec = with_memory(out, chosen.value_or(out.options[0]));
}

/// A day, month or year.
bool is_date(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-dd";
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (form[i] == '-' ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
  return true;
}

template <class Entry>
Entry read_embedded(std::string_view json, Entry (*read)(const JsonValue&, Problems&)) {
  Problems ignored;
  const auto root = JsonValue::parse(json, "catalog");
  return root ? read(*root, ignored) : Entry();
}

}  // namespace

DeviceEntry read_device(const JsonValue& entry, std::vector<Error>& problems) {
  JsonFields fields(entry);
  DeviceEntry out;
  auto& spec = out.spec;
  spec.id = out.id = id_of(fields);
  spec.name = out.name = required_text(fields, "name");
  spec.product = fields.text("product", spec.id);
  spec.vendor = one_of(fields, fields.required("vendor"), vendors);
  spec.architecture = fields.text("architecture", "");
  const auto kind = one_of(fields, fields.required("kind"), device_kinds);
  spec.kind = kind == "unified" ? DeviceKind::unified : DeviceKind::discrete;
  spec.bandwidth_gb_s = number(fields, "bandwidth_gb_s", 1, 100'000);
  spec.fp16_matrix_tflops = number(fields, "fp16_matrix_tflops", 0.01, 100'000);
  spec.fp16_tflops = number(fields, "fp16_tflops", 0.01, 100'000);
  spec.fp32_tflops = number(fields, "fp32_tflops", 0.01, 100'000);
  spec.compute_units = count(fields, "compute_units", 1, 4096);
  spec.pcie_gb_s = link_of(fields);
  spec.memory_type = fields.text("memory_type", "");
  spec.bus_width_bits = count(fields, "bus_width_bits", 8, 65'536);
  spec.compute_capability = fields.text("compute_capability", "");
  spec.tdp_w = number(fields, "tdp_w", 1, 10'000);
  spec.release_year = count(fields, "release_year", 2006, 2100);
  spec.msrp_usd = number(fields, "msrp_usd", 1, 10'000'000);
  spec.source = sources_of(entry, fields, problems);
  spec.note = fields.text("note", "");
  out.aliases = aliases_of(fields);
  out.default_variant = fields.flag("default_variant", false);
  // On record, without a use here.
  for (const auto* key : {"arch_id", "gfx_id"}) (void)fields.text(key, "");
  (void)number(fields, "data_rate_gbit_s", 0.1, 1000);
  (void)count(fields, "cpu_cores", 1, 4096);
  read_memory(entry, fields, out);
  hand_over(fields, problems);
  return out;
}

DeviceSpec with_memory(const DeviceEntry& entry, double gib_count) {
  auto spec = entry.spec;
  if (entry.options.empty()) return spec;
  // The default size is already in the id and name; options are told apart by their bytes.
  if (spec.memory_bytes != 0) {
    spec.id.resize(spec.id.rfind('-'));
    spec.name.resize(spec.name.rfind(", "));
  }
  spec.memory_bytes = bytes_of_gib(gib_count);
  spec.id += fmt::format("-{}gb", gib_count);
  spec.name += fmt::format(", {} GB", gib_count);
  return spec;
}

CpuEntry read_cpu(const JsonValue& entry, std::vector<Error>& problems) {
  JsonFields fields(entry);
  CpuEntry out;
  auto& spec = out.spec;
  spec.id = id_of(fields);
  spec.name = required_text(fields, "name");
  (void)fields.required("kind");
  spec.memory_type = fields.text("memory_type", "");
  spec.channels = count(fields, "channels", 1, 64);
  spec.bandwidth_gb_s = number(fields, "bandwidth_gb_s", 1, 100'000);
  spec.measured_bandwidth_gb_s = number(fields, "measured_bandwidth_gb_s", 1, 100'000);
  spec.cores = count(fields, "cores", 1, 4096);
  spec.efficient_cores = count(fields, "efficient_cores", 1, 4096);
  spec.base_ghz = number(fields, "base_ghz", 0.1, 20);
  spec.boost_ghz = number(fields, "boost_ghz", 0.1, 20);
  spec.vector_extension = one_of(fields, fields.optional("vector_extension"), vector_extensions);
  spec.source = sources_of(entry, fields, problems);
  spec.note = fields.text("note", "");
  out.aliases = aliases_of(fields);
  hand_over(fields, problems);
  return out;
}

ModelEntry read_model(const JsonValue& entry, std::vector<Error>& problems) {
  JsonFields fields(entry);
  ModelEntry out;
  out.id = id_of(fields);
  out.name = required_text(fields, "name");
  out.family = fields.text("family", "");
  out.hf_id = fields.text("hf_id", "");
  out.ollama = fields.text("ollama", "");
  out.license = fields.text("license", "");
  out.released = fields.text("released", "");
  if (const auto value = fields.optional("released"); value && value->is(JsonKind::text) && !is_date(out.released))
    fields.keep(value->mismatch("a date such as 2026-11 or 2026-11-21"));
  out.task = one_of(fields, fields.optional("task"), tasks);
  out.native_quant = one_of(fields, fields.optional("native_quant"), native_quants);
  out.ollama_quant = one_of(fields, fields.optional("ollama_quant"), usual_quants);
  out.usual_quant = one_of(fields, fields.optional("usual_quant"), usual_quants);
  out.source = sources_of(entry, fields, problems);
  out.note = fields.text("note", "");
  out.aliases = aliases_of(fields);
  out.fine_tunes = fine_tunes_of(fields, problems);
  out.architecture = required_text(fields, "architecture");
  if (const auto total = fields.required("parameters")) out.parameters = fields.take(total->count(1));
  out.active_parameters = fields.count("active_parameters", 1, UINT64_MAX, 0);
  out.vision_parameters = fields.count("vision_parameters", 1, UINT64_MAX, 0);
  if (const auto hparams = fields.required("hparams")) out.hparams = read_metadata(*hparams, problems);
  if (const auto optional = fields.optional("optional")) out.optional = read_optional_tensors(*optional, problems);
  hand_over(fields, problems);
  return out;
}

DeviceEntry read_device(std::string_view json) { return read_embedded<DeviceEntry>(json, &read_device); }
CpuSpec read_cpu(std::string_view json) { return read_embedded<CpuEntry>(json, &read_cpu).spec; }
ModelEntry read_model(std::string_view json) { return read_embedded<ModelEntry>(json, &read_model); }

}  // namespace willitrun
