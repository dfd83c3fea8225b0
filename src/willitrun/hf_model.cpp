#include "willitrun/hf_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "willitrun/architecture.hpp"
#include "willitrun/file_type.hpp"
#include "willitrun/hf_config.hpp"
#include "willitrun/hf_tensors.hpp"
#include "willitrun/quant.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

constexpr Bytes max_bytes = Bytes{1} << 56;  // beyond any model; sums below stay within 64 bits

Error bad_file(std::string_view what, std::string_view message) {
  return Error{"bad_file", fmt::format("{}: {}", what, message)};
}

std::optional<Error> check_shards(const std::vector<SafetensorsHeader>& shards, std::string_view what) {
  std::set<std::string_view> names;
  Bytes sum = 0;
  for (const auto& shard : shards) {
    sum = shard.data_bytes > max_bytes ? max_bytes + 1 : sum + shard.data_bytes;
    if (sum > max_bytes) return bad_file(what, "claims more than 2^56 bytes of tensors");
    for (const auto& tensor : shard.tensors)
      if (!names.insert(tensor.name).second)
        return bad_file(what, fmt::format("tensor {} is in two files", in_quotes(tensor.name)));
  }
  if (names.empty()) return bad_file(what, "its .safetensors files have no tensors");
  return std::nullopt;
}

/// Layers that the config states and the files have, none beyond.
std::optional<Error> check_layers(const std::vector<TensorInfo>& tensors, const HfConfig& config,
                                  std::string_view what) {
  const auto n_layer = config.n_layer + config.n_nextn;
  std::vector<bool> seen(std::min<std::uint64_t>(config.n_layer, 512), false);
  for (const auto& tensor : tensors) {
    if (tensor.layer < 0 || tensor.layer == layer_not_loaded) continue;
    const auto layer = static_cast<std::uint64_t>(tensor.layer);
    if (layer >= n_layer)
      return bad_file(what, fmt::format("tensor {} lies in layer {}, but config.json's num_hidden_layers is {}",
                                        in_quotes(tensor.name), layer, config.n_layer));
    if (layer < seen.size()) seen[layer] = true;
  }
  const auto empty = std::find(seen.begin(), seen.end(), false);
  if (empty == seen.end()) return std::nullopt;
  return bad_file(
      what, fmt::format("config.json's num_hidden_layers is {}, but layer {} has no tensors; are all shards here?",
                        config.n_layer, empty - seen.begin()));
}

std::optional<Error> check_embedding(ModelSpec& spec, const std::vector<TensorInfo>& tensors, bool quantized,
                                     std::string_view what) {
  const auto embedding =
      std::find_if(tensors.begin(), tensors.end(), [](const TensorInfo& t) { return t.name == "token_embd.weight"; });
  if (embedding == tensors.end() || quantized) return std::nullopt;
  const auto [width, rows, depth, rest] = embedding->shape;
  if (width != spec.n_embd)
    return bad_file(
        what, fmt::format("the token embedding is {} wide, but config.json's hidden_size is {}", width, spec.n_embd));
  spec.n_vocab = rows;
  return std::nullopt;
}

std::uint64_t elements_of(const std::vector<TensorInfo>& tensors, std::uint32_t n_layer) {
  std::uint64_t sum = 0;
  for (const auto& tensor : tensors)
    if (tensor.layer < static_cast<std::int32_t>(n_layer) && !is_tower(tensor.name))
      sum += element_count(tensor.shape).value_or(0);
  return sum;
}

/// Elements of packed tensors, where no inventory says: quantised weights come as whole words of several.
std::uint64_t unpacked_elements(const std::vector<TensorInfo>& tensors, const HfQuantization& quantization) {
  std::uint64_t sum = 0;
  for (const auto& tensor : tensors) {
    const bool scale =
        tensor.name.find("scale") != std::string::npos || tensor.name.find("qzeros") != std::string::npos ||
        tensor.name.find("g_idx") != std::string::npos || tensor.name.find("absmax") != std::string::npos ||
        tensor.name.find("quant_map") != std::string::npos;
    if (scale) continue;
    const bool packed = quantization.bits > 0 && quantization.bits < 8 &&
                        (tensor.type == TensorType::i32 || tensor.type == TensorType::i8);
    sum += packed ? tensor.bytes() * 8 / quantization.bits : element_count(tensor.shape).value_or(0);
  }
  return sum;
}

/// The model as llama.cpp's conversion leaves it, or no tensors when it has none for this architecture.
std::optional<Error> add_convertible(HfModel& out, const ModelSpec& spec, std::string_view what) {
  auto tensors = tensor_inventory(spec);
  if (!tensors) return bad_file(what, fmt::format("config.json: {}", tensors.error().message));
  out.convertible.spec = spec;
  out.convertible.source = what;
  out.convertible.tensors = *std::move(tensors);
  for (const auto& tensor : out.convertible.tensors)
    out.convertible.parameters += element_count(tensor.shape).value_or(0);
  return std::nullopt;
}

void note_towers(HfModel& out) {
  Bytes bytes = 0;
  for (const auto& tensor : out.model.stored)
    if (is_tower(tensor.name)) bytes += tensor.bytes();
  if (bytes > 0)
    out.notes.push_back(
        {"tower", fmt::format("{} of vision or audio encoder are counted with the weights; a conversion "
                              "for llama.cpp keeps them in a file of their own",
                              format_bytes(bytes))});
}

/// The tensors that the config's shapes call for against those that are there; a wrong reading of either shows here.
void note_difference(HfModel& out, const ModelSpec& spec) {
  if (out.quantized) return;
  const auto there = elements_of(out.model.stored, spec.n_layer), expected = out.convertible.parameters;
  const auto apart = there > expected ? there - expected : expected - there;
  if (apart > expected / 100)
    out.notes.push_back(
        {"shapes_differ", fmt::format("config.json's shapes make {} parameters, the files have {}: cache and compute "
                                      "follow the former, weights the latter",
                                      format_grouped(expected), format_grouped(there))});
}

std::string upper_type(const std::vector<TensorInfo>& tensors) {
  auto name = type_mix({}, tensors);
  return name.substr(0, name.find(' '));
}

std::string folder_name(std::string_view what) {
  while (what.ends_with("/")) what.remove_suffix(1);
  return std::string(what.substr(what.find_last_of("/\\") + 1));
}

Result<ModelSpec> spec_of(const HfConfig& config, const std::vector<TensorInfo>& tensors, std::string_view what) {
  auto spec = spec_from_metadata(config.metadata, config.architecture, "");
  if (!spec) return bad_file(what, fmt::format("config.json: {}", spec.error().message));
  spec->id = folder_name(what);
  spec->name = spec->id;
  spec->optional = optional_from_hf(tensors);
  spec->optional.tied_embeddings = (spec->optional.tied_embeddings || config.tied_embeddings) && !spec->headless;
  spec->optional.keys_as_values = config.keys_as_values;
  spec->optional.rope_freqs = config.rope_freqs;
  spec->optional.rope_long_short = config.rope_long_short;
  return spec;
}

}  // namespace

Result<HfModel> model_from_hf(std::string_view config_json, const std::vector<SafetensorsHeader>& shards,
                              std::string_view what) {
  const auto config = parse_hf_config(config_json, fmt::format("{}/config.json", what));
  if (!config) return config.error();
  if (auto error = check_shards(shards, what)) return *error;
  HfModel out;
  auto& model = out.model;
  model.stored = placed_tensors(shards);
  if (auto error = check_layers(model.stored, *config, what)) return *error;
  auto spec = spec_of(*config, model.stored, what);
  if (!spec) return spec.error();
  out.quantized = !config->quantization.method.empty();
  if (auto error = check_embedding(*spec, model.stored, out.quantized, what)) return *error;

  model.source = what;
  model.generic = !config->known;
  model.spec = *spec;
  out.quant_name = out.quantized ? config->quantization.name : upper_type(model.stored);
  out.quant_id = out.quantized ? config->quantization.preset : out.quant_name;
  std::transform(out.quant_id.begin(), out.quant_id.end(), out.quant_id.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  model.quant = out.quant_name;
  if (model.generic) {
    model.tensors = model.stored;
    model.parameters = unpacked_elements(model.stored, config->quantization);
  } else {
    if (auto error = add_convertible(out, *spec, what)) return *error;
    model.tensors = out.convertible.tensors;
    if (const auto preset = find_quant(out.quant_id); preset && !out.quant_id.empty())
      apply_quant(*preset, model.spec, model.tensors);
    model.parameters = out.quantized ? out.convertible.parameters : elements_of(model.stored, layer_not_loaded + 1);
    note_difference(out, *spec);
  }
  if (!out.quantized)
    for (const auto& tensor : model.stored)
      if (is_tower(tensor.name) && !model.generic) model.parameters += element_count(tensor.shape).value_or(0);
  note_towers(out);
  return out;
}

}  // namespace willitrun
