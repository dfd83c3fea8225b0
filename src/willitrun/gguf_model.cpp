// A model from the headers of its files: shards joined, keys held against tensors.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>

#include "willitrun/architecture.hpp"
#include "willitrun/file_type.hpp"
#include "willitrun/gguf.hpp"
#include "willitrun/optional_tensors.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

constexpr std::string_view embedding_name = "token_embd.weight";

Error bad_file(std::string_view what, std::string_view message) {
  return Error{"bad_file", fmt::format("{}: {}", what, message)};
}

std::string shard_list(const std::set<std::uint32_t>& numbers) {
  std::string out;
  std::size_t shown = 0;
  for (const auto number : numbers) {
    if (shown == 5) return fmt::format("{} and {} more", out, numbers.size() - shown);
    out += fmt::format("{}{}", out.empty() ? "" : ", ", number + 1);
    ++shown;
  }
  return out;
}

// All shards of one split, each once.
std::optional<Error> check_shards(const std::vector<GgufHeader>& shards, std::string_view what) {
  if (shards.empty()) return bad_file(what, "no shards");
  const auto count = shards.front().split_count;
  std::set<std::uint32_t> missing;
  for (std::uint32_t i = 0; i < count; ++i) missing.insert(i);
  for (const auto& shard : shards) {
    if (shard.split_count != count)
      return bad_file(what, fmt::format("shards of different models: one says it is one of {}, another one of {}",
                                        count, shard.split_count));
    if (missing.erase(shard.split_no) == 0)
      return bad_file(what, count == 1 ? "several whole models, not shards of one"
                                       : fmt::format("shard {} of {} is there twice", shard.split_no + 1, count));
  }
  if (!missing.empty())
    return bad_file(what, fmt::format("{} of {} shards {} missing: {}", missing.size(), count,
                                      missing.size() == 1 ? "is" : "are", shard_list(missing)));
  return std::nullopt;
}

// llama-gguf-split writes the total to every shard, and all other keys to the first alone.
std::optional<Error> check_shard_keys(const std::vector<GgufHeader>& shards, std::size_t n_tensors,
                                      std::string_view what) {
  const auto architecture = shards.front().metadata.text("general.architecture");
  for (const auto& shard : shards) {
    const auto other = shard.metadata.text("general.architecture");
    if (other && other != architecture)
      return bad_file(what, fmt::format("shards of different models: architecture {} in one, {} in another",
                                        in_quotes(architecture.value_or("")), in_quotes(*other)));
    const auto total = shard.metadata.count("split.tensors.count");
    if (shard.split_count > 1 && total && *total != n_tensors)
      return bad_file(what, fmt::format("shard {} says the model has {} tensors, but the {} shards have {}",
                                        shard.split_no + 1, *total, shard.split_count, n_tensors));
  }
  return std::nullopt;
}

Result<GgufHeader> merged(std::vector<GgufHeader> shards, std::string_view what) {
  if (auto error = check_shards(shards, what)) return *error;
  std::sort(shards.begin(), shards.end(),
            [](const GgufHeader& a, const GgufHeader& b) { return a.split_no < b.split_no; });
  const auto n_tensors =
      std::accumulate(shards.begin(), shards.end(), std::size_t{0},
                      [](std::size_t sum, const GgufHeader& shard) { return sum + shard.tensors.size(); });
  if (auto error = check_shard_keys(shards, n_tensors, what)) return *error;
  auto whole = std::move(shards.front());
  for (auto shard = shards.begin() + 1; shard != shards.end(); ++shard)
    std::move(shard->tensors.begin(), shard->tensors.end(), std::back_inserter(whole.tensors));
  return whole;
}

using TensorsByName = std::map<std::string_view, const TensorInfo*>;

Result<TensorsByName> by_name(const std::vector<TensorInfo>& tensors, std::string_view what) {
  TensorsByName out;
  for (const auto& tensor : tensors)
    if (!out.emplace(tensor.name, &tensor).second)
      return bad_file(what, fmt::format("tensor {} is in two shards", in_quotes(tensor.name)));
  return out;
}

const TensorInfo* find(const TensorsByName& tensors, std::string_view name) {
  const auto it = tensors.find(name);
  return it == tensors.end() ? nullptr : it->second;
}

// Layers that have keys but neither values nor a fused projection.
bool keys_serve_as_values(const TensorsByName& tensors) {
  constexpr std::string_view ending = ".attn_k.weight";
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& entry) {
    const auto name = entry.first;
    return name.starts_with("blk.") && name.ends_with(ending) &&
           find(tensors, fmt::format("{}.attn_v.weight", name.substr(0, name.size() - ending.size()))) == nullptr;
  });
}

OptionalTensors optional_from_names(const TensorsByName& tensors, const ModelSpec& spec) {
  OptionalTensors out;
  for (const auto& [name, tensor] : tensors)
    for (const auto& optional : optional_tensors)
      for (const auto ending : optional.tensor_endings)
        if (!ending.empty() && name.ends_with(ending)) out.*optional.field = true;
  out.tied_embeddings = !spec.headless && find(tensors, "output.weight") == nullptr;
  out.keys_as_values = keys_serve_as_values(tensors);
  out.nextn_without_tables =
      spec.n_layer_nextn > 0 && std::none_of(tensors.begin(), tensors.end(), [](const auto& entry) {
        return entry.first.ends_with(".nextn.embed_tokens.weight");
      });
  return out;
}

std::int32_t last_layer(const std::vector<TensorInfo>& tensors) {
  std::int32_t last = -1;
  for (const auto& tensor : tensors)
    if (tensor.name.starts_with("blk.")) last = std::max(last, tensor.layer);
  return last;
}

// Keys that a family nobody knows may lack, as its tensors show them.
Metadata with_shapes(Metadata metadata, const std::string& prefix, const Model& model, const TensorsByName& tensors) {
  const auto add = [&](std::string_view key, std::uint64_t value) {
    const auto name = fmt::format("{}{}", prefix, key);
    if (metadata.find(name) == nullptr) metadata.set(name, value);
  };
  add("block_count", static_cast<std::uint64_t>(std::max(1, last_layer(model.tensors) + 1)));
  if (const auto* embedding = find(tensors, embedding_name)) add("embedding_length", embedding->shape[0]);
  return metadata;
}

std::optional<Error> check_embedding(ModelSpec& spec, const GgufHeader& header, const TensorsByName& tensors,
                                     std::string_view what) {
  const auto* embedding = find(tensors, embedding_name);
  const auto tokens = header.array_sizes.find("tokenizer.ggml.tokens");
  const bool has_tokens = tokens != header.array_sizes.end();
  if (embedding == nullptr) {
    if (spec.n_vocab == 0 && has_tokens) spec.n_vocab = tokens->second;
    return std::nullopt;
  }
  const auto [width, rows, depth, rest] = embedding->shape;
  if (width != spec.n_embd)
    return bad_file(what, fmt::format("token_embd.weight is {} wide, but {}.embedding_length is {}", width,
                                      spec.architecture, spec.n_embd));
  // The tokenizer's list rules where there is one: llama.cpp then ignores vocab_size, which some conversions get wrong.
  if (has_tokens && tokens->second != rows)
    return bad_file(what, fmt::format("token_embd.weight has {} rows, but tokenizer.ggml.tokens has {} tokens", rows,
                                      tokens->second));
  if (!has_tokens && spec.n_vocab != 0 && spec.n_vocab != rows)
    return bad_file(what, fmt::format("token_embd.weight has {} rows, but {}.vocab_size is {}", rows, spec.architecture,
                                      spec.n_vocab));
  spec.n_vocab = rows;
  return std::nullopt;
}

std::optional<Error> check_layers(const Model& model, std::string_view what) {
  const auto& spec = model.spec;
  std::vector<bool> seen(spec.n_layer, false);
  for (const auto& tensor : model.tensors) {
    if (!tensor.name.starts_with("blk.") || tensor.layer < 0) continue;
    const auto layer = static_cast<std::uint32_t>(tensor.layer);
    if (layer >= spec.n_layer)
      return bad_file(what, fmt::format("tensor {} lies in layer {}, but {}.block_count is {}", in_quotes(tensor.name),
                                        layer, spec.architecture, spec.n_layer));
    seen[layer] = true;
    if (spec.n_head.max() == 0 && tensor.name.find(".attn_k") != std::string::npos)
      return bad_file(what, fmt::format("{}.attention.head_count is missing or 0, but tensor {} is there",
                                        spec.architecture, in_quotes(tensor.name)));
  }
  if (model.generic) return std::nullopt;
  const auto trunk = seen.begin() + spec.n_layer_trunk();
  const auto empty = std::find(seen.begin(), trunk, false);
  if (empty == trunk) return std::nullopt;
  return bad_file(what, fmt::format("{}.block_count is {}, but layer {} has no tensors", spec.architecture,
                                    spec.n_layer, empty - seen.begin()));
}

// "dir/llama-q4-00001-of-00003.gguf" -> "llama-q4"
std::string stem(std::string_view what) {
  what.remove_prefix(what.find_last_of("/\\") + 1);
  if (what.ends_with(".gguf")) what.remove_suffix(5);
  constexpr std::string_view shard = "-00001-of-00003";
  if (what.size() > shard.size()) {
    const auto tail = what.substr(what.size() - shard.size());
    if (tail.substr(6, 4) == "-of-" && tail[0] == '-') what.remove_suffix(shard.size());
  }
  return std::string(what);
}

std::optional<Error> place_tensors(Model& model, const std::string& architecture, std::string_view what) {
  for (auto& tensor : model.tensors) {
    tensor.layer = tensor_layer(tensor.name, architecture);
    tensor.place = tensor_place(tensor.name, architecture);
    tensor.routed_expert = is_routed_expert(tensor.name);
    const auto sum = checked_add(model.parameters, element_count(tensor.shape).value_or(UINT64_MAX));
    if (!sum) return bad_file(what, "has more than 2^64 parameters");
    model.parameters = *sum;
  }
  return std::nullopt;
}

}  // namespace

Result<Model> model_from_gguf(std::vector<GgufHeader> shards, std::string_view what) {
  auto header = merged(std::move(shards), what);
  if (!header) return header.error();
  const auto architecture = header->metadata.text("general.architecture");
  if (!architecture || architecture->empty()) return bad_file(what, "general.architecture is missing or not text");
  if (header->tensors.empty()) return bad_file(what, "has no tensors");

  Model model;
  model.tensors = std::move(header->tensors);
  model.source = what;
  model.generic = !is_known_architecture(*architecture);
  if (auto error = place_tensors(model, *architecture, what)) return *error;
  const auto tensors = by_name(model.tensors, what);
  if (!tensors) return tensors.error();

  const auto prefix = *architecture + ".";
  auto spec = model.generic
                  ? spec_from_metadata(with_shapes(header->metadata, prefix, model, *tensors), *architecture, prefix)
                  : spec_from_metadata(header->metadata, *architecture, prefix);
  if (!spec) return bad_file(what, spec.error().message);
  model.spec = std::move(*spec);
  model.spec.id = stem(what);
  model.spec.name = header->metadata.text("general.name").value_or(model.spec.id);
  model.spec.optional = optional_from_names(*tensors, model.spec);
  model.quant = type_mix(header->metadata, model.tensors);
  if (auto error = check_embedding(model.spec, *header, *tensors, what)) return *error;
  if (auto error = check_layers(model, what)) return *error;
  if (const auto error = check_needed_keys(model.spec)) return bad_file(what, error->message);
  return model;
}

}  // namespace willitrun
