// One entry's JSON into its structure. The embed step has checked types and presence; unknown values stay empty.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "willitrun/catalog_lookup.hpp"

namespace willitrun {
namespace {

using nlohmann::json;

json parse(std::string_view text) {
  auto root = json::parse(text.begin(), text.end(), nullptr, false);
  return root.is_object() ? root : json::object();
}

std::string text(const json& entry, const char* key) {
  const auto it = entry.find(key);
  return it != entry.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::optional<double> number(const json& entry, const char* key) {
  const auto it = entry.find(key);
  return it != entry.end() && it->is_number() ? std::optional(it->get<double>()) : std::nullopt;
}

std::optional<std::uint32_t> count(const json& entry, const char* key) {
  const auto it = entry.find(key);
  if (it == entry.end() || !it->is_number_unsigned() || it->get<std::uint64_t>() > UINT32_MAX) return std::nullopt;
  return it->get<std::uint32_t>();
}

std::vector<std::string> texts(const json& entry, const char* key) {
  std::vector<std::string> out;
  const auto it = entry.find(key);
  if (it == entry.end() || !it->is_array()) return out;
  for (const auto& value : *it)
    if (value.is_string()) out.push_back(value.get<std::string>());
  return out;
}

/// "source", or the list "sources" of {what, source} (or plain strings) in one line.
std::string sources(const json& entry) {
  auto out = text(entry, "source");
  const auto it = entry.find("sources");
  if (it == entry.end() || !it->is_array()) return out;
  for (const auto& value : *it) {
    const auto where = value.is_string() ? value.get<std::string>() : text(value, "source");
    const auto what = value.is_object() ? text(value, "what") : std::string();
    out += fmt::format("{}{}{}{}", out.empty() ? "" : "; ", what, what.empty() ? "" : ": ", where);
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

MetadataValue metadata_value(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number_float()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  std::vector<std::int64_t> list;
  for (const auto& item : value) {
    if (item.is_boolean()) list.push_back(item.get<bool>() ? 1 : 0);
    if (item.is_number_integer()) list.push_back(item.get<std::int64_t>());
  }
  return list;
}

struct Flag {
  const char* key;
  bool OptionalTensors::*field;
};
constexpr std::array flags{
    Flag{"tied_embeddings", &OptionalTensors::tied_embeddings},
    Flag{"attention_bias", &OptionalTensors::attention_bias},
    Flag{"attention_output_bias", &OptionalTensors::attention_output_bias},
    Flag{"ffn_bias", &OptionalTensors::ffn_bias},
    Flag{"qk_norm", &OptionalTensors::qk_norm},
    Flag{"rope_freqs", &OptionalTensors::rope_freqs},
    Flag{"rope_long_short", &OptionalTensors::rope_long_short},
    Flag{"attention_gate", &OptionalTensors::attention_gate},
    Flag{"expert_bias", &OptionalTensors::expert_bias},
    Flag{"second_attention_norm", &OptionalTensors::second_attention_norm},
    Flag{"keys_as_values", &OptionalTensors::keys_as_values},
    Flag{"ssm_norm", &OptionalTensors::ssm_norm},
};

Bytes bytes_of_gib(double gib_count) { return static_cast<Bytes>(std::llround(gib_count * static_cast<double>(gib))); }

}  // namespace

DeviceEntry read_device(std::string_view json_text) {
  const auto entry = parse(json_text);
  DeviceEntry out;
  auto& spec = out.spec;
  spec.id = text(entry, "id");
  spec.name = text(entry, "name");
  spec.product = text(entry, "product");
  spec.vendor = text(entry, "vendor");
  spec.architecture = text(entry, "architecture");
  spec.kind = text(entry, "kind") == "unified" ? DeviceKind::unified : DeviceKind::discrete;
  spec.bandwidth_gb_s = number(entry, "bandwidth_gb_s");
  spec.fp16_matrix_tflops = number(entry, "fp16_matrix_tflops");
  spec.fp16_tflops = number(entry, "fp16_tflops");
  spec.fp32_tflops = number(entry, "fp32_tflops");
  spec.compute_units = count(entry, "compute_units");
  spec.pcie_gb_s = pcie_bandwidth(text(entry, "pcie"));
  spec.memory_type = text(entry, "memory_type");
  spec.bus_width_bits = count(entry, "bus_width_bits");
  spec.compute_capability = text(entry, "compute_capability");
  spec.tdp_w = number(entry, "tdp_w");
  spec.release_year = count(entry, "release_year");
  spec.msrp_usd = number(entry, "msrp_usd");
  spec.source = sources(entry);
  spec.note = text(entry, "note");
  spec.memory_bytes = bytes_of_gib(number(entry, "memory_gib").value_or(0));
  if (const auto options = entry.find("memory_options_gib"); options != entry.end())
    for (const auto& option : *options)
      if (option.is_number()) out.options.push_back(option.get<double>());
  if (!out.options.empty()) spec = with_memory(out, number(entry, "memory_default_gib").value_or(out.options[0]));
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

CpuSpec read_cpu(std::string_view json_text) {
  const auto entry = parse(json_text);
  CpuSpec spec;
  spec.id = text(entry, "id");
  spec.name = text(entry, "name");
  spec.memory_type = text(entry, "memory_type");
  spec.channels = count(entry, "channels");
  spec.bandwidth_gb_s = number(entry, "bandwidth_gb_s");
  spec.measured_bandwidth_gb_s = number(entry, "measured_bandwidth_gb_s");
  spec.cores = count(entry, "cores");
  spec.source = sources(entry);
  spec.note = text(entry, "note");
  return spec;
}

ModelEntry read_model(std::string_view json_text) {
  const auto entry = parse(json_text);
  ModelEntry out;
  out.id = text(entry, "id");
  out.name = text(entry, "name");
  out.family = text(entry, "family");
  out.hf_id = text(entry, "hf_id");
  out.ollama = text(entry, "ollama");
  out.license = text(entry, "license");
  out.released = text(entry, "released");
  out.task = text(entry, "task");
  out.native_quant = text(entry, "native_quant");
  out.source = sources(entry);
  out.note = text(entry, "note");
  out.aliases = texts(entry, "aliases");
  out.architecture = text(entry, "architecture");
  if (const auto it = entry.find("parameters"); it != entry.end() && it->is_number_unsigned())
    out.parameters = it->get<std::uint64_t>();
  if (const auto it = entry.find("hparams"); it != entry.end() && it->is_object())
    for (const auto& [key, value] : it->items())
      if (value.is_primitive() || value.is_array()) out.hparams.set(key, metadata_value(value));
  if (const auto it = entry.find("optional"); it != entry.end() && it->is_object())
    for (const auto& flag : flags) out.optional.*flag.field = it->value(flag.key, json(false)) == json(true);
  return out;
}

}  // namespace willitrun
