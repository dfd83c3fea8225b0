#include "willitrun/hf_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "willitrun/quant.hpp"

namespace willitrun {
namespace {

/// A GGUF key and the names its value has in config.json, the most telling first.
struct KeyRow {
  std::string_view gguf;
  std::array<std::string_view, 6> names;
};
// *Config classes of transformers 4.57 and the find_hparam calls of llama.cpp 0.7.0's conversion.
constexpr std::array key_rows{
    KeyRow{"block_count", {"num_hidden_layers", "num_layers", "n_layer", "n_layers"}},
    KeyRow{"context_length", {"max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_seq_len"}},
    KeyRow{"vocab_size", {"padded_vocab_size", "vocab_size"}},
    KeyRow{"embedding_length", {"hidden_size", "n_embd", "d_model", "n_embed"}},
    KeyRow{"feed_forward_length", {"intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim"}},
    KeyRow{"attention.head_count", {"num_attention_heads", "n_head", "n_heads"}},
    KeyRow{"attention.head_count_kv", {"num_key_value_heads", "num_kv_heads", "multi_query_group_num", "n_head_kv"}},
    KeyRow{"attention.key_length", {"head_dim", "kv_channels", "attention_head_dim"}},
    KeyRow{"attention.value_length", {"v_head_dim", "head_dim", "kv_channels", "attention_head_dim"}},
    KeyRow{"attention.sliding_window", {"sliding_window", "local_attention"}},
    KeyRow{"attention.sliding_window_pattern",
           {"sliding_window_pattern", "_sliding_window_pattern", "global_attn_every_n_layers"}},
    KeyRow{"attention.shared_kv_layers", {"num_kv_shared_layers"}},
    KeyRow{"attention.q_lora_rank", {"q_lora_rank"}},
    KeyRow{"attention.kv_lora_rank", {"kv_lora_rank"}},
    KeyRow{"rope.dimension_count", {"rotary_dim"}},
    KeyRow{"expert_count", {"num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"}},
    KeyRow{"expert_used_count", {"num_experts_per_tok", "top_k_experts", "moe_topk", "moe_k", "num_experts_per_token"}},
    KeyRow{"expert_shared_count", {"n_shared_experts", "num_shared_experts", "num_shared_expert"}},
    KeyRow{"expert_feed_forward_length", {"moe_intermediate_size", "expert_intermediate_size"}},
    KeyRow{"expert_shared_feed_forward_length",
           {"shared_expert_intermediate_size", "moe_shared_expert_intermediate_size", "shared_intermediate_size"}},
    KeyRow{"leading_dense_block_count", {"first_k_dense_replace", "num_dense_layers", "moe_layer_start_index"}},
    KeyRow{"interleave_moe_layer_step", {"interleave_moe_layer_step"}},
    KeyRow{"ssm.conv_kernel", {"conv_kernel", "mamba_d_conv", "ssm_conv_kernel", "d_conv"}},
    KeyRow{"ssm.inner_size", {"mamba_d_ssm"}},
    KeyRow{"ssm.state_size", {"state_size", "mamba_d_state", "ssm_state_size", "d_state"}},
    KeyRow{"ssm.time_step_rank", {"time_step_rank", "mamba_dt_rank", "mamba_n_heads"}},
    KeyRow{"ssm.group_count", {"n_groups", "mamba_n_groups"}},
    KeyRow{"full_attention_interval", {"full_attention_interval"}},
    KeyRow{"shortconv.l_cache", {"conv_L_cache"}},
    KeyRow{"embedding_length_per_layer_input", {"hidden_size_per_layer_input"}},
    KeyRow{"altup.num_inputs", {"altup_num_inputs"}},
    KeyRow{"tokenizer.ggml.token_type_count", {"type_vocab_size"}},
};

constexpr std::size_t max_list = 4096;

std::optional<JsonValue> find_member(const JsonValue& object, std::string_view name) {
  auto value = object.find(name);
  if (value && value->is(JsonKind::null)) value.reset();
  return value;
}

/// Numbers as they come; a text such as "auto" or "LLLG" is left to the family's rule.
std::optional<MetadataValue> shape_value(const JsonValue& value, HfKeys& keys) {
  if (value.is(JsonKind::text)) return std::nullopt;
  if (!value.is(JsonKind::array)) {
    const auto n = value.count(0, std::uint64_t{1} << 40);
    if (n) return MetadataValue(*n);
    keys.keep(n.error());
    return std::nullopt;
  }
  std::vector<std::int64_t> list;
  for (const auto& item : value.children()) {
    const auto n = item.count(0, std::uint64_t{1} << 40);
    if (!n || list.size() == max_list) {
      keys.keep(n ? value.error(fmt::format("has more than {} elements", max_list)) : n.error());
      return std::nullopt;
    }
    list.push_back(static_cast<std::int64_t>(*n));
  }
  if (list.empty()) return std::nullopt;
  return MetadataValue(std::move(list));
}

void read_rows(HfKeys& keys) {
  for (const auto& row : key_rows)
    for (const auto name : row.names) {
      const auto found = name.empty() ? std::nullopt : keys.find({name});
      if (!found) continue;
      if (auto value = shape_value(*found, keys)) keys.set(row.gguf, *std::move(value));
      break;
    }
}

void read_layer_types(HfKeys& keys) {
  const auto types = keys.texts({"layer_types"});
  if (types.empty()) return;
  const auto flags = [&](std::initializer_list<std::string_view> wanted) {
    std::vector<std::int64_t> out;
    for (const auto& type : types) out.push_back(std::find(wanted.begin(), wanted.end(), type) != wanted.end() ? 1 : 0);
    return out;
  };
  const auto any = [](const std::vector<std::int64_t>& list) {
    return std::find(list.begin(), list.end(), 1) != list.end();
  };
  if (auto sliding = flags({"sliding_attention", "chunked_attention"}); any(sliding))
    keys.set("attention.sliding_window_pattern", std::move(sliding));
  if (auto recurrent = flags({"linear_attention", "recurrent"}); any(recurrent))
    keys.set("attention.recurrent_layers", std::move(recurrent));
}

/// The part of a head that rotates.
void read_rotation(HfKeys& keys) {
  const auto factor = keys.number({"partial_rotary_factor", "rotary_pct", "rope_pct"});
  if (!factor || !(*factor > 0 && *factor < 1)) return;
  const auto heads = std::max<std::uint64_t>(1, keys.count({"num_attention_heads", "n_head"}, 1));
  const auto head_dim = keys.count({"head_dim"}, keys.count({"hidden_size", "n_embd"}, 0) / heads);
  keys.set("rope.dimension_count", static_cast<std::uint64_t>(std::lround(*factor * static_cast<double>(head_dim))));
}

void read_rope_scaling(const HfKeys& keys, HfConfig& out) {
  const auto scaling = keys.find({"rope_scaling", "rope_parameters"});
  if (!scaling || !scaling->is(JsonKind::object)) return;
  auto type = find_member(*scaling, "rope_type");
  if (!type) type = find_member(*scaling, "type");
  out.rope_freqs = type && type->is(JsonKind::text) && *type->text() == "llama3";
  out.rope_long_short = find_member(*scaling, "long_factor").has_value();
}

/// json.dumps of Python writes Infinity and NaN, which JSON lacks; no shape is either. Same length, so that places in
/// errors hold.
std::string without_infinities(std::string_view json) {
  std::string out(json);
  bool quoted = false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (quoted && out[i] == '\\') {
      ++i;
    } else if (out[i] == '"') {
      quoted = !quoted;
    } else if (!quoted) {
      for (const std::string_view word : {"Infinity", "NaN"})
        if (out.compare(i, word.size(), word) == 0)
          out.replace(i, word.size(), "0" + std::string(word.size() - 1, ' '));
    }
  }
  return out;
}

/// Of the class that is loaded, where one model_type has several.
std::string model_type_of(const HfKeys& keys) {
  const auto type = keys.text({"model_type"});
  if (type && !type->empty()) return *type;
  return "unknown";
}

}  // namespace

HfKeys::HfKeys(const JsonValue& root, Metadata& out) : root_(root), out_(out) {
  for (const std::string_view part : {"text_config", "llm_config", "language_config"})
    if (const auto scope = root.find(part); scope && scope->is(JsonKind::object)) scopes_.push_back(*scope);
  scopes_.push_back(root);
}

std::optional<JsonValue> HfKeys::find(Names names) const {
  for (const auto& scope : scopes_)
    for (const auto name : names)
      if (auto value = find_member(scope, name)) return value;
  return std::nullopt;
}

std::optional<std::uint64_t> HfKeys::count(Names names) {
  const auto value = find(names);
  if (!value || value->is(JsonKind::array) || value->is(JsonKind::text)) return std::nullopt;
  const auto n = value->count(0, std::uint64_t{1} << 40);
  if (n) return *n;
  keep(n.error());
  return std::nullopt;
}

std::optional<double> HfKeys::number(Names names) const {
  const auto value = find(names);
  if (!value) return std::nullopt;
  const auto x = value->number();
  return x ? std::optional(*x) : std::nullopt;
}

std::optional<std::string> HfKeys::text(Names names) const {
  const auto value = find(names);
  return value && value->is(JsonKind::text) ? std::optional(*value->text()) : std::nullopt;
}

bool HfKeys::flag(Names names, bool otherwise) const {
  const auto value = find(names);
  return value && value->is(JsonKind::boolean) ? *value->flag() : otherwise;
}

std::vector<std::string> HfKeys::texts(Names names) const {
  std::vector<std::string> out;
  const auto list = find(names);
  if (!list) return out;
  for (const auto& item : list->children())
    if (item.is(JsonKind::text) && out.size() < max_list) out.push_back(*item.text());
  return out;
}

void HfKeys::keep(Error error) {
  if (!error_) error_ = std::move(error);
}

Result<HfConfig> parse_hf_config(std::string_view json, std::string_view what) {
  const auto root = JsonValue::parse(without_infinities(json), what);
  if (!root) return root.error();
  if (!root->is(JsonKind::object)) return root->mismatch("an object");
  HfConfig out;
  HfKeys keys(*root, out.metadata);
  out.model_type = model_type_of(keys);
  const auto* family = find_hf_family(out.model_type);
  // The part's own type may be "..._text" of a class whose whole is listed.
  if (family == nullptr && out.model_type.ends_with("_text"))
    family = find_hf_family(std::string_view(out.model_type).substr(0, out.model_type.size() - 5));
  if (const auto whole = root->find("model_type"); family == nullptr && whole && whole->is(JsonKind::text))
    family = find_hf_family(*whole->text());
  read_rows(keys);
  read_layer_types(keys);
  read_rotation(keys);
  out.known = family != nullptr;
  out.architecture = family != nullptr ? std::string(family->architecture) : out.model_type;
  if (family != nullptr && family->rule != nullptr) family->rule(keys);
  read_rope_scaling(keys, out);
  out.tied_embeddings = keys.flag({"tie_word_embeddings"}, false);
  out.keys_as_values = keys.flag({"attention_k_eq_v"}, false);
  out.n_layer = keys.count({"num_hidden_layers", "num_layers", "n_layer", "n_layers"}, 0);
  out.n_nextn = std::min<std::uint64_t>(keys.count({"num_nextn_predict_layers", "mtp_num_hidden_layers"}, 0), 64);
  out.quantization = hf_quantization(keys);
  if (keys.error()) return *keys.error();
  if (out.n_layer == 0) return root->error("num_hidden_layers is missing or 0");
  return out;
}

}  // namespace willitrun
