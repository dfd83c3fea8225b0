#include "willitrun/json_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/json_fields.hpp"
#include "willitrun/optional_tensors.hpp"
#include "willitrun/spec_keys.hpp"
#include "willitrun/suggest.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

constexpr std::size_t max_list = 4096;  // as for arrays of a GGUF file

Result<MetadataValue> list_value(const JsonValue& list) {
  std::vector<std::int64_t> out;
  for (const auto& item : list.children()) {
    if (out.size() == max_list) return list.error(fmt::format("has more than {} elements", max_list));
    const auto number = item.is(JsonKind::boolean) ? Result<std::int64_t>(*item.flag() ? 1 : 0) : item.integer();
    if (!number) return number.error();
    out.push_back(*number);
  }
  if (out.empty()) return list.error("must have elements");
  return MetadataValue(std::move(out));
}

Result<MetadataValue> metadata_value(const JsonValue& value) {
  switch (value.kind()) {
    case JsonKind::boolean: return MetadataValue(*value.flag());
    case JsonKind::text: return MetadataValue(*value.text());
    case JsonKind::array: return list_value(value);
    case JsonKind::whole:
    case JsonKind::real: {
      if (const auto count = value.count()) return MetadataValue(*count);
      if (const auto whole = value.integer()) return MetadataValue(*whole);
      return MetadataValue(*value.number());
    }
    default: return value.mismatch("a number, true, false, text or a list of whole numbers");
  }
}

// Beginnings of keys that a GGUF file has and no shape depends on, so that all of a file's keys can be given
// (LLM_KV_NAMES, llama-arch.cpp of llama.cpp 0.7.0).
constexpr std::array<std::string_view, 26> ignored_keys{"activation_sparsity_scale",
                                                        "altup.",
                                                        "attention.clamp",
                                                        "attention.layer_norm",
                                                        "attention.group_norm",
                                                        "attention.max_alibi",
                                                        "attention.output_",
                                                        "attention.scale",
                                                        "attention.temperature",
                                                        "attention.value_scale",
                                                        "attn_logit",
                                                        "classifier.",
                                                        "embedding_scale",
                                                        "expert_",
                                                        "final_logit",
                                                        "general.",
                                                        "hidden_act",
                                                        "logit_scale",
                                                        "pooling_type",
                                                        "residual_scale",
                                                        "rope.",
                                                        "router_logit",
                                                        "ssm.dt_b_c_rms",
                                                        "swiglu_clamp",
                                                        "tokenizer.",
                                                        "use_parallel_residual"};

// A key that is nearly one we read is a slip, which would silently leave the default in place.
std::optional<Error> check_key(const JsonValue& member, const std::vector<std::string_view>& known) {
  const auto key = member.key();
  if (std::find(known.begin(), known.end(), key) != known.end()) return std::nullopt;
  const auto is_close = [&](std::string_view name) {
    const auto longer = std::max(key.size(), name.size()), shorter = std::min(key.size(), name.size());
    return longer - shorter <= 2 && edit_distance(key, name) <= 2;
  };
  const auto ignored =
      std::any_of(ignored_keys.begin(), ignored_keys.end(), [&](auto start) { return key.starts_with(start); });
  if (ignored && std::none_of(known.begin(), known.end(), is_close)) return std::nullopt;
  const auto near = nearest(key, known);
  auto error = member.error(fmt::format("unknown key {}{}", in_quotes(key), did_you_mean(near)));
  error.suggestions = near;
  return error;
}

}  // namespace

Metadata read_metadata(const JsonValue& hparams, std::vector<Error>& problems) {
  Metadata out;
  if (!hparams.is(JsonKind::object)) {
    problems.push_back(hparams.mismatch("an object of GGUF keys"));
    return out;
  }
  const auto known = spec_key_names();
  for (const auto& member : hparams.children()) {
    if (auto error = check_key(member, known)) {
      problems.push_back(*std::move(error));
      continue;
    }
    auto value = metadata_value(member);
    if (value)
      out.set(std::string(member.key()), *std::move(value));
    else
      problems.push_back(value.error());
  }
  return out;
}

OptionalTensors read_optional_tensors(const JsonValue& optional, std::vector<Error>& problems) {
  JsonFields fields(optional);
  OptionalTensors out;
  for (const auto& tensor : optional_tensors) out.*tensor.field = fields.flag(tensor.key, false);
  for (auto& problem : fields.problems()) problems.push_back(std::move(problem));
  return out;
}

Result<Metadata> metadata_from_json(const JsonValue& hparams) {
  std::vector<Error> problems;
  auto out = read_metadata(hparams, problems);
  if (!problems.empty()) return problems.front();
  return out;
}

Result<OptionalTensors> optional_from_json(const JsonValue& optional) {
  std::vector<Error> problems;
  auto out = read_optional_tensors(optional, problems);
  if (!problems.empty()) return problems.front();
  return out;
}

}  // namespace willitrun
