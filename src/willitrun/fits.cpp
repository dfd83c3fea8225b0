#include "willitrun/fits.hpp"

#include <algorithm>
#include <limits>
#include <memory>

#include "willitrun/engine_support.hpp"
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

/// What is kept by a preset nobody measured: as much as by the next smaller measured one, or by the smallest of all.
double assumed_share(const QuantPreset& preset) {
  double share = kept_share("iq1_s").value_or(0), bits = 0;
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

/// A row, and the question that answers how much context it has room for, while that is open.
struct Candidate {
  FitRow row;
  std::optional<CheckRequest> open;
};

class Ranker {
 public:
  explicit Ranker(const FitsRequest& request) : request_(request) {
    for (const auto& device : request.machine.devices) {
      device_room_ = plus(device_room_, device.usable_bytes());
      const auto& rate = device.spec.bandwidth_gb_s;
      device_rate_ += rate ? *rate * 1e9 : std::numeric_limits<double>::infinity();
    }
    resident_ = request.requirement.level != Requirement::Level::runs && !request.machine.devices.empty();
    const auto& machine = request.machine;
    room_ = resident_           ? device_room_
            : machine.unified() ? machine.devices[0].usable_pool()
                                : plus(device_room_, machine.host.usable_bytes().value_or(UINT64_MAX));
    host_rate_ = request.machine.host.bandwidth_gb_s.value_or(typical_host_gb_s) * 1e9;
    if (device_rate_ <= 0) device_rate_ = host_rate_;
    slow_below_ = std::min(reading_speed, request.requirement.min_tokens_per_s.value_or(reading_speed));
    // The context asked for is held against the longest one here, see rows_of().
    requirement_.min_ctx.reset();
  }

  /// Answers what is open.
  static void settle(Candidate& candidate) {
    if (!candidate.open) return;
    candidate.open->measure_room = true;
    if (const auto report = check(*candidate.open)) candidate.row.outcome.max_ctx = outcome_of(*report).max_ctx;
    candidate.open.reset();
  }

 private:
  friend class Search;

  /// Those to try for a model, best first, as far as its size alone does not rule them out.
  std::vector<Choice> choices_for(const ModelEntry& entry) const {
    std::vector<Choice> out;
    const auto large = entry.parameters >= large_model ? device_share / 8 * static_cast<double>(entry.parameters) : 0;
    for (auto choice : choices_) {
      if (is_native(entry, choice.preset)) choice.kept = 1;
      if (choice.kept > 0 && large * choice.bits <= static_cast<double>(room_)) out.push_back(choice);
    }
    std::stable_sort(out.begin(), out.end(), better);
    return out;
  }

  /// What is kept is 0 for presets only to be tried where models were trained at them.
  static std::vector<Choice> all_choices(const FitsRequest& request) {
    std::vector<Choice> out;
    for (const auto& preset : request.presets)
      if (!refused_device(request.speed.engine, request.machine, preset.id))
        out.push_back({preset, kept_share(preset.id).value_or(assumed_share(preset)), least_bits(preset)});
    if (request.presets.empty())
      for (const auto& preset : quant_presets())
        if (loads(request.speed.engine, preset) && !refused_device(request.speed.engine, request.machine, preset.id))
          out.push_back({preset, kept_share(preset.id).value_or(0), least_bits(preset)});
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

  void keep(Candidate candidate, std::vector<Candidate>& rows) const {
    if (request_.every_preset || rows.empty()) return rows.push_back(std::move(candidate));
    const auto& now = rows.front().row;
    const auto& row = candidate.row;
    if (row.tier < now.tier || (row.tier == now.tier && row.effective > now.effective))
      rows.front() = std::move(candidate);
  }

  std::optional<Candidate> try_choice(const ModelEntry& entry, const Model& model, const Choice& choice) const {
    const auto& spec = model.spec;
    const auto own = spec.n_ctx_train;
    auto context = request_.context;
    context.n_ctx = request_.longest_ctx ? own
                    : request_.n_ctx     ? *request_.n_ctx
                    : own == 0           ? default_context
                                         : std::min(default_context, own);
    if (!may_fit(model, context)) return std::nullopt;
    CheckRequest question;
    question.model = weigh_model(model);
    question.quant = choice.preset.name;
    question.context = context;
    question.requested_ctx = question.context.n_ctx;
    question.longest_ctx = request_.longest_ctx;
    question.placement = request_.placement;
    question.machine = request_.machine;
    question.speed = request_.speed;
    question.speed.quant = choice.preset.id;
    question.requirement = requirement_;
    question.advise = false;
    const auto report = check(question);
    if (!report || !report->verdict.met) return std::nullopt;
    Candidate out{row_of(entry, choice, *report), std::move(question)};
    // Few rows are shown of a list that is cut: the others need no answer.
    if (request_.limit == 0 || request_.requirement.min_ctx) settle(out);
    if (!has_room(out.row)) return std::nullopt;
    return out;
  }

  [[nodiscard]] bool has_room(const FitRow& row) const {
    const auto& least = request_.requirement.min_ctx;
    return !least || !row.outcome.max_ctx || *row.outcome.max_ctx / std::max(request_.context.n_seq_max, 1U) >= *least;
  }

  /// Weights and, for a context that is fixed, cache against all memory there is.
  bool may_fit(const Model& model, const ContextParams& context) const {
    Bytes sum = 0;
    for (const auto& tensor : model.tensors)
      if (tensor.place != TensorPlace::input && tensor.layer < static_cast<std::int32_t>(model.spec.n_layer_trunk()))
        sum += tensor.bytes();
    if (!request_.longest_ctx)
      for (const auto& cache : layer_caches(model.spec, context, resolve_context(model.spec, context)))
        sum += cache.kv_host + cache.state_host;
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
    // Where no speed is known, none is held against a model.
    const bool slow = speed && speed->mid < slow_below_;
    row.tier = choice.kept < least_kept                    ? FitTier::worn
               : slow                                      ? FitTier::slow
               : row.outcome.verdict == VerdictCode::tight ? FitTier::tight
                                                           : FitTier::good;
    return row;
  }

  const FitsRequest& request_;
  std::vector<Choice> choices_ = all_choices(request_);
  Requirement requirement_ = request_.requirement;
  Bytes device_room_ = 0, room_ = 0;
  double device_rate_ = 0, host_rate_ = 0;  ///< bytes per second, all accelerators together
  bool resident_ = false;
  double slow_below_ = reading_speed;
};

/// One model on its way through its presets, the best first. Its tensors are there only meanwhile.
class Search {
 public:
  Search(const Ranker& ranker, const ModelEntry& entry)
      : ranker_(ranker), entry_(entry), effective_(effective_parameters(entry)), choices_(ranker.choices_for(entry)) {}

  [[nodiscard]] bool done() const { return next_ == choices_.size(); }
  /// What the next try is worth at most; falls from try to try.
  [[nodiscard]] double worth() const { return effective_ * choices_[next_].kept; }

  /// Tries one preset; whether a good row came of it.
  bool advance() {
    if (!model_ && !begin()) return finish();
    const auto& choice = choices_[next_++];
    const auto& request = ranker_.request_;
    if (static_cast<double>(trunk_) * choice.bits / 8 > static_cast<double>(ranker_.room_)) return false;
    if (!request.every_preset && ranker_.surely_slow(model_->spec, trunk_, choice)) {
      slow_.push_back(choice);
      return false;
    }
    const bool good = attempt(choice) == FitTier::good;
    if (!request.every_preset && !rows_.empty() && !done() && Ranker::is_settled(rows_.front().row, choices_[next_]))
      finish();
    return good;
  }

  /// The rows found; one at most, unless every preset has its own. Once done, slow ones count if nothing better came.
  std::vector<Candidate> take() {
    const bool wanted = done() && model_ && (rows_.empty() || rows_.front().row.tier >= FitTier::slow) &&
                        !ranker_.request_.requirement.min_tokens_per_s;  // which leaves slow ones out
    bool found = false;
    for (std::size_t i = 0; wanted && i < slow_.size() && !found; ++i) found = attempt(slow_[i]).has_value();
    model_.reset();
    return std::move(rows_);
  }

 private:
  bool begin() {
    auto model = model_from_entry(entry_);
    if (!model) return false;
    const auto own = model->spec.n_ctx_train;
    if (ranker_.request_.n_ctx && own != 0 && own < *ranker_.request_.n_ctx) return false;
    if (refused_architecture(ranker_.request_.speed.engine, model->spec)) return false;
    model_ = std::make_unique<Model>(*std::move(model));
    trunk_ = Ranker::trunk_elements(*model_);
    quantizer_ = std::make_unique<const Quantizer>(model_->spec, model_->tensors);
    return true;
  }

  bool finish() {
    next_ = choices_.size();
    return false;
  }

  /// How good the row is that came of it, if any.
  std::optional<FitTier> attempt(const Choice& choice) {
    quantizer_->apply(choice.preset, model_->tensors);
    auto candidate = ranker_.try_choice(entry_, *model_, choice);
    if (!candidate) return std::nullopt;
    const auto tier = candidate->row.tier;
    ranker_.keep(std::move(*candidate), rows_);
    return tier;
  }

  const Ranker& ranker_;
  const ModelEntry& entry_;
  double effective_;
  std::vector<Choice> choices_, slow_;
  std::size_t next_ = 0;
  std::unique_ptr<Model> model_;
  std::unique_ptr<const Quantizer> quantizer_;
  std::uint64_t trunk_ = 0;
  std::vector<Candidate> rows_;
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

/// Tries in falling worth, over all models, until enough good rows are ahead of all that can follow. False when more
/// could have followed.
bool search_best(std::vector<Search>& searches, std::size_t limit) {
  const auto less = [&](std::size_t a, std::size_t b) { return searches[a].worth() < searches[b].worth(); };
  std::vector<std::size_t> heap;
  for (std::size_t i = 0; i < searches.size(); ++i)
    if (!searches[i].done()) heap.push_back(i);
  std::make_heap(heap.begin(), heap.end(), less);
  std::size_t good = 0;
  double last = 0;  // the worth of the row at the limit
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), less);
    auto& search = searches[heap.back()];
    const auto worth = search.worth();
    if (good >= limit && worth < last) return false;
    if (search.advance() && ++good == limit) last = worth;
    if (search.done())
      heap.pop_back();
    else
      std::push_heap(heap.begin(), heap.end(), less);
  }
  return true;
}

}  // namespace

FitList rank_fits(const FitsRequest& request) {
  FitList list;
  auto entries = all_models();
  std::erase_if(entries, [&](const ModelEntry& entry) { return !passes(entry, request.filter); });
  list.n_model = entries.size();
  const Ranker ranker(request);
  std::vector<Search> searches;
  searches.reserve(entries.size());
  for (const auto& entry : entries) searches.emplace_back(ranker, entry);
  list.more = request.limit != 0 && !search_best(searches, request.limit);

  std::vector<Candidate> found;
  for (auto& search : searches) {
    while (request.limit == 0 && !search.done()) search.advance();
    for (auto& candidate : search.take()) found.push_back(std::move(candidate));
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Candidate& a, const Candidate& b) { return ahead(a.row, b.row); });
  if (request.limit != 0 && found.size() > request.limit) {
    found.resize(request.limit);
    list.more = true;
  }
  for (auto& candidate : found) {
    Ranker::settle(candidate);
    list.rows.push_back(std::move(candidate.row));
  }
  return list;
}

}  // namespace willitrun
