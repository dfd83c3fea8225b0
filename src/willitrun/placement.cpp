#include "willitrun/placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "willitrun/vllm_memory.hpp"

namespace willitrun {
namespace {

/// Largest n in [0, high] with slack(n) >= 0, given that slack falls and slack(0) >= 0. Memory is nearly linear in
/// layers and in context, so interpolation finds it in a few tries; every third one halves the bracket.
template <class Slack>
std::uint32_t last_within(std::uint32_t high, Slack slack) {
  auto above = slack(high);
  if (high == 0 || above >= 0) return high;
  std::uint32_t low = 0;
  auto below = std::max<std::int64_t>(slack(0), 0);
  for (unsigned tried = 0; high - low > 1; ++tried) {
    const auto width = static_cast<double>(high - low);
    const auto share = static_cast<double>(below) / (static_cast<double>(below) - static_cast<double>(above));
    const auto step = static_cast<std::uint32_t>(width * (tried % 3 < 2 ? share : 0.5));
    const auto middle = low + std::clamp(step, 1U, high - low - 1);
    const auto value = slack(middle);
    if (value >= 0)
      low = middle, below = value;
    else
      high = middle, above = value;
  }
  return low;
}

/// Bytes left on each device by weights, cache and state alone.
std::vector<std::int64_t> stored_slack(const Footprint& footprint, const Machine& machine, const Split& split) {
  const auto loads = distribute_stored(footprint, split);
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < loads.devices.size(); ++i) {
    const auto total = loads.devices[i].total();
    const auto overhead = total > 0 ? machine.devices[i].overhead_bytes : 0;
    out.push_back(static_cast<std::int64_t>(machine.devices[i].usable_bytes()) -
                  static_cast<std::int64_t>(total + overhead));
  }
  return out;
}

/// Fills devices the way llama.cpp's --fit does (common/fit.cpp, steps 3 and 4).
class Filler {
 public:
  /// Each step minds its own device, as llama.cpp does, or with `all_devices` the others too, into which layers
  /// shift and whose scratch grows.
  Filler(const Footprint& footprint, const Machine& machine, bool all_devices)
      : footprint_(footprint), machine_(machine), all_devices_(all_devices), shares_(machine.devices.size()) {}

  /// Layers, and for expert models experts, as far as memory goes.
  [[nodiscard]] Placement fill() {
    fill_layers();
    if (footprint_.spec().is_moe() && complete()) fill_experts();
    return placement();
  }

 private:
  /// Layers from the back, for expert models without their experts.
  void fill_layers() {
    const auto all = footprint_.spec().n_layer_trunk() + 1;
    const bool moe = footprint_.spec().is_moe();
    for (auto id = shares_.size(); id-- > 0;) {
      std::uint32_t taken = 0;
      for (auto later = id + 1; later < shares_.size(); ++later) taken += shares_[later].n_layer;
      const bool last = id + 1 == shares_.size();
      const auto share_of = [&](std::uint32_t n) {
        // The last device's output layer has no experts to give up.
        return DeviceShare{n, moe && n > 0 ? n - (last ? 1 : 0) : 0};
      };
      shares_[id] = share_of(last_within(all - taken, [&](std::uint32_t n) {
        shares_[id] = share_of(n);
        return slack(id);
      }));
    }
  }

  /// Whether all layers found a place.
  [[nodiscard]] bool complete() const {
    std::uint32_t sum = 0;
    for (const auto& share : shares_) sum += share.n_layer;
    return sum == footprint_.spec().n_layer_trunk() + 1;
  }

  /// Experts from the front, as far as each device's memory goes.
  void fill_experts() {
    for (std::size_t id = 0; id < shares_.size(); ++id) {
      const auto before = shares_;
      std::uint32_t convertible = 0;
      for (auto from = id; from < before.size(); ++from) convertible += before[from].n_part;
      const auto n = last_within(convertible, [&](std::uint32_t k) {
        shares_ = converted(before, id, k);
        return slack(id);
      });
      shares_ = converted(before, id, n);
    }
  }

  /// Exact where it is 0 or more; below, scratch may be left out of it.
  [[nodiscard]] std::int64_t slack(std::size_t id) const {
    const auto now_split = split();
    const auto stored = stored_slack(footprint_, machine_, now_split);
    const auto bound = all_devices_ ? *std::min_element(stored.begin(), stored.end()) : stored[id];
    if (bound < 0) return bound;
    const auto now = place(footprint_, machine_, now_split);
    return all_devices_ ? now.least_slack() : now.slack[id];
  }

  [[nodiscard]] Split split() const {
    const auto& spec = footprint_.spec();
    return make_split(spec.n_layer, spec.n_layer_trunk(), shares_, footprint_.params.offload_kqv);
  }
  [[nodiscard]] Placement placement() const { return place(footprint_, machine_, split()); }

  /// `n` layers that lack their experts, from the first device that has such, made full ones of device `id`.
  static std::vector<DeviceShare> converted(std::vector<DeviceShare> shares, std::size_t id, std::uint32_t n) {
    for (auto from = id; from < shares.size() && n > 0; ++from) {
      const auto moved = std::min(n, shares[from].n_part);
      shares[from].n_layer -= moved;
      shares[from].n_part -= moved;
      shares[id].n_layer += moved;
      n -= moved;
    }
    return shares;
  }

  const Footprint& footprint_;
  const Machine& machine_;
  bool all_devices_;
  std::vector<DeviceShare> shares_;
};

bool slices(const Model& model, const PlacementOptions& options, std::size_t n_device) {
  if (n_device < 2) return false;
  return options.split_mode == SplitMode::tensor ||
         (options.split_mode == SplitMode::parallel && undivided_part(model, n_device).empty());
}

/// What the user fixed, and everything on the accelerators where nothing was.
Split split_as_asked(const Footprint& footprint, const Machine& machine, const PlacementOptions& options) {
  const auto n_layer = footprint.spec().n_layer;
  const auto gpu_layers = std::min(options.gpu_layers.value_or(n_layer + 1), n_layer + 1);
  const auto cpu_moe_layers = options.cpu_moe_layers.value_or(0);
  const bool offload_kqv = footprint.params.offload_kqv;
  auto shares = options.tensor_split;
  const bool parallel = options.split_mode == SplitMode::parallel;
  const bool stages = parallel || options.split_mode == SplitMode::stages;
  if (slices(footprint.weighed->model, options, machine.devices.size())) {
    shares.resize(machine.devices.size());
    auto split = make_sliced_split(n_layer, gpu_layers, std::move(shares), cpu_moe_layers, offload_kqv);
    split.sharded = parallel;
    return split;
  }
  if (stages && machine.devices.size() > 1)
    return make_staged_split(n_layer, footprint.spec().n_layer_trunk(),
                             static_cast<std::uint32_t>(machine.devices.size()), offload_kqv);
  if (shares.empty())
    for (const auto& device : machine.devices) shares.push_back(static_cast<double>(device.visible_bytes));
  if (options.split_mode == SplitMode::none)
    for (std::size_t i = 1; i < shares.size(); ++i) shares[i] = 0;
  return make_split(n_layer, gpu_layers, shares, cpu_moe_layers, offload_kqv);
}

Placement place_as_asked(const Footprint& footprint, const Machine& machine, const PlacementOptions& options) {
  return place(footprint, machine, split_as_asked(footprint, machine, options));
}

/// The largest number of whole layers that fits with the rest as asked.
Placement fewer_layers(const Footprint& footprint, const Machine& machine, PlacementOptions options) {
  options.gpu_layers = last_within(footprint.spec().n_layer + 1, [&](std::uint32_t n) {
    auto attempt = options;
    attempt.gpu_layers = n;
    return place_as_asked(footprint, machine, attempt).least_slack();
  });
  return place_as_asked(footprint, machine, options);
}

/// Every layer with as many blocks' experts as fit, or nothing if not even without experts all layers do.
std::optional<Placement> fewer_experts(const Footprint& footprint, const Machine& machine, PlacementOptions options) {
  const auto n_layer = footprint.spec().n_layer;
  const auto with = [&](std::uint32_t kept) {
    options.cpu_moe_layers = n_layer - kept;
    return place_as_asked(footprint, machine, options);
  };
  if (!footprint.spec().is_moe() || with(0).least_slack() < 0) return {};
  return with(last_within(n_layer, [&](std::uint32_t kept) { return with(kept).least_slack(); }));
}

std::uint32_t count_hosted_experts(const Footprint& footprint, const Split& split) {
  std::uint32_t count = 0;
  for (std::uint32_t il = 0; il < footprint.spec().n_layer_trunk(); ++il)
    if (split.experts_host(il) && footprint.weights().layers[il].experts.file > 0) ++count;
  return count;
}

/// Bytes to spare with everything on the accelerators; below 0 when that cannot be.
std::int64_t resident_slack(const Footprint& footprint, const Machine& machine, const PlacementOptions& options) {
  const auto asked = place_as_asked(footprint, machine, options);
  const auto resident = [](const Placement& placement) { return placement.fits() && placement.fully_on_device(); };
  if (resident(asked)) return asked.least_slack();
  // Unequal accelerators may hold it when it is shared out otherwise.
  if (machine.devices.size() > 1 && resident(solve_placement(footprint, machine, options))) return 0;
  return std::min<std::int64_t>(asked.least_slack(), -1);
}

/// Rows of a matrix that share a scale and lie on one device; vLLM refuses less: "is not divisible by weight
/// quantization block_n = 128" (issue 17569).
std::uint64_t kept_together(const Model& model) {
  const auto& tensors = model.tensors;
  const bool blocks = std::any_of(tensors.begin(), tensors.end(),
                                  [](const TensorInfo& t) { return t.type == TensorType::fp8_block128; });
  return blocks ? 128 : 1;
}

}  // namespace

std::string undivided_part(const Model& model, std::size_t n_device) {
  const auto& spec = model.spec;
  const auto n = static_cast<std::uint64_t>(n_device);
  const auto block = kept_together(model);
  const auto undivided = [&](std::uint64_t rows) { return rows % (n * block) != 0; };
  const auto kept = block > 1 ? fmt::format(" in blocks of {}", block) : "";
  for (std::uint32_t il = 0; il < spec.n_layer_trunk(); ++il) {
    const std::uint64_t heads = spec.n_head.at(il), keys = spec.n_head_kv.at(il);
    if (heads % n != 0) return fmt::format("{} attention heads", heads);
    // Fewer keys than devices are copied.
    if (keys % n != 0 && (keys > n || n % std::max<std::uint64_t>(keys, 1) != 0))
      return fmt::format("{} key heads", keys);
    if (undivided(spec.n_ff.at(il))) return fmt::format("{} feed-forward rows{}", spec.n_ff.at(il), kept);
  }
  if (undivided(spec.n_ff_expert)) return fmt::format("{} rows of an expert{}", spec.n_ff_expert, kept);
  if (undivided(spec.n_ff_shared_expert))
    return fmt::format("{} rows of the shared expert{}", spec.n_ff_shared_expert, kept);
  constexpr std::uint64_t vocabulary_step = 64;  // DEFAULT_VOCAB_PADDING_SIZE
  if (round_up(spec.n_vocab, vocabulary_step) % n != 0) return fmt::format("{} words", spec.n_vocab);
  return {};
}

bool Placement::fully_on_device() const {
  const bool layers = !devices.empty() &&
                      std::none_of(split.layer_device.begin(), split.layer_device.end(), [](auto d) { return d < 0; });
  return layers && n_hosted_experts == 0 && split.kv_on_device;
}

std::int64_t Placement::least_slack() const {
  return slack.empty() ? 0 : *std::min_element(slack.begin(), slack.end());
}

Bytes Placement::total() const {
  return std::accumulate(devices.begin(), devices.end(), host.total(),
                         [](Bytes sum, const Load& load) { return sum + load.total(); });
}

namespace {

/// On one physical pool the device's entry holds what the host would. The GPU's limit binds its own part alone; the
/// rest runs on the processor, from what the system leaves.
void share_pool(const Footprint& footprint, const Device& device, Placement& placement) {
  auto& load = placement.devices[0];
  const auto of_gpu = load.total();
  load += std::exchange(placement.host, Load{});
  load.weights -= counted_twice(footprint, placement.split);
  placement.beside_gpu = load.total() - std::min(of_gpu, load.total());
  const auto pool = device.usable_pool();
  placement.host_fits = load.total() <= pool;
  const bool by_limit = placement.fully_on_device() || !placement.devices_fit;
  placement.usable[0] = by_limit ? std::min(device.usable_bytes() + placement.beside_gpu, pool) : pool;
}

}  // namespace

Placement place(const Footprint& asked, const Machine& machine, const Split& split) {
  std::optional<Footprint> served;
  if (asked.params.served) served = paged(asked, split, machine);
  const auto& footprint = served ? *served : asked;
  Placement placement;
  placement.split = split;
  placement.context = footprint.context;
  auto loads = distribute(footprint, split);
  placement.devices = std::move(loads.devices);
  placement.host = loads.host;
  placement.n_hosted_experts = count_hosted_experts(footprint, split);
  for (std::size_t i = 0; i < placement.devices.size(); ++i) {
    auto& load = placement.devices[i];
    // A device that holds nothing is not opened.
    if (load.total() > 0) {
      load.overhead = machine.devices[i].overhead_bytes;
      if (footprint.params.served) load.compute = profiled_memory(footprint, split, i, machine).total();
    }
    placement.usable.push_back(machine.devices[i].usable_bytes());
    placement.slack.push_back(static_cast<std::int64_t>(placement.usable[i]) - static_cast<std::int64_t>(load.total()));
    placement.devices_fit = placement.devices_fit && placement.slack[i] >= 0;
  }
  if (machine.unified())
    share_pool(footprint, machine.devices[0], placement);
  else if (const auto usable = machine.host.usable_bytes())
    placement.host_fits = placement.host.total() <= *usable;
  return placement;
}

Placement solve_placement(const Footprint& footprint, const Machine& machine, const PlacementOptions& options) {
  const auto as_asked = split_as_asked(footprint, machine, options);
  const auto stored = stored_slack(footprint, machine, as_asked);
  const bool fixed = options.gpu_layers || machine.devices.empty();
  const bool hopeless = std::any_of(stored.begin(), stored.end(), [](std::int64_t bytes) { return bytes < 0; });
  if (fixed || !hopeless)
    if (auto asked = place(footprint, machine, as_asked); fixed || asked.devices_fit) return asked;
  if (as_asked.sliced() && !options.cpu_moe_layers)
    if (auto fewer = fewer_experts(footprint, machine, options)) return *fewer;
  if (options.cpu_moe_layers || !options.tensor_split.empty() || options.split_mode != SplitMode::layer)
    return fewer_layers(footprint, machine, options);
  for (const bool all_devices : {false, true})
    if (auto filled = Filler(footprint, machine, all_devices).fill(); filled.devices_fit) return filled;
  return fewer_layers(footprint, machine, options);
}

LongestContext longest_context(const Footprint& footprint, const Machine& machine, const PlacementOptions& options,
                               std::uint32_t limit) {
  constexpr std::uint32_t step = 256;  // contexts are padded to it
  const auto at = [&](std::uint32_t steps) {
    auto params = footprint.params;
    params.n_ctx = std::max(steps, 1U) * step;
    return measure(footprint.weighed, params);
  };
  const auto steps = std::max(limit / step, 1U);
  LongestContext longest;
  const auto slack = [&](std::uint32_t n) { return resident_slack(at(n), machine, options); };
  if (slack(1) >= 0) longest.on_device = step * last_within(steps, slack);
  // System memory of unknown size takes whatever spills.
  const bool unbounded = !machine.unified() && !machine.host.usable_bytes() && !options.gpu_layers;
  if (longest.on_device == steps * step || unbounded || solve_placement(at(steps), machine, options).fits()) {
    longest.anywhere = steps * step;
    return longest;
  }
  // Spilling takes over where the accelerators end; what ends it is the host's memory.
  longest.anywhere = step * last_within(steps, [&](std::uint32_t n) {
                       const auto placement = solve_placement(at(n), machine, options);
                       return placement.fits() ? std::int64_t{1} : std::int64_t{-1};
                     });
  return longest;
}

std::uint32_t chosen_context(const Footprint& footprint, const Machine& machine, const PlacementOptions& options) {
  constexpr std::uint32_t shortest = 4096;  // llama.cpp's --fit-ctx default
  const auto own = footprint.spec().n_ctx_train;
  if (own <= shortest) return own == 0 ? shortest : own;
  const auto longest = longest_context(footprint, machine, options, own);
  return std::max(longest.on_device != 0 ? longest.on_device : std::min(longest.anywhere, shortest), shortest);
}

}  // namespace willitrun
