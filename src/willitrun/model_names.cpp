// Model names as hubs, registries and file names write them: organisations, quants, tuning words, file endings.
#include <algorithm>
#include <array>

#include "willitrun/catalog.hpp"
#include "willitrun/catalog_index.hpp"
#include "willitrun/catalog_lookup.hpp"
#include "willitrun/catalog_tables.hpp"
#include "willitrun/name_match.hpp"

namespace willitrun {
namespace {

using Words = std::vector<std::string>;
constexpr Wanted wanted{"model", "model"};

/// Publishers that some file names start with ("Meta-Llama-3.1-8B", "google_gemma-3-12b-it", "THUDM_GLM-4-9B-0414"),
/// their words run together.
constexpr std::array<std::string_view, 37> publishers{
    "meta",         "metallama",    "google",  "qwen",         "microsoft",    "mistralai",   "deepseek",
    "deepseekai",   "nvidia",       "ibm",     "ibmgranite",   "coherelabs",   "cohereforai", "openai",
    "zai",          "zaiorg",       "thudm",   "allenai",      "tencent",      "moonshotai",  "baidu",
    "baai",         "lgaiexaone",   "tiiuae",  "internlm",     "nousresearch", "deepcogito",  "agenticaorg",
    "openthoughts", "perplexityai", "arceeai", "servicenowai", "liquidai",     "huihui",      "huihuiai",
    "mlabonne",     "dphn"};
constexpr std::size_t most_publisher_words = 3;

/// Words of names whose model is another's with the weights changed and every shape kept. The version that may follow
/// goes with the word ("abliterated-v2"); "128k" is a context stretched by YaRN.
constexpr std::array<std::string_view, 6> retrained_words{"abliterated",  "abliteration", "heretic",
                                                          "derestricted", "uncensored",   "128k"};
constexpr std::array<std::string_view, 6> tuning_words{"instruct", "it", "chat", "text", "base", "pt"};
/// Endings of registries' tags for the model before its tuning ("llama3.1:8b-text").
constexpr std::array<std::string_view, 3> untuned_words{"text", "base", "pt"};

constexpr std::array<std::string_view, 34> plain_quants{"f32",
                                                        "f16",
                                                        "bf16",
                                                        "fp32",
                                                        "fp16",
                                                        "fp8",
                                                        "fp4",
                                                        "nf4",
                                                        "int4",
                                                        "int8",
                                                        "4bit",
                                                        "8bit",
                                                        "awq",
                                                        "gptq",
                                                        "mxfp4",
                                                        "nvfp4",
                                                        "gptq-int4",
                                                        "gptq-int8",
                                                        "gptq-4bit",
                                                        "awq-int4",
                                                        "awq-4bit",
                                                        "mlx-4bit",
                                                        "mlx-8bit",
                                                        "mlx-mxfp4",
                                                        "mxfp4-q8",
                                                        "mxfp4-q4",
                                                        "bnb-4bit",
                                                        "bnb-8bit",
                                                        "unsloth-bnb-4bit",
                                                        "w4a16",
                                                        "fp8-dynamic",
                                                        "quantized.w4a16",
                                                        "quantized.w8a8",
                                                        "w8a8"};
/// Bits alone, as names state them: the preset most often meant. --quant asks for more.
struct Bits {
  std::string_view text, preset;
};
constexpr std::array bits_of_names{Bits{"q8", "q8_0"},   Bits{"q6", "q6_k"},   Bits{"q5", "q5_k_m"},
                                   Bits{"q4", "q4_k_m"}, Bits{"q3", "q3_k_m"}, Bits{"q2", "q2_k"}};
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
  for (const auto* ending : {"-gguf", "_gguf", " gguf", ":latest", "-dwq", "-i1", ".i1"}) cut(ending);
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

/// What a name found, and the key that did.
struct Match {
  std::vector<NameHit> hits;
  std::string key;
};

Match lookup_words(const Words& words) {
  auto key = spelled_key(words);
  return {lookup(catalog_tables().models, key), key};
}

/// The name without its publisher, for each number of words that one may have.
std::vector<Words> without_publisher(const Words& words) {
  std::vector<Words> out;
  std::string joined;
  for (std::size_t n = 1; n <= most_publisher_words && n < words.size(); ++n) {
    joined += words[n - 1];
    if (is_one_of(publishers, joined)) out.emplace_back(words.begin() + static_cast<std::ptrdiff_t>(n), words.end());
  }
  return out;
}

/// The words, or those before what is said of tuning.
Match lookup_tuned(Words words) {
  auto match = lookup_words(words);
  const auto base = without_tuning(words);
  if (match.hits.empty() && base.size() < words.size()) match = lookup_words(base);
  if (!match.hits.empty() || words.size() < 2 || !is_one_of(untuned_words, words.back())) return match;
  words.pop_back();
  return lookup_words(words);
}

/// One publisher at most: a name of many would be looked for in as many ways as they combine.
Match lookup_model(const Words& words) {
  auto match = lookup_tuned(words);
  for (const auto& rest : without_publisher(words))
    if (match.hits.empty()) match = lookup_tuned(rest);
  return match;
}

/// The words without those of tuning, which registries' tags have in the middle ("mistral:7b-text-v0.2").
Words without_tuning_inside(Words words) {
  const auto is_tuning = [](const std::string& word) { return is_one_of(tuning_words, word); };
  words.erase(std::remove_if(words.begin(), words.end(), is_tuning), words.end());
  return words;
}

bool is_version(std::string_view word) {
  return word.size() >= 2 && word.size() <= 4 && word[0] == 'v' && is_digit(word[1]);
}

/// The words without those that say the weights were changed, the first of which is `said`.
Words without_retraining(const Words& words, std::string& said) {
  Words out;
  bool after = false;
  for (const auto& word : words) {
    const bool retrained = is_one_of(retrained_words, word);
    if (retrained && said.empty()) said = word;
    if (!retrained && !(after && is_version(word))) out.push_back(word);
    after = retrained;
  }
  return out;
}

/// The fine-tune of the entry that the key names.
std::optional<FineTune> named_fine_tune(const ModelEntry& entry, std::string_view key) {
  for (const auto& tune : entry.fine_tunes)
    for (const auto& name : fine_tune_names(tune.name, tune.hf_id, tune.ollama, tune.aliases)) {
      const auto words = name_words(name);
      const bool same = match_keys(key, spelled_key(words)) != KeyMatch::none ||
                        match_keys(key, spelled_key(without_tuning(words))) != KeyMatch::none;
      if (!words.empty() && same) return tune;
    }
  return std::nullopt;
}

void take_over(const FineTune& tune, ModelEntry& entry) {
  if (tune.vocab_size > 0) entry.hparams.set("vocab_size", tune.vocab_size);
  if (!tune.usual_quant.empty()) entry.usual_quant = tune.usual_quant;
  if (tune.context_length > 0) entry.hparams.set("context_length", tune.context_length);
}

std::string named_quant(std::string_view quant, std::string_view text) {
  const auto spelled = lower(quant);
  const auto bits = std::find_if(bits_of_names.begin(), bits_of_names.end(),
                                 [&](const Bits& known) { return known.text == spelled; });
  if (bits != bits_of_names.end()) return std::string(bits->preset);
  const bool mlx = spelled.ends_with("bit") && is_digit(spelled[0]) && lower(text).find(mlx_publisher) != text.npos;
  return (mlx ? "mlx-" : "") + std::string(quant);
}

}  // namespace

Result<Found<ModelEntry>> find_model(std::string_view name) {
  if (name_words(name).empty()) return blank_name(wanted, name);
  const auto table = catalog_tables().models;
  // Longer names are no names; the reductions below stay cheap on hostile input.
  const auto text = without_address(name.substr(0, 400));
  auto match = lookup_model(name_words(text));
  auto bare = without_wrapping(text);
  if (match.hits.empty()) match = lookup_model(name_words(bare));
  std::string quant, retrained;
  if (match.hits.empty()) {
    const auto split = split_quant(bare);
    quant = split.quant.empty() ? "" : named_quant(split.quant, text);
    bare = split.quant.empty() ? bare : without_wrapping(split.name);
    match = lookup_model(name_words(bare));
  }
  if (match.hits.empty()) match = lookup_model(without_tuning_inside(name_words(bare)));
  if (match.hits.empty()) {
    const auto words = without_retraining(name_words(bare), retrained);
    if (!retrained.empty() && !words.empty()) match = lookup_model(words);
  }
  const auto& hits = match.hits;
  if (hits.empty()) return not_found(table, wanted, name, without_tuning(name_words(bare)));
  if (hits.size() > 1) return ambiguous(wanted, name, ids_of(table, hits));
  const auto& row = table.entries[hits[0].entry];
  Found<ModelEntry> found{read_model({row.json, row.json_size}), {}, quant, 1, {}, retrained};
  found.fine_tune = named_fine_tune(found.entry, match.key);
  if (found.fine_tune) take_over(*found.fine_tune, found.entry);
  return found;
}

}  // namespace willitrun
