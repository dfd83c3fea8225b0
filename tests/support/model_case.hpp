// Models described by GGUF keys in JSON, as the truth tables hold them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "willitrun/model.hpp"

namespace willitrun::test {

inline std::vector<std::int64_t> numbers_from(const nlohmann::json& list) {
  std::vector<std::int64_t> numbers;
  for (const auto& item : list) numbers.push_back(item.is_boolean() ? item.get<bool>() : item.get<std::int64_t>());
  return numbers;
}

inline Metadata metadata_from(const nlohmann::json& keys, const std::string& prefix = "") {
  Metadata metadata;
  for (const auto& [key, value] : keys.items()) {
    if (value.is_boolean())
      metadata.set(prefix + key, value.get<bool>());
    else if (value.is_array())
      metadata.set(prefix + key, numbers_from(value));
    else
      metadata.set(prefix + key, value.get<std::int64_t>());
  }
  return metadata;
}

inline OptionalTensors optional_from(const nlohmann::json& flags) {
  const auto has = [&](const char* name) { return flags.value(name, false); };
  OptionalTensors optional;
  optional.tied_embeddings = has("tied_embeddings");
  optional.attention_bias = has("attention_bias");
  optional.attention_output_bias = has("attention_output_bias");
  optional.ffn_bias = has("ffn_bias");
  optional.qk_norm = has("qk_norm");
  optional.rope_freqs = has("rope_freqs");
  optional.rope_long_short = has("rope_long_short");
  optional.expert_bias = has("expert_bias");
  optional.second_attention_norm = has("second_attention_norm");
  optional.keys_as_values = has("keys_as_values");
  optional.nextn_without_tables = has("nextn_without_tables");
  optional.ssm_norm = has("ssm_norm");
  return optional;
}

}  // namespace willitrun::test
