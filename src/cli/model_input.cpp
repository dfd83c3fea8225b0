#include "cli/model_input.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "cli/input_source.hpp"
#include "cli/model_directory.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/engine_support.hpp"
#include "willitrun/model_spec.hpp"
#include "willitrun/quant.hpp"

namespace willitrun::cli {
namespace {

constexpr std::size_t largest_spec = 16 << 20;

/// vLLM and Transformers load what is published; the others' models are converted first.
bool loads_published(std::string_view engine) { return engine == "vllm" || engine == "transformers"; }

constexpr std::string_view gguf_quant = "q4_k_m";

/// Where neither the user nor the publisher says more: what mlx-lm's conversions and Ollama and LM Studio offer first.
std::string_view usual_quant(std::string_view engine) {
  return loads_published(engine) ? "bf16" : engine == "mlx" ? "mlx-4bit" : gguf_quant;
}

Engine engine_of(const QuantWish& wish) { return find_engine(wish.engine).value_or(Engine::llama_cpp); }

/// A preset that the engine loads. What is wrong with an engine that nobody knows is told elsewhere.
Result<QuantPreset> loaded_preset(const QuantWish& wish, std::string_view text) {
  auto preset = find_quant(text);
  if (!preset || (!wish.engine.empty() && !find_engine(wish.engine))) return preset;
  const auto subject =
      wish.quant ? fmt::format("--quant {}", preset->id) : fmt::format("{} in the model's name", preset->id);
  if (auto e = refused_quant(engine_of(wish), *preset, subject)) return *e;
  return preset;
}

/// Where a model is to be had.
struct Origin {
  std::string ollama, ollama_quant, hf_id;
};
Origin origin_of(const Found<ModelEntry>& found) {
  const auto& entry = found.entry;
  if (!found.retrained.empty()) return {};
  if (const auto& tune = found.fine_tune) return {tune->ollama, tune->ollama_quant, tune->hf_id};
  return {entry.ollama, entry.ollama_quant, entry.hf_id};
}

/// The tag at Ollama, if it holds the preset; the usual one, where it is not known to hold another.
std::string tag_at(const Found<ModelEntry>& found, const QuantPreset& preset) {
  const auto origin = origin_of(found);
  const auto& usual = found.entry.usual_quant;
  const auto held = !origin.ollama_quant.empty()          ? origin.ollama_quant
                    : !usual.empty()                      ? usual
                    : found.entry.native_quant == "mxfp4" ? "mxfp4_moe"
                                                          : std::string(gguf_quant);
  return held == preset.id ? origin.ollama : "";
}

/// The preset to use: as typed, as named along with the model, as the model is published when that is already
/// quantised or loaded so, else the engine's usual one.
Result<QuantPreset> choose_quant(const QuantWish& wish, const Found<ModelEntry>& found,
                                 std::vector<Assumption>& assumptions) {
  const auto& typed = wish.quant;
  if (typed || !found.quant.empty()) {
    auto preset = loaded_preset(wish, typed ? *typed : found.quant);
    if (preset && !preset->instead_of.empty())
      assumptions.push_back({"like_quant", fmt::format("{} taken as {}: its mix differs from file to file",
                                                       preset->instead_of, preset->name)});
    return preset;
  }
  if (const auto native = find_quant(found.entry.native_quant);
      native && loads(engine_of(wish), *native) && (loads_published(wish.engine) || is_block_quantized(native->type))) {
    assumptions.push_back({"native_quant", fmt::format("{}, as it is published", native->name)});
    return native;
  }
  if (const auto origin = origin_of(found); wish.engine == "ollama" && !origin.ollama_quant.empty()) {
    auto held = find_quant(origin.ollama_quant);
    if (held) assumptions.push_back({"default_quant", fmt::format("{}, which {} holds", held->name, origin.ollama)});
    return held;
  }
  const auto usual = usual_quant(wish.engine);
  const bool own = usual == gguf_quant && !found.entry.usual_quant.empty();
  auto preset = find_quant(own ? found.entry.usual_quant : usual);
  if (preset) assumptions.push_back({"default_quant", fmt::format("{}, as no --quant was given", preset->name)});
  return preset;
}

Result<LoadedModel> at_quant(Model unquantized, const QuantPreset& preset) {
  LoadedModel out;
  out.quant_id = preset.id;
  out.quant_name = preset.name;
  auto model = unquantized;
  apply_quant(preset, model.spec, model.tensors);
  out.weighed = weigh_model(std::move(model));
  out.unquantized = std::make_shared<const Model>(std::move(unquantized));
  return out;
}

/// vLLM loads the vision tower and profiles it: 4.4 GiB more than text in a log of Qwen3.8 27B (v0.27.1 on a GB10).
std::string text_only(const QuantWish& wish, std::uint64_t vision_parameters) {
  const auto bytes = format_bytes(2 * vision_parameters);
  return wish.engine == "vllm" ? fmt::format(
                                     "text only (--language-model-only): the vision tower adds {} and up to "
                                     "several GiB of scratch",
                                     bytes)
                               : fmt::format("text only: the vision projector (mmproj) adds {} at F16", bytes);
}

/// gpt-oss as it is published: llama.cpp's preset of that name has eight bits outside the experts.
Model experts_alone_quantized(Model model) {
  for (auto& tensor : model.tensors)
    if (tensor.type == TensorType::q8_0) tensor.type = TensorType::bf16;
  return model;
}

/// Google quantized Gemma's QAT releases with the token embeddings, which serve as output too, left at 16 bits.
Model with_wide_embeddings(Model model) {
  for (auto& tensor : model.tensors)
    if (tensor.name == "token_embd.weight") tensor.type = TensorType::f16;
  return model;
}

/// A JSON model spec: shapes without a file.
Result<LoadedModel> load_spec(const std::string& text, const std::string& path, const QuantWish& wish) {
  auto parsed = parse_model_spec(text, display_name(path));
  if (!parsed) return parsed.error();
  return model_of_spec(std::move(*parsed), wish, display_name(path));
}

/// A model trained from the entry's goes by its own name, and by its own ones in commands.
void pass_as_fine_tune(const Found<ModelEntry>& found, Model& model, std::vector<Assumption>& assumptions) {
  if (!found.retrained.empty())
    assumptions.push_back(
        {"fine_tune", fmt::format("\"{}\" taken to leave the shapes of {}", found.retrained, found.entry.name)});
  if (!found.fine_tune) return;
  assumptions.push_back({"fine_tune", fmt::format("shapes as {}'s", found.entry.name)});
  model.spec.name = found.fine_tune->name;
}

/// "owner/name" as Hugging Face spells it.
bool is_repository(std::string_view name) {
  const auto slash = name.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < name.size() &&
         name.find('/', slash + 1) == std::string_view::npos && name.find_first_of(" :") == std::string_view::npos;
}

/// Where the weights lie at this preset: the repository named, or the model's own.
std::string repository_of(const std::string& name, const Found<ModelEntry>& found, const QuantPreset& preset) {
  const auto native = find_quant(found.entry.native_quant);
  const auto named = find_quant(found.quant);
  if (is_repository(name) && named && named->id == preset.id) return name;
  if (!native || native->id != preset.id) return {};
  return is_repository(name) && found.quant.empty() && !normalize_name(name).ends_with("gguf") ? name
                                                                                               : origin_of(found).hf_id;
}

Result<LoadedModel> load_from_catalog(const std::string& name, const QuantWish& wish) {
  const auto found = find_model(name);
  if (!found) {
    const bool device = found.error().code == "unknown_model" && find_device(name);
    return device
               ? Error{"unknown_model",
                       fmt::format("'{0}' is a GPU: name a model with --gpu '{0}', or try: willitrun fits --gpu '{0}'",
                                   name)}
               : found.error();
  }
  std::vector<Assumption> assumptions;
  const auto preset = choose_quant(wish, *found, assumptions);
  if (!preset) return preset.error();
  auto model = model_from_entry(found->entry);
  if (!model) return model.error();
  pass_as_fine_tune(*found, *model, assumptions);
  auto out = at_quant(std::move(*model), *preset);
  if (!out) return out;
  if (loads_published(wish.engine) && preset->type == TensorType::mxfp4)
    out->weighed = weigh_model(experts_alone_quantized(out->weighed->model));
  if (const auto& tune = found->fine_tune;
      tune && !tune->token_embedding_type.empty() && preset->id == found->entry.usual_quant) {
    out->weighed = weigh_model(with_wide_embeddings(out->weighed->model));
    assumptions.push_back({"token_embedding_type", "token embeddings at F16, as in the files published"});
  }
  if (const auto n = found->entry.vision_parameters; n > 0) {
    assumptions.push_back({"text_only", text_only(wish, n)});
    out->leaves_out_tower = true;
  }
  out->assumptions = std::move(assumptions);
  out->ollama_tag = tag_at(*found, *preset);
  out->published_as = repository_of(name, *found, *preset);
  if (found->fine_tune) out->called = found->fine_tune->name;
  out->embeds = found->entry.task == "embedding";
  return out;
}

/// "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", not downloaded yet: the model it names, and nothing when none is known.
std::optional<LoadedModel> load_by_file_name(const std::string& name, const QuantWish& wish) {
  std::error_code ignored;
  const bool bare = name.ends_with(".gguf") && name.find_first_of("/\\") == std::string::npos;
  if (!bare || std::filesystem::exists(name, ignored) || !find_model(name)) return std::nullopt;
  auto out = load_from_catalog(name, wish);
  if (!out) return std::nullopt;
  out->assumptions.insert(
      out->assumptions.begin(),
      {"file_not_here", fmt::format("{} is not here: the catalog's {}", name, out->weighed->model.spec.name)});
  return std::move(*out);
}

/// "model-00002-of-00003.gguf" names three files. The paths of all, in order; just the one otherwise.
std::vector<std::string> shard_paths(const std::string& path) {
  constexpr std::size_t digits = 5, tail = 2 * digits + 4 + 5;  // "NNNNN-of-NNNNN.gguf"
  const auto all_digits = [](std::string_view text) {
    return text.size() == digits && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (path.size() <= tail) return {path};
  const std::string_view end = std::string_view(path).substr(path.size() - tail);
  const auto count = end.substr(digits + 4, digits);
  if (!all_digits(end.substr(0, digits)) || end.substr(digits, 4) != "-of-" || !all_digits(count)) return {path};
  std::vector<std::string> out;
  const auto stem = path.substr(0, path.size() - tail);
  for (int i = 1; i <= std::stoi(std::string(count)); ++i)
    out.push_back(fmt::format("{}{:05}-of-{}.gguf", stem, i, count));
  return out;
}

/// A file that ends inside its tensor data is either a header cut off on purpose or a download cut off.
void note_missing_data(const InputSource& source, const GgufHeader& header, const std::string& path, LoadedModel& out) {
  if (!source.size || *source.size >= header.data_offset + header.data_bytes) return;
  out.warnings.push_back(
      {"file_incomplete", fmt::format("{}: holds {} of {} of tensor data; sizes are the header's", path,
                                      format_bytes(*source.size - std::min(*source.size, header.data_offset)),
                                      format_bytes(header.data_bytes))});
}

Result<LoadedModel> load_gguf(const std::string& path, InputSource first) {
  LoadedModel out;
  std::vector<GgufHeader> shards;
  for (const auto& shard : shard_paths(path)) {
    auto source = shard == path ? Result<InputSource>(std::move(first)) : open_input(shard);
    if (!source) return source.error();
    auto header = read_gguf(source->read, display_name(shard));
    if (!header) return header.error();
    note_missing_data(*source, *header, display_name(shard), out);
    shards.push_back(std::move(*header));
  }
  auto model = model_from_gguf(std::move(shards), display_name(path));
  if (!model) return model.error();
  out.quant_name = model->quant;
  out.quant_id = model->quant;
  out.file = path;
  out.weighed = weigh_model(std::move(*model));
  return out;
}

Result<LoadedModel> load_file(const std::string& path, const QuantWish& wish) {
  auto source = open_input(path);
  if (!source) return source.error();
  if (path.ends_with(".json") || source->head.find_first_of("{[/ \t\r\n") == 0) {
    const auto text = read_all(*source, largest_spec, display_name(path));
    if (!text) return text.error();
    return load_spec(*text, path, wish);
  }
  if (wish.quant)
    return Error{"contradiction", fmt::format("--quant {}: {} is stored in types of its own; name the model instead",
                                              *wish.quant, display_name(path))};
  if (auto e = refused_gguf_file(engine_of(wish), display_name(path))) return *e;
  return load_gguf(path, std::move(*source));
}

/// With a quant, what llama.cpp makes of the directory; without, the weights as they lie there.
Result<LoadedModel> load_directory(const std::string& path, const QuantWish& wish) {
  auto read = read_model_directory(path);
  if (!read) return read.error();
  const bool convertible = !read->convertible.tensors.empty();
  LoadedModel out;
  if (wish.quant) {
    if (!convertible)
      return Error{"contradiction",
                   fmt::format("--quant {}: no conversion of a '{}' model is known here; without it the "
                               "weights are taken as stored",
                               *wish.quant, read->model.spec.architecture)};
    const auto preset = loaded_preset(wish, *wish.quant);
    if (!preset) return preset.error();
    auto converted = at_quant(std::move(read->convertible), *preset);
    if (!converted) return converted.error();
    out = *std::move(converted);
    out.assumptions.push_back({"converted", fmt::format("{} converted to {}", read->quant_name, preset->name)});
  } else {
    const auto engine = engine_of(wish);
    if (const auto stored = find_quant(read->quant_id))
      if (auto e = refused_quant(engine, *stored, fmt::format("{}, stored as {}", path, stored->id))) return *e;
    out.quant_name = read->quant_name;
    out.quant_id = read->quant_id;
    out.weighed = weigh_model(std::move(read->model));
    if (convertible) out.unquantized = std::make_shared<const Model>(std::move(read->convertible));
    out.assumptions.push_back(
        {"stored_types", convertible && is_llama_based(engine)
                             ? fmt::format("weights as stored ({}), which {} reads once converted (--quant bf16)",
                                           read->quant_name, name_of(engine))
                             : fmt::format("weights as stored ({})", read->quant_name)});
  }
  for (auto& note : read->notes) out.warnings.push_back({std::move(note.code), std::move(note.message)});
  return out;
}

}  // namespace

bool names_a_file(const std::string& name) {
  std::error_code ignored;
  // A pipe is a file too: willitrun <(head -c 20M model.gguf).
  return name == "-" || name.ends_with(".gguf") || name.ends_with(".json") ||
         (std::filesystem::exists(name, ignored) && !std::filesystem::is_directory(name, ignored));
}

Result<LoadedModel> model_of_spec(SpecModel spec, const QuantWish& wish, std::string_view what) {
  if (auto* recommender = std::get_if<Recommender>(&spec)) {
    if (wish.quant)
      return Error{"contradiction",
                   fmt::format("--quant {}: the tables of {} state their own types", *wish.quant, what)};
    LoadedModel out;
    out.recommender = std::move(*recommender);
    return out;
  }
  std::vector<Assumption> assumptions;
  const auto preset = choose_quant(wish, {}, assumptions);
  if (!preset) return preset.error();
  auto out = at_quant(std::get<Model>(std::move(spec)), *preset);
  if (out) out->assumptions = std::move(assumptions);
  return out;
}

Result<LoadedModel> load_model(const std::string& name, const QuantWish& wish) {
  std::error_code ignored;
  if (std::filesystem::is_directory(name, ignored)) {
    // A folder of one's own named like a model, with something else in it.
    const bool other = !std::filesystem::exists(std::filesystem::path(name) / "config.json", ignored) &&
                       name.find_first_of("/\\") == std::string::npos && find_model(name);
    return other ? load_from_catalog(name, wish) : load_directory(name, wish);
  }
  if (auto named = load_by_file_name(name, wish)) return std::move(*named);
  // No model is called so; what is not there is told as a file.
  const bool path = name.starts_with('/') || name.starts_with("./") || name.starts_with("../");
  return path || names_a_file(name) ? load_file(name, wish) : load_from_catalog(name, wish);
}

}  // namespace willitrun::cli
