// A Hugging Face config.json in terms of GGUF keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/json_reader.hpp"
#include "willitrun/metadata.hpp"

namespace willitrun {

/// What "quantization_config" says. `method` is empty for plain weights.
struct HfQuantization {
  std::string method;  ///< "gptq", "awq", "fp8", "bitsandbytes", "mxfp4", ... as written
  std::string preset;  ///< our preset of the same layout; empty when there is none
  std::string name;    ///< for people, "GPTQ 4-bit, groups of 128"
  std::uint64_t bits = 0;
};

struct HfConfig {
  std::string model_type;
  std::string architecture;  ///< GGUF's name; model_type itself when unknown
  bool known = false;
  Metadata metadata;  ///< GGUF keys without prefix
  bool tied_embeddings = false, rope_freqs = false, rope_long_short = false, keys_as_values = false;
  std::uint64_t n_layer = 0, n_nextn = 0;  ///< as stated; the second may be in the files or not
  HfQuantization quantization;
};

/// `what` names the input in errors.
[[nodiscard]] Result<HfConfig> parse_hf_config(std::string_view json, std::string_view what);

/// Values of a config.json by any of the names that model classes give them; those of the language model first where
/// several models are joined.
class HfKeys {
 public:
  HfKeys(const JsonValue& root, Metadata& out);

  using Names = std::initializer_list<std::string_view>;
  [[nodiscard]] std::optional<JsonValue> find(Names names) const;
  /// A whole number; a value of another kind is kept as the error.
  [[nodiscard]] std::optional<std::uint64_t> count(Names names);
  [[nodiscard]] std::uint64_t count(Names names, std::uint64_t otherwise) { return count(names).value_or(otherwise); }
  [[nodiscard]] std::optional<double> number(Names names) const;
  [[nodiscard]] std::optional<std::string> text(Names names) const;
  [[nodiscard]] bool flag(Names names, bool otherwise) const;
  /// Texts of a list such as "layer_types"; empty when absent.
  [[nodiscard]] std::vector<std::string> texts(Names names) const;

  void set(std::string_view gguf_key, MetadataValue value) { out_.set(std::string(gguf_key), std::move(value)); }
  [[nodiscard]] const Metadata& out() const { return out_; }
  [[nodiscard]] const JsonValue& root() const { return root_; }
  void keep(Error error);
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  JsonValue root_;
  std::vector<JsonValue> scopes_;  // the language model's part, then the whole
  Metadata& out_;
  std::optional<Error> error_;
};

/// What a model class computes from its keys, or assumes where they are silent.
using HfRule = void (*)(HfKeys&);

struct HfFamily {
  std::string_view model_type;
  std::string_view architecture;
  HfRule rule = nullptr;
};
[[nodiscard]] const HfFamily* find_hf_family(std::string_view model_type);

[[nodiscard]] HfQuantization hf_quantization(const HfKeys& keys);

}  // namespace willitrun
