#include "willitrun/fits.hpp"

#include <algorithm>
#include <limits>

#include "willitrun/quality.hpp"
#include "willitrun/speed_model.hpp"

namespace willitrun {
namespace {

constexpr std::uint32_t default_context = 8192;
constexpr double least_kept = 0.1;
/// Input tables and next-token-prediction blocks, which take no device memory, are less than a tenth of models of this
/// size and more (a test holds it against the catalog).
constexpr std::uint64_t large_model = 20'000'000'000;
constexpr double device_share = 0.9;

/// A preset, and how much of a model it keeps.
struct Choice {
  QuantPreset preset;
  double kept = 0;
  double bits = 0;  ///< least per weight
};

/// Best first; of those that keep as much, the smaller, which is the faster.
bool better(const Choice& a, const Choice& b) { return a.kept != b.kept ? a.kept > b.kept : a.bits < b.bits; }

/// What is kept by a preset nobody measured: as much as by the next smaller measured one.
double assumed_share(const QuantPreset& preset) {
  double share = 0, bits = 0;
  for (const auto& other : quant_presets()) {
    const auto kept = kept_share(other.id);
    if (!kept || least_bits(other) > least_bits(preset) || least_bits(other) < bits) continue;
    share = least_bits(other) == bits ? std::max(share, *kept) : *kept;
    bits = least_bits(other);
  }
  return share;
}

/// Whether a model was trained at this preset, so that nothing is lost.
bool is_native(const ModelEntry& entry, const QuantPreset& preset) {
  return (entry.native_quant == "mxfp4" && preset.id == "mxfp4_moe") ||
         (entry.native_quant == "tq2_0" && preset.id == "tq2_0");
}

Bytes plus(Bytes a, Bytes b) { return checked_add(a, b).value_or(UINT64_MAX); }

class Ranker {
 public:
  explicit Ranker(const FitsRequest& request) : request_(request) {
    for (const auto& device : request.machine.devices) {
      device_room_ = plus(device_room_, device.usable_bytes());
      const auto& rate = device.spec.bandwidth_gb_s;
      device_rate_ += rate ? *rate * 1e9 : std::numeric_limits<double>::infinity();
    }
    resident_ = request.requirement.level != Requirement::Level::runs && !request.machine.devices.empty();
    room_ = resident_ ? device_room_ : plus(device_room_, request.machine.host.usable_bytes().value_or(UINT64_MAX));
    host_rate_ = request.machine.host.bandwidth_gb_s.value_or(typical_host_gb_s) * 1e9;
    if (device_rate_ <= 0) device_rate_ = host_rate_;
    slow_below_ = std::min(reading_speed, request.requirement.min_tokens_per_s.value_or(reading_speed));
    // The context asked for is held against the longest one here, see rows_of().
    requirement_.min_ctx.reset();
  }

  /// The rows of one model; one at most, unless every preset has its own.
  std::vector<FitRow> rows_of(const ModelEntry& entry) {
    std::vector<FitRow> rows;
    const auto choices = choices_for(entry);
    if (choices.empty()) return rows;
    const auto model = model_from_entry(entry);
    if (!model) return rows;
    const auto& own = model->spec.n_ctx_train;
    if (request_.n_ctx && own != 0 && own < *request_.n_ctx) return rows;
    const auto trunk = trunk_elements(*model);
    std::optional<Choice> slow;
    for (const auto& choice : choices) {
      if (!request_.every_preset && !rows.empty() && is_settled(rows.front(), choice)) break;
      if (static_cast<double>(trunk) * choice.bits / 8 > static_cast<double>(room_)) continue;
      if (!request_.every_preset && surely_slow(model->spec, trunk, choice)) {
        if (!slow) slow = choice;
        continue;
      }
      if (auto row = try_choice(entry, *model, choice)) keep(std::move(*row), rows);
    }
    if (slow && (rows.empty() || rows.front().tier > FitTier::slow))
      if (auto row = try_choice(entry, *model, *slow)) keep(std::move(*row), rows);
    return rows;
  }

  /// The worth no row of this model exceeds.
  static double most(const ModelEntry& entry) { return effective_parameters(entry); }

 private:
  std::vector<Choice> choices_for(const ModelEntry& entry) const {
    std::vector<Choice> out;
    const auto add = [&](const QuantPreset& preset, double kept) {
      const Choice choice{preset, is_native(entry, preset) ? 1.0 : kept, least_bits(preset)};
      const double least =
          entry.parameters >= large_model ? device_share * choice.bits / 8 * static_cast<double>(entry.parameters) : 0;
      if (least <= static_cast<double>(room_)) out.push_back(choice);
    };
    for (const auto& preset : request_.presets) add(preset, kept_share(preset.id).value_or(assumed_share(preset)));
    if (request_.presets.empty())
      for (const auto& preset : quant_presets()) {
        const auto kept = kept_share(preset.id);
        if (kept || is_native(entry, preset)) add(preset, kept.value_or(1.0));
      }
    std::stable_sort(out.begin(), out.end(), better);
    return out;
  }

  /// Elements that lie on the accelerators when all does.
  static std::uint64_t trunk_elements(const Model& model) {
    std::uint64_t sum = 0;
    for (const auto& tensor : model.tensors)
      if (tensor.place == TensorPlace::layer && tensor.layer < static_cast<std::int32_t>(model.spec.n_layer_trunk()))
        sum += element_count(tensor.shape).value_or(0);
    return sum;
  }

  /// Whether reading every token's weights takes longer than is bearable even at all memories' full bandwidth.
  bool surely_slow(const ModelSpec& spec, std::uint64_t trunk, const Choice& choice) const {
    if (!spec.keeps_cache) return false;
    const double fired = spec.n_expert == 0 ? 1.0 : static_cast<double>(spec.n_expert_used) / spec.n_expert;
    const double bytes = fired * static_cast<double>(trunk) * choice.bits / 8;
    const double on_devices = std::min(bytes, fired * static_cast<double>(device_room_));
    const double seconds = on_devices / device_rate_ + (bytes - on_devices) / host_rate_;
    return seconds > 1 / slow_below_;
  }

  /// Whether no choice from `next` on can take this row's place.
  static bool is_settled(const FitRow& row, const Choice& next) {
    return row.tier == FitTier::good || (next.kept < least_kept && row.tier < FitTier::worn) ||
           row.tier == FitTier::worn;
  }

  void keep(FitRow row, std::vector<FitRow>& rows) const {
    if (request_.every_preset || rows.empty())
      rows.push_back(std::move(row));
    else if (row.tier < rows.front().tier || (row.tier == rows.front().tier && row.effective > rows.front().effective))
      rows.front() = std::move(row);
  }

  std::optional<FitRow> try_choice(const ModelEntry& entry, const Model& base, const Choice& choice) const {
    auto model = base;
    apply_quant(choice.preset, model.spec, model.tensors);
    CheckRequest question;
    question.model = weigh_model(std::move(model));
    if (!may_fit(*question.model)) return std::nullopt;
    question.quant = choice.preset.name;
    question.context = request_.context;
    const auto own = base.spec.n_ctx_train;
    question.context.n_ctx = request_.longest_ctx ? own
                             : request_.n_ctx     ? *request_.n_ctx
                             : own == 0           ? default_context
                                                  : std::min(default_context, own);
    question.requested_ctx = question.context.n_ctx;
    question.longest_ctx = request_.longest_ctx;
    question.placement = request_.placement;
    question.machine = request_.machine;
    question.speed = request_.speed;
    question.speed.quant = choice.preset.id;
    question.requirement = requirement_;
    question.advise = false;
    auto report = check(question);
    if (!report || !report->verdict.met) return std::nullopt;
    question.measure_room = true;
    report = check(question);
    auto row = row_of(entry, choice, *report);
    const auto& least = request_.requirement.min_ctx;
    if (least && row.outcome.max_ctx && *row.outcome.max_ctx / request_.context.n_seq_max < *least) return std::nullopt;
    return row;
  }

  /// Weights alone against all memory there is.
  bool may_fit(const WeighedModel& model) const {
    Bytes sum = model.weights.output.file;
    for (const auto& layer : model.weights.layers) sum += layer.total().file;
    return sum <= room_;
  }

  FitRow row_of(const ModelEntry& entry, const Choice& choice, const Report& report) const {
    FitRow row;
    row.id = entry.id;
    row.name = entry.name;
    row.license = entry.license;
    row.released = entry.released;
    row.tasks = tasks_of(entry);
    row.parameters = report.model.parameters;
    row.active_parameters = report.model.active_parameters;
    row.kept = choice.kept;
    row.effective = effective_parameters(entry) * choice.kept;
    row.quant_id = choice.preset.id;
    row.outcome = outcome_of(report);
    row.outcome.model = entry.id;
    row.host_bytes = report.host.total();
    const auto& speed = row.outcome.decode_tokens_per_s;
    // What decodes nothing, an encoder, cannot be slow at it.
    const bool slow = report.context.allocated > 0 && (!speed || speed->mid < slow_below_);
    row.tier = choice.kept < least_kept                    ? FitTier::worn
               : slow                                      ? FitTier::slow
               : row.outcome.verdict == VerdictCode::tight ? FitTier::tight
                                                           : FitTier::good;
    return row;
  }

  const FitsRequest& request_;
  Requirement requirement_ = request_.requirement;
  Bytes device_room_ = 0, room_ = 0;
  double device_rate_ = 0, host_rate_ = 0;  ///< bytes per second, all accelerators together
  bool resident_ = false;
  double slow_below_ = reading_speed;
};

bool ahead(const FitRow& a, const FitRow& b) {
  const auto speed = [](const FitRow& row) {
    return row.outcome.decode_tokens_per_s ? row.outcome.decode_tokens_per_s->mid : 0;
  };
  if (a.tier != b.tier) return a.tier < b.tier;
  if (a.effective != b.effective) return a.effective > b.effective;
  if (speed(a) != speed(b)) return speed(a) > speed(b);
  return a.id != b.id ? a.id < b.id : a.quant_id < b.quant_id;
}

}  // namespace

FitList rank_fits(const FitsRequest& request) {
  FitList list;
  auto entries = all_models();
  std::erase_if(entries, [&](const ModelEntry& entry) { return !passes(entry, request.filter); });
  list.n_model = entries.size();
  std::stable_sort(entries.begin(), entries.end(),
                   [](const ModelEntry& a, const ModelEntry& b) { return Ranker::most(a) > Ranker::most(b); });
  Ranker ranker(request);
  for (const auto& entry : entries) {
    // Models come in falling worth: once enough good rows are ahead of all that can follow, the rest is left out.
    const auto ahead_of_rest = std::count_if(list.rows.begin(), list.rows.end(), [&](const FitRow& row) {
      return row.tier == FitTier::good && row.effective > Ranker::most(entry);
    });
    if (request.limit != 0 && static_cast<std::size_t>(ahead_of_rest) >= request.limit) {
      list.more = true;
      break;
    }
    for (auto& row : ranker.rows_of(entry)) list.rows.push_back(std::move(row));
  }
  std::stable_sort(list.rows.begin(), list.rows.end(), ahead);
  if (request.limit != 0 && list.rows.size() > request.limit) {
    list.rows.resize(request.limit);
    list.more = true;
  }
  return list;
}

}  // namespace willitrun
