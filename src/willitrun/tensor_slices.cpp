#include "willitrun/tensor_slices.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <utility>

#include "willitrun/placement.hpp"

namespace willitrun {

namespace {

/// What must stay together.
enum class Unit : std::uint8_t { element, query, key, fused, head, gate, linear, linear_head, linear_pair, ffn };
/// Whose blocks decide.
enum class Master : std::uint8_t { own, mixer, ssm_out, ffn_down };

}  // namespace

struct CutRule {
  std::string_view name;  ///< after "blk.N."
  unsigned axis;
  Unit unit;
  Master master;
};

namespace {

constexpr std::array rules{
    CutRule{"attn_gate.weight", 1, Unit::gate, Master::mixer},
    CutRule{"attn_k.bias", 0, Unit::key, Master::mixer},
    CutRule{"attn_k.weight", 1, Unit::key, Master::mixer},
    CutRule{"attn_k_norm.weight", 1, Unit::element, Master::mixer},
    CutRule{"attn_output.weight", 0, Unit::query, Master::own},
    CutRule{"attn_q.bias", 0, Unit::query, Master::mixer},
    CutRule{"attn_q.weight", 1, Unit::query, Master::mixer},
    CutRule{"attn_q_norm.weight", 1, Unit::element, Master::mixer},
    CutRule{"attn_qkv.bias", 0, Unit::fused, Master::mixer},
    CutRule{"attn_qkv.weight", 1, Unit::fused, Master::mixer},
    CutRule{"attn_sinks.weight", 0, Unit::head, Master::mixer},
    CutRule{"attn_v.bias", 0, Unit::key, Master::mixer},
    CutRule{"attn_v.weight", 1, Unit::key, Master::mixer},
    CutRule{"ffn_down.weight", 0, Unit::ffn, Master::own},
    CutRule{"ffn_down_exps.weight", 0, Unit::ffn, Master::own},
    CutRule{"ffn_gate.bias", 0, Unit::ffn, Master::ffn_down},
    CutRule{"ffn_gate.weight", 1, Unit::ffn, Master::ffn_down},
    CutRule{"ffn_gate_exps.bias", 0, Unit::ffn, Master::ffn_down},
    CutRule{"ffn_gate_exps.weight", 1, Unit::ffn, Master::ffn_down},
    CutRule{"ffn_gate_up.weight", 1, Unit::ffn, Master::ffn_down},
    CutRule{"ffn_gate_up_exps.weight", 1, Unit::ffn, Master::ffn_down},
    CutRule{"ffn_up.bias", 0, Unit::ffn, Master::ffn_down},
    CutRule{"ffn_up.weight", 1, Unit::ffn, Master::ffn_down},
    CutRule{"ffn_up_exps.bias", 0, Unit::ffn, Master::ffn_down},
    CutRule{"ffn_up_exps.weight", 1, Unit::ffn, Master::ffn_down},
    CutRule{"output.bias", 0, Unit::element, Master::own},
    CutRule{"output.weight", 1, Unit::element, Master::own},
    CutRule{"ssm_a", 0, Unit::linear_head, Master::ssm_out},
    CutRule{"ssm_alpha.weight", 1, Unit::linear_head, Master::ssm_out},
    CutRule{"ssm_ba.weight", 1, Unit::linear_pair, Master::ssm_out},
    CutRule{"ssm_beta.weight", 1, Unit::linear_head, Master::ssm_out},
    CutRule{"ssm_conv1d.weight", 1, Unit::linear, Master::ssm_out},
    CutRule{"ssm_dt.bias", 0, Unit::linear_head, Master::ssm_out},
    CutRule{"ssm_out.weight", 0, Unit::linear, Master::own},
};
static_assert(std::is_sorted(rules.begin(), rules.end(), [](auto& a, auto& b) { return a.name < b.name; }));

std::string_view without_layer(std::string_view name) {
  return name.starts_with("blk.") ? name.substr(std::min(name.find('.', 4), name.size() - 1) + 1) : name;
}

const CutRule* rule_for(std::string_view name) {
  const auto bare = without_layer(name);
  const auto it =
      std::lower_bound(rules.begin(), rules.end(), bare, [](auto& rule, auto text) { return rule.name < text; });
  return it != rules.end() && it->name == bare ? &*it : nullptr;
}

/// llm_arch_supports_sm_tensor in src/llama-arch.cpp; deepseek4 has rules of its own, rwkv lacks the matrices that
/// decide, whisper is not llama.cpp's.
constexpr std::array<std::string_view, 38> never_sliced{
    "arwkv7",      "bailingmoe3", "bitnet",         "deepseek2", "deepseek32", "deepseek4",  "dots3note",  "falcon-h1",
    "gemma3n",     "glm-dsa",     "granitehybrid",  "grok",      "hrm_text",   "hy_v4",      "jamba",      "kimi-k3",
    "kimi-linear", "mamba",       "mamba2",         "minicpm3",  "minimax-01", "minimax-m2", "minimax-m3", "mistral4",
    "mpt",         "nemotron_h",  "nemotron_h_moe", "olmo2",     "olmoe",      "plamo2",     "plm",        "qwen3tts",
    "qwen4exp",    "rwkv6",       "rwkv6qwen2",     "rwkv7",     "t5",         "whisper"};
static_assert(std::is_sorted(never_sliced.begin(), never_sliced.end()));

/// What vLLM keeps whole on every device (ReplicatedLinear in vllm/model_executor/models): routers and the projections
/// down into latent attention. GGUF's names and safetensors'.
constexpr std::array<std::string_view, 7> replicated{"ffn_gate_inp", "attn_q_a.", "attn_kv_a_mqa", ".gate.weight",
                                                     ".router.",     "q_a_proj",  "kv_a_proj"};

constexpr std::uint64_t wide_block = 128;  // ggml's kernels like multiples of it

}  // namespace

bool can_be_sliced(const ModelSpec& spec) {
  return !std::binary_search(never_sliced.begin(), never_sliced.end(), std::string_view(spec.architecture));
}

TensorSlices::TensorSlices(const Model& model, std::vector<double> shares, bool sharded)
    : spec_(model.spec),
      sharded_(sharded || !model.stored.empty()),
      linear_by_key_(spec_.architecture == "qwen3next" || spec_.architecture.starts_with("qwen35")),
      shares_(std::move(shares)),
      blocks_(std::max(spec_.n_layer, 1U)) {
  for (const auto& tensor : model.tensors) {
    if (tensor.layer < 0 || tensor.layer >= static_cast<std::int32_t>(spec_.n_layer)) continue;
    auto& blocks = blocks_[static_cast<std::size_t>(tensor.layer)];
    const auto bare = without_layer(tensor.name);
    const std::uint64_t block = info(tensor.type).block_elements;
    if (bare == "attn_output.weight") blocks.attn_output = block;
    if (bare == "ssm_out.weight") blocks.ssm_out = block;
    // A layer with both kinds of feed-forward goes by the dense one.
    if (bare == "ffn_down.weight" || (bare == "ffn_down_exps.weight" && blocks.ffn_down == 0)) blocks.ffn_down = block;
  }
}

/// Whole groups of query heads with the keys they share, in as many whole blocks as the devices leave room for.
TensorSlices::Steps TensorSlices::attention_steps(std::uint32_t il, std::uint64_t block) const {
  const std::uint64_t head = std::max(spec_.k_dim(il), 1U);
  const std::uint64_t n_kv = spec_.n_head_kv.at(il);
  const std::uint64_t queries_per_key = n_kv == 0 ? 1 : std::max<std::uint64_t>(spec_.n_head.at(il) / n_kv, 1);
  const auto group = queries_per_key * head;
  while (block < wide_block && block * n_device() < group) block *= 2;
  const auto query = std::lcm(group, block);
  return {query, std::lcm(2 * group, block), query / queries_per_key, query / head};
}

std::uint64_t TensorSlices::linear_step(std::uint64_t block) const {
  return std::lcm(std::lcm(block, wide_block), std::max<std::uint64_t>(spec_.ssm_d_state, 1));
}

std::vector<TensorSlices::Segment> TensorSlices::segments(const CutRule& rule, const TensorInfo& tensor,
                                                          std::uint64_t elements, std::uint64_t block) const {
  const auto il = static_cast<std::uint32_t>(std::max(tensor.layer, 0));
  if (rule.unit == Unit::element) return {{elements, 1, 1}};
  if (rule.unit == Unit::ffn) {
    // Gate and up in one matrix are cut alike.
    const auto bare = without_layer(rule.name);
    const bool stacked = bare.starts_with("ffn_gate_up") || elements == std::uint64_t{2} * spec_.n_ff.at(il);
    return {{stacked ? elements / 2 : elements, stacked ? 2U : 1U, std::lcm(block, wide_block)}};
  }
  if (spec_.recurrent(il)) {
    const auto step = linear_step(block);
    const std::uint64_t head = std::max(spec_.ssm_d_state, 1U), keys = head * spec_.ssm_n_group;
    const std::uint64_t per_key = spec_.ssm_n_group == 0 ? 1 : spec_.ssm_dt_rank / spec_.ssm_n_group;
    if (rule.unit == Unit::linear_pair) return {{elements, 1, 2 * (step / head)}};
    const bool heads = rule.unit == Unit::linear_head;
    if (!linear_by_key_) return {{elements, 1, heads ? step / head : step}};
    const bool mixed = rule.unit == Unit::fused || rule.name == "ssm_conv1d.weight";  // queries, keys and values
    if (spec_.architecture != "qwen3next")
      return heads ? std::vector<Segment>{{spec_.ssm_n_group, per_key, step / head}}
                   : std::vector<Segment>{{keys, mixed ? 2 + per_key : per_key, step}};
    if (mixed) return {{keys, 2, step}, {keys * per_key, 1, step}};
    return {{elements, 1, heads ? step / head : step}};
  }
  const auto steps = attention_steps(il, block);
  // A query projection that carries its gate is twice as wide.
  const auto query = linear_by_key_ ? steps.gated_query : steps.query;
  switch (rule.unit) {
    case Unit::query: return {{elements, 1, rule.master == Master::own ? steps.query : query}};
    case Unit::head: return {{elements, 1, steps.head}};
    case Unit::gate: return {{elements, 1, tensor.shape[1] == spec_.n_head.at(il) ? steps.head : steps.query}};
    case Unit::fused: {
      const std::uint64_t values = std::uint64_t{spec_.n_head_kv.at(il)} * spec_.v_dim(il);
      return {{elements - std::min(elements, 2 * values), 1, query}, {values, 2, steps.key}};
    }
    default: return {{elements, 1, steps.key}};
  }
}

std::vector<TensorSlices::Segment> TensorSlices::state_segments(CacheRow part, std::uint32_t il,
                                                                std::uint64_t row) const {
  const std::uint64_t head = std::max(spec_.ssm_d_state, 1U);
  const auto width = part == CacheRow::convolution ? std::uint64_t{std::max(spec_.ssm_d_conv, 1U) - 1} : head;
  const auto step = linear_step(blocks_[il].ssm_out) * width;
  const std::uint64_t keys = std::uint64_t{spec_.ssm_n_group} * head * width;
  const std::uint64_t per_key = spec_.ssm_n_group == 0 ? 1 : spec_.ssm_dt_rank / spec_.ssm_n_group;
  if (part == CacheRow::convolution && linear_by_key_)
    return spec_.architecture == "qwen3next" ? std::vector<Segment>{{keys, 2, step}, {keys * per_key, 1, step}}
                                             : std::vector<Segment>{{keys, 2 + per_key, step}};
  if (linear_by_key_ && spec_.architecture != "qwen3next") return {{keys, per_key, step}};
  return {{row, 1, step}};
}

/// The device that is served first changes from layer to layer of a kind, so that rounding evens out.
std::size_t TensorSlices::rotation(std::uint32_t il) const {
  std::size_t before = 0;
  for (std::uint32_t i = 0; i < il; ++i)
    if (spec_.recurrent(i) == spec_.recurrent(il) && spec_.slides(i) == spec_.slides(il)) ++before;
  return before % n_device();
}

/// Boundaries in single precision, rounded down to the step, as llama.cpp does.
std::uint64_t TensorSlices::part(const std::vector<Segment>& segments, std::size_t rotation, std::size_t device) const {
  const auto n = n_device();
  const auto turn = (device + n - rotation) % n;
  std::vector<float> scan;
  for (std::size_t i = 0; i < n; ++i)
    scan.push_back(static_cast<float>(shares_[(i + rotation) % n]) + (i > 0 ? scan.back() : 0.0F));
  std::uint64_t sum = 0;
  for (const auto& segment : segments) {
    const auto boundary = [&](std::size_t i) {
      if (i == 0) return std::uint64_t{0};
      if (i == n) return segment.elements;
      const auto at =
          scan.back() == 0.0F
              ? segment.elements * i / n
              : static_cast<std::uint64_t>(static_cast<float>(segment.elements) * scan[i - 1] / scan.back());
      return at - at % segment.step;
    };
    sum += (boundary(turn + 1) - boundary(turn)) * segment.repeats;
  }
  return sum;
}

Shape TensorSlices::shard_of(const TensorInfo& tensor, std::size_t device) const {
  auto shape = tensor.shape;
  const auto whole = std::any_of(replicated.begin(), replicated.end(),
                                 [&](std::string_view mark) { return tensor.name.find(mark) != std::string::npos; });
  if (shape[1] > 1 && !whole) shape[1] = part({{shape[1], 1, 1}}, 0, device);
  return shape;
}

/// Every device has a head, its own or a copy; latent attention's one row is on all of them.
std::uint64_t TensorSlices::shard_of(CacheRow part_of, std::uint32_t layer, std::uint64_t row) const {
  const auto share = (row + n_device() - 1) / n_device();
  switch (part_of) {
    case CacheRow::keys: return spec_.keeps_keys_only() ? row : std::max<std::uint64_t>(share, spec_.k_dim(layer));
    case CacheRow::values: return std::max<std::uint64_t>(share, spec_.v_dim(layer));
    case CacheRow::convolution:
    case CacheRow::recurrent: return share;
  }
  return row;
}

Shape TensorSlices::of(const TensorInfo& tensor, std::size_t device) const {
  auto shape = tensor.shape;
  if (sharded_) return shard_of(tensor, device);
  const auto* rule = rule_for(tensor.name);
  if (rule == nullptr || shape[rule->axis] == 1) return shape;
  const auto il = static_cast<std::uint32_t>(std::max(tensor.layer, 0));
  const auto& blocks = blocks_[il];
  const std::uint64_t own = info(tensor.type).block_elements;
  const auto block = rule->master == Master::own       ? own
                     : rule->master == Master::mixer   ? blocks.mixer()
                     : rule->master == Master::ssm_out ? blocks.ssm_out
                                                       : blocks.ffn_down;
  // Without the matrix that decides there is nothing to keep in step with.
  if (block == 0) return shape;
  const auto turn = tensor.layer < 0 ? spec_.n_layer_trunk() % n_device() : rotation(il);
  shape[rule->axis] = part(segments(*rule, tensor, shape[rule->axis], block), turn, device);
  return shape;
}

std::uint64_t TensorSlices::of(CacheRow part_of, std::uint32_t layer, std::uint64_t row, std::size_t device) const {
  if (sharded_) return shard_of(part_of, layer, row);
  const auto& blocks = blocks_[layer];
  switch (part_of) {
    case CacheRow::keys:
    case CacheRow::values: {
      const auto block = blocks.attn_output;
      return block == 0 ? row : part({{row, 1, attention_steps(layer, block).key}}, rotation(layer), device);
    }
    case CacheRow::convolution:
    case CacheRow::recurrent:
      // Short convolutions run whole on every device.
      return blocks.ssm_out == 0 ? row : part(state_segments(part_of, layer, row), rotation(layer), device);
  }
  return row;
}

}  // namespace willitrun
