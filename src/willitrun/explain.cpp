// The parts every figure of a report is made of.
#include "willitrun/advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "willitrun/architecture.hpp"
#include "willitrun/memory_rules.hpp"
#include "willitrun/vllm_memory.hpp"

namespace willitrun {
namespace {

struct Group {
  std::string_view title;
  std::string_view marks;  // between spaces; any occurs in the tensor's name, GGUF's or a safetensors file's
};
constexpr std::array tensor_groups{
    Group{"token embedding", "token_embd. position_embd token_types per_layer_token_embd"},
    Group{"attention",
          "attn_q. attn_k. attn_v. attn_qkv attn_output. attn_gate attn_q_ attn_k_b attn_v_b attn_kv self_attn. .attn. "
          "attention."},
    Group{"output", "output.weight cls"},
    Group{"shared experts", "_shexp .shared_expert"},
    Group{"experts", "_exps .experts"},
    Group{"recurrent", "ssm_ shortconv time_mix .mixer. .mamba. .linear_attn. .conv."},
    Group{"feed-forward", "ffn_up ffn_gate ffn_down .mlp. .feed_forward. intermediate.dense"},
};

bool has_mark(std::string_view name, std::string_view marks) {
  while (!marks.empty()) {
    const auto space = std::min(marks.find(' '), marks.size());
    if (name.find(marks.substr(0, space)) != std::string_view::npos) return true;
    marks.remove_prefix(std::min(space + 1, marks.size()));
  }
  return false;
}

Breakdown weights_by_group(const Footprint& footprint) {
  Breakdown out{"weights as stored", footprint.weights().file_bytes, {}};
  for (const auto& group : tensor_groups) out.parts.push_back({std::string(group.title), 0});
  out.parts.push_back({"norms and the rest", 0});
  for (const auto& tensor : footprint.weighed->model.as_stored()) {
    const auto it = std::find_if(tensor_groups.begin(), tensor_groups.end(),
                                 [&](const Group& g) { return has_mark(tensor.name, g.marks); });
    out.parts[static_cast<std::size_t>(it - tensor_groups.begin())].bytes += tensor.bytes();
  }
  std::erase_if(out.parts, [](const Part& part) { return part.bytes == 0; });
  return out;
}

Breakdown cache_by_kind(const Footprint& footprint) {
  Breakdown out{"context", 0, {}};
  Bytes full = 0, sliding = 0, state = 0;
  std::uint32_t n_full = 0, n_sliding = 0, n_state = 0;
  for (std::uint32_t il = 0; il < footprint.caches.size(); ++il) {
    const auto& c = footprint.caches[il];
    auto& bytes = footprint.spec().slides(il) ? sliding : full;
    auto& count = footprint.spec().slides(il) ? n_sliding : n_full;
    bytes += c.kv_device;
    count += c.kv_device > 0 ? 1 : 0;
    state += c.state_device;
    n_state += c.state_device > 0 ? 1 : 0;
  }
  const auto& x = footprint.context;
  if (full > 0) out.parts.push_back({fmt::format("{} layers x {} cells", n_full, x.n_ctx_seq * x.n_stream), full});
  if (sliding > 0)
    out.parts.push_back({fmt::format("{} sliding layers x {} cells", n_sliding, x.n_swa_cells * x.n_stream), sliding});
  if (state > 0) out.parts.push_back({fmt::format("state of {} recurrent layers", n_state), state});
  out.total = full + sliding + state;
  return out;
}

Breakdown by_kind(std::string title, const Load& load) {
  Breakdown out{std::move(title), load.total(), {}};
  const std::array<Part, 5> parts{Part{"weights", load.weights}, Part{"KV cache", load.kv_cache},
                                  Part{"recurrent state", load.state}, Part{"compute", load.compute},
                                  Part{"embedding tables", load.tables}};
  std::copy_if(parts.begin(), parts.end(), std::back_inserter(out.parts), [](const Part& p) { return p.bytes > 0; });
  return out;
}

/// What vLLM's profiling run is made of, in the place of one figure for scratch.
void split_scratch(const ProfiledMemory& profiled, const ServedBatch& batch, Breakdown& out) {
  const auto it = std::find_if(out.parts.begin(), out.parts.end(), [](const Part& p) { return p.name == "compute"; });
  if (it == out.parts.end()) return;
  const auto at = out.parts.erase(it);
  std::vector<Part> parts{{"activations", profiled.activations,
                           fmt::format("of {} tokens, or of {} requests' logits; within 8 % of vLLM's logs",
                                       format_grouped(batch.tokens), format_grouped(batch.sequences))},
                          {"rows of routed tokens", profiled.expert_rows, ""},
                          {"CUDA graphs", profiled.graphs, "within a factor of 2.5 of vLLM's logs"},
                          {"collectives", profiled.collectives, "0.2 to 1.8 GiB in logs"}};
  std::erase_if(parts, [](const Part& p) { return p.bytes == 0; });
  out.parts.insert(at, parts.begin(), parts.end());
}

/// What vLLM logs as "Available KV cache memory": all that is left of its share is cache.
std::optional<Breakdown> cache_pool(const Footprint& footprint, const Load& load, const Device& device) {
  const auto own = load.kv_cache + load.state;
  if (!footprint.params.served || own == 0 || load.total() > device.usable_bytes()) return std::nullopt;
  const auto pool = device.usable_bytes() - load.total() + own;
  const auto& context = footprint.context;
  const auto requests = static_cast<double>(pool) / static_cast<double>(own) * context.n_ctx / context.n_ctx_seq;
  return Breakdown{device.id + " gives the cache",
                   pool,
                   {{"this context", own},
                    {"other requests", pool - own,
                     fmt::format("{:.1f} of {} tokens in all", requests, format_grouped(context.n_ctx_seq))}}};
}

Part part_of(const MemoryRule& rule) { return {std::string(rule.name), rule.bytes, std::string(rule.basis)}; }

/// The runtime's share by rule, or in one piece where the user stated it.
void add_overhead(const Machine& machine, const Device& device, Bytes overhead, Breakdown& out) {
  if (overhead == 0) return;
  const auto rules = machine.share
                         ? std::vector{vllm_rule()}
                         : runtime_rules(device.spec, machine.backend, machine.driver_os(), device.memory_bytes);
  Bytes sum = 0;
  for (const auto& rule : rules) sum += rule.bytes;
  if (sum != overhead) {
    out.parts.push_back({"runtime overhead", overhead, "as stated"});
    return;
  }
  for (const auto& rule : rules) out.parts.push_back(part_of(rule));
}

/// From what is printed on the box to what a model may use.
Breakdown offered_by(const Machine& machine, const Device& device) {
  Breakdown out{device.id + " offers", device.memory_bytes, {}};
  const auto kept = device.memory_bytes - std::min(device.memory_bytes, device.visible_bytes);
  const auto rule = driver_rule(device.spec, machine.os, device.memory_bytes);
  if (kept > 0)
    out.parts.push_back(kept == rule.bytes ? part_of(rule) : Part{"not free", kept, "as stated or measured"});
  if (device.reserve_bytes > 0)
    out.parts.push_back({"left alone", std::min(device.reserve_bytes, device.visible_bytes),
                         machine.share ? fmt::format("--gpu-memory-utilization {:.2f}", *machine.share) : "--reserve"});
  out.parts.push_back({"usable", device.usable_bytes()});
  return out;
}

/// A shared pool, of which the GPU may not have all.
Breakdown offered_to_both(const Machine& machine, const Device& device) {
  Breakdown out{device.id + " and the processor are offered", device.memory_bytes, {}};
  const auto rule = system_rule(machine.os);
  const auto kept = device.memory_bytes - std::min(device.memory_bytes, device.pool_bytes);
  out.parts.push_back(kept == rule.bytes ? part_of(rule) : Part{"not free", kept, "as measured"});
  const auto usable = device.usable_pool();
  if (device.pool_bytes > usable) out.parts.push_back({"left alone", device.pool_bytes - usable, "--reserve"});
  out.parts.push_back({"usable", usable});
  return out;
}

Breakdown offered_by_system(const Machine& machine) {
  const auto& host = machine.host;
  Breakdown out{"system memory offers", *host.memory_bytes, {}};
  const auto kept = std::min(host.reserve_bytes, *host.memory_bytes);
  const auto rule = system_rule(machine.os);
  if (kept > 0)
    out.parts.push_back(kept == rule.bytes ? part_of(rule) : Part{"not free", kept, "as stated or measured"});
  out.parts.push_back({"usable", *host.usable_bytes()});
  return out;
}

/// A mapped file's pages count as needed: without them every token waits for the disk.
void say_mapped(const Footprint& footprint, Breakdown& out) {
  const auto it = std::find_if(out.parts.begin(), out.parts.end(), [](const Part& p) { return p.name == "weights"; });
  if (it != out.parts.end() && footprint.params.use_mmap)
    it->basis = "pages of the mapped file; the CPU backend copies those it repacks";
}

}  // namespace

std::vector<Breakdown> explain_figures(const Footprint& footprint, const Placement& placement, const Machine& machine) {
  std::vector<Breakdown> out{weights_by_group(footprint), cache_by_kind(paged(footprint, placement.split, machine))};
  for (std::size_t i = 0; i < placement.devices.size(); ++i) {
    out.push_back(by_kind(machine.devices[i].id + " holds", placement.devices[i]));
    if (footprint.params.served)
      split_scratch(profiled_memory(footprint, placement.split, i, machine),
                    served_batch(machine, *footprint.params.served), out.back());
    add_overhead(machine, machine.devices[i], placement.devices[i].overhead, out.back());
    if (auto pool = cache_pool(footprint, placement.devices[i], machine.devices[i])) out.push_back(std::move(*pool));
    out.push_back(offered_by(machine, machine.devices[i]));
    if (machine.devices[i].pool_bytes > machine.devices[i].visible_bytes && !placement.fully_on_device())
      out.push_back(offered_to_both(machine, machine.devices[i]));
  }
  if (placement.host.total() > 0) {
    out.push_back(by_kind("system memory holds", placement.host));
    say_mapped(footprint, out.back());
  }
  if (machine.host.memory_bytes && !machine.unified()) out.push_back(offered_by_system(machine));
  return out;
}

}  // namespace willitrun
