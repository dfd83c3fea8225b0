// Model names as hubs, registries and file names write them: organisations, quants, tuning words, file endings.
#include <algorithm>
#include <array>

#include "willitrun/catalog.hpp"
#include "willitrun/catalog_lookup.hpp"
#include "willitrun/catalog_tables.hpp"
#include "willitrun/name_match.hpp"

namespace willitrun {
namespace {

using Words = std::vector<std::string>;
constexpr Wanted wanted{"model", "model"};

/// Publishers that some file names start with ("Meta-Llama-3.1-8B", "google_gemma-3-12b-it").
constexpr std::array<std::string_view, 14> publishers{"meta",     "google", "qwen",    "microsoft",  "mistralai",
                                                      "deepseek", "nvidia", "ibm",     "ibmgranite", "coherelabs",
                                                      "openai",   "zai",    "allenai", "tencent"};

constexpr std::array<std::string_view, 18> plain_quants{"f32",  "f16",   "bf16",  "fp32",      "fp16",      "fp8",
                                                        "nf4",  "int4",  "int8",  "4bit",      "8bit",      "awq",
                                                        "gptq", "mxfp4", "nvfp4", "gptq-int4", "gptq-int8", "mlx-4bit"};
/// What may follow the bits of "Q4_K_M", "IQ3_XXS", "Q8_0"; a part that starts like another comes first.
constexpr std::array<std::string_view, 12> quant_parts{"xxs", "xxl", "xs", "xl", "nl", "0",
                                                       "1",   "4",   "k",  "s",  "m",  "l"};
/// Publishers whose "4bit" is MLX's.
constexpr std::string_view mlx_publisher = "mlx-community/";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_separator(char c) { return c == '-' || c == '.' || c == '_' || c == ':' || c == ' ' || c == '@'; }

/// "q4_k_m", "q4km", "iq3_xxs", "ud-q4_k_xl", "f16", "mxfp4": what a quant's name looks like, not whether it exists.
bool looks_like_quant(std::string_view text) {
  auto rest = std::string_view(text);
  if (rest.starts_with("ud-")) rest.remove_prefix(3);
  if (std::find(plain_quants.begin(), plain_quants.end(), rest) != plain_quants.end()) return true;
  if (rest.starts_with("mlx-")) rest.remove_prefix(4);
  if (rest.starts_with("iq") || rest.starts_with("tq")) rest.remove_prefix(1);
  if (rest.size() < 2 || (rest[0] != 'q' && rest[0] != 't') || rest[1] < '1' || rest[1] > '8') return false;
  rest.remove_prefix(2);
  while (!rest.empty()) {
    if (rest[0] == '_' || rest[0] == '-') rest.remove_prefix(1);
    const auto part = std::find_if(quant_parts.begin(), quant_parts.end(),
                                   [&](std::string_view known) { return rest.starts_with(known); });
    if (part == quant_parts.end()) return false;
    rest.remove_prefix(part->size());
  }
  return true;
}

/// The repository or file of an address: "https://huggingface.co/Qwen/Qwen3-8B/tree/main" -> "Qwen/Qwen3-8B".
std::string_view without_address(std::string_view name) {
  const auto scheme = name.find("://");
  if (scheme == std::string_view::npos) return name;
  name.remove_prefix(scheme + 3);
  name = name.substr(0, name.find_first_of("?#"));
  while (name.ends_with('/')) name.remove_suffix(1);
  if (name.ends_with(".gguf")) return name;
  for (const auto* part : {"/tree/", "/blob/", "/resolve/"}) name = name.substr(0, name.find(part));
  return name;
}

/// Cuts what belongs to a file or a repository, not to the model: "unsloth/", ".gguf", "-00001-of-00003", "-GGUF".
std::string_view without_wrapping(std::string_view name) {
  if (const auto slash = name.find_last_of("/\\"); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  const auto cut = [&](std::string_view ending) {
    if (lower(name).ends_with(ending) && name.size() > ending.size()) name.remove_suffix(ending.size());
  };
  for (const auto* ending : {".gguf", ".bin"}) cut(ending);
  const auto is_digits = [](std::string_view text) {
    return text.size() == 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  constexpr std::size_t shard = std::string_view("-00001-of-00003").size();
  if (name.size() > shard) {
    const auto tail = name.substr(name.size() - shard);
    if (tail[0] == '-' && is_digits(tail.substr(1, 5)) && tail.substr(6, 4) == "-of-" && is_digits(tail.substr(10)))
      name.remove_suffix(shard);
  }
  for (const auto* ending : {"-gguf", "_gguf", " gguf", ":latest", "-dwq"}) cut(ending);
  return name;
}

struct Split {
  std::string_view name;
  std::string_view quant;
};

/// The longest ending that looks like a quant, with the name before it.
Split split_quant(std::string_view name) {
  for (std::size_t i = 1; i + 1 < name.size(); ++i)
    if (is_separator(name[i]) && looks_like_quant(lower(name.substr(i + 1))))
      return {name.substr(0, i), name.substr(i + 1)};
  return {name, {}};
}

std::vector<NameHit> lookup_model(const Words& words) {
  const auto table = catalog_tables().models;
  auto hits = lookup(table, spelled_key(words));
  const auto base = without_tuning(words);
  if (hits.empty() && base.size() < words.size()) hits = lookup(table, spelled_key(base));
  const bool published =
      words.size() > 1 && std::find(publishers.begin(), publishers.end(), words[0]) != publishers.end();
  if (hits.empty() && published) hits = lookup_model(Words(words.begin() + 1, words.end()));
  return hits;
}

}  // namespace

Result<Found<ModelEntry>> find_model(std::string_view name) {
  if (name_words(name).empty()) return blank_name(wanted, name);
  const auto table = catalog_tables().models;
  // Longer names are no names; the reductions below stay cheap on hostile input.
  const auto text = without_address(name.substr(0, 400));
  auto hits = lookup_model(name_words(text));
  auto bare = without_wrapping(text);
  if (hits.empty()) hits = lookup_model(name_words(bare));
  std::string quant;
  if (hits.empty()) {
    const auto split = split_quant(bare);
    quant = split.quant;
    if (lower(quant).ends_with("bit") && is_digit(quant[0]) && lower(text).find(mlx_publisher) != std::string::npos)
      quant.insert(0, "mlx-");
    bare = split.quant.empty() ? bare : without_wrapping(split.name);
    hits = lookup_model(name_words(bare));
  }
  if (hits.empty()) return not_found(table, wanted, name, without_tuning(name_words(bare)));
  if (hits.size() > 1) return ambiguous(wanted, name, ids_of(table, hits));
  const auto& entry = table.entries[hits[0].entry];
  return Found<ModelEntry>{read_model({entry.json, entry.json_size}), {}, quant, 1};
}

}  // namespace willitrun
