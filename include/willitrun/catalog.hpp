// The bundled catalogs: models and devices by any name people use. Entries are parsed only when asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/hardware.hpp"
#include "willitrun/metadata.hpp"
#include "willitrun/model.hpp"
#include "willitrun/result.hpp"

namespace willitrun {

/// A model trained from an entry's with its shapes kept, but for what is stated.
struct FineTune {
  std::string name, hf_id, ollama, ollama_quant, usual_quant, source;
  std::vector<std::string> aliases;
  std::uint64_t vocab_size = 0;      ///< with the tokens it added; 0 = the entry's
  std::uint64_t context_length = 0;  ///< 0 = the entry's
  std::string token_embedding_type;  ///< in its files of the usual quant, where that is not what llama.cpp gives it
};

struct ModelEntry {
  std::string id, name, family, hf_id, ollama, license, released, task, native_quant, source, note;
  std::string usual_quant;   ///< the preset its GGUF is used at, where that is not Q4_K_M
  std::string ollama_quant;  ///< the preset that its tag at Ollama holds, where that is neither
  std::vector<std::string> aliases;
  std::vector<FineTune> fine_tunes;
  std::string architecture;
  std::uint64_t parameters = 0;         ///< published total of the text part; the data test holds it against the shapes
  std::uint64_t active_parameters = 0;  ///< per token, for models with experts; 0 = all
  std::uint64_t vision_parameters = 0;  ///< vision tower and projector, a file of their own (mmproj); 0 = none
  Metadata hparams;                     ///< GGUF keys without prefix
  OptionalTensors optional;
};

/// A name resolved: the entry, and whether a default variant had to be chosen (and which others there are).
template <class Entry>
struct Found {
  Entry entry;
  std::vector<std::string> other_variants =
      {};                                  ///< ids of the same product's other variants, when one was chosen by default
  std::string quant = {};                  ///< a quant named along with the model ("llama3.1:8b-instruct-q4_K_M")
  std::uint32_t count = 1;                 ///< "2x rtx 3090"
  std::optional<FineTune> fine_tune = {};  ///< the one of the entry's that was named
  std::string retrained = {};              ///< the word of a name that says so ("abliterated")
};

[[nodiscard]] Result<Found<ModelEntry>> find_model(std::string_view name);
[[nodiscard]] Result<Found<DeviceSpec>> find_device(std::string_view name);
/// A processor or platform: "AMD Ryzen 9 7950X3D 16-Core Processor", "epyc genoa", "ddr5-5600 dual channel".
[[nodiscard]] Result<CpuSpec> find_cpu(std::string_view name);

[[nodiscard]] Result<Model> model_from_entry(const ModelEntry& entry);

[[nodiscard]] std::vector<ModelEntry> all_models();
/// Every variant on its own: a chip sold with three memory sizes is three devices.
[[nodiscard]] std::vector<DeviceSpec> all_devices();
[[nodiscard]] std::vector<CpuSpec> all_cpus();

/// Date of the data ("2026-11-21") and SHA-256 over all data files.
[[nodiscard]] std::string_view catalog_version();
[[nodiscard]] std::string_view catalog_sha256();

/// Lower-case letters and digits only, '+' spelled out: "RTX 3060-12GB" -> "rtx306012gb". Lookups tell apart more
/// than this ("Llama 3.1 8B" is not "Llama 3 18B"), so compare names with find_model and find_device.
[[nodiscard]] std::string normalize_name(std::string_view text);

}  // namespace willitrun
