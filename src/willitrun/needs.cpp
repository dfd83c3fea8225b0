#include "willitrun/needs.hpp"

#include <algorithm>
#include <array>

#include "willitrun/catalog.hpp"
#include "willitrun/engine_support.hpp"

namespace willitrun {
namespace {

constexpr std::array<std::string_view, 3> form_names{"discrete", "laptop", "unified"};

bool any_of(const std::vector<std::string>& wanted, std::string_view value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

bool passes(const DeviceSpec& device, const DeviceFilter& filter) {
  if (device.memory_bytes == 0 || !any_of(filter.vendors, device.vendor)) return false;
  if (!any_of(filter.forms, name_of(form_of(device)))) return false;
  return !filter.since || (device.release_year && *device.release_year >= *filter.since);
}

std::optional<double> times(const std::optional<double>& figure, std::uint32_t count) {
  return figure ? std::optional(*figure * count) : std::nullopt;
}

bool affordable(const DeviceChoice& choice, const DeviceFilter& filter) {
  const auto within = [](const std::optional<double>& figure, const std::optional<double>& limit) {
    return !limit || (figure && *figure <= *limit);
  };
  return within(choice.price_usd, filter.max_price_usd) && within(choice.power_w, filter.max_power_w);
}

/// Whether a limit holds of a figure that is not known.
bool unjudged(const DeviceChoice& choice, const DeviceFilter& filter) {
  return (filter.max_price_usd && !choice.price_usd) || (filter.max_power_w && !choice.power_w);
}

DeviceChoice priced(const DeviceSpec& device, std::uint32_t count) {
  DeviceChoice out;
  out.device = device;
  out.count = count;
  out.memory_bytes = device.memory_bytes * count;
  out.price_usd = times(device.msrp_usd, count);
  out.power_w = times(device.tdp_w, count);
  return out;
}

/// The question put to so many of a device.
Result<Report> ask(const NeedsRequest& request, const DeviceChoice& choice) {
  auto machine = request.host;
  machine.devices.assign(choice.count, choice.device);
  if (choice.device.vendor == "apple") machine.os = OperatingSystem::macos;
  auto question = request.question;
  question.machine = assemble_machine(machine);
  question.advise = false;
  question.measure_room = false;
  return check(question);
}

/// Order in a list of offers: known before unknown, then less first.
bool less_known_first(const std::optional<double>& a, const std::optional<double>& b) {
  if (a.has_value() != b.has_value()) return a.has_value();
  return a && *a < *b;
}

bool before(const DeviceChoice& a, const DeviceChoice& b) {
  if (a.price_usd != b.price_usd) return less_known_first(a.price_usd, b.price_usd);
  if (a.memory_bytes != b.memory_bytes) return a.memory_bytes < b.memory_bytes;
  return a.device.id < b.device.id;
}

std::optional<double> speed_of(const DeviceChoice& choice) {
  const auto& speed = choice.outcome.decode_tokens_per_s;
  return speed ? std::optional(speed->mid) : std::nullopt;
}

/// The first of the best by `better`, among those that `counts`.
template <class Counts, class Better>
std::optional<std::size_t> best_of(const std::vector<DeviceChoice>& choices, Counts counts, Better better) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < choices.size(); ++i)
    if (counts(choices[i]) && (!best || better(choices[i], choices[*best]))) best = i;
  return best;
}

void name_the_best(NeedsList& list) {
  const auto always = [](const DeviceChoice&) { return true; };
  const auto with_price = [](const DeviceChoice& c) { return c.price_usd.has_value(); };
  const auto with_speed = [](const DeviceChoice& c) { return speed_of(c).has_value(); };
  list.cheapest =
      best_of(list.choices, with_price, [](const auto& a, const auto& b) { return *a.price_usd < *b.price_usd; });
  // Of equal memory the cheaper comes first already.
  list.smallest =
      best_of(list.choices, always, [](const auto& a, const auto& b) { return a.memory_bytes < b.memory_bytes; });
  list.fastest =
      best_of(list.choices, with_speed, [](const auto& a, const auto& b) { return *speed_of(a) > *speed_of(b); });
}

}  // namespace

std::string_view name_of(DeviceForm form) { return form_names[static_cast<std::size_t>(form)]; }

DeviceForm form_of(const DeviceSpec& device) {
  if (device.kind == DeviceKind::unified) return DeviceForm::unified;
  return is_laptop(device) ? DeviceForm::laptop : DeviceForm::discrete;
}

bool beats(const DeviceChoice& a, const DeviceChoice& b) {
  bool better = false, worse = false;
  const auto compare = [&](const std::optional<double>& x, const std::optional<double>& y, bool less_is_better) {
    if (!y || x == y) return;
    (x && (*x < *y) == less_is_better ? better : worse) = true;
  };
  compare(a.price_usd, b.price_usd, true);
  compare(static_cast<double>(a.memory_bytes), static_cast<double>(b.memory_bytes), true);
  compare(a.power_w, b.power_w, true);
  compare(speed_of(a), speed_of(b), false);
  return better && !worse;
}

void mark_unbeaten(std::vector<DeviceChoice>& choices) {
  for (auto& choice : choices)
    choice.unbeaten =
        std::none_of(choices.begin(), choices.end(), [&](const auto& other) { return beats(other, choice); });
}

NeedsList find_devices(const NeedsRequest& request) {
  NeedsList list;
  const auto weights = request.question.model->weights.resident_bytes();
  for (const auto& device : all_devices()) {
    if (!passes(device, request.filter) ||
        !has_kernels(request.question.speed.engine, device, request.question.speed.quant))
      continue;
    ++list.n_device;
    const bool alone = form_of(device) != DeviceForm::discrete;
    for (std::uint32_t count = 1; count <= (alone ? 1 : request.filter.max_count); count *= 2) {
      auto choice = priced(device, count);
      if (!affordable(choice, request.filter)) {
        if (unjudged(choice, request.filter)) ++list.n_unjudged;
        break;
      }
      // Without system memory to spill to, weights that exceed the devices settle it.
      const bool resident = request.question.requirement.level != Requirement::Level::runs;
      if (resident && choice.memory_bytes < weights) continue;
      const auto report = ask(request, choice);
      if (!report) break;
      if (report->verdict.code == VerdictCode::unknown) {
        ++list.n_unknown;
        break;
      }
      if (!report->verdict.met) continue;
      choice.outcome = outcome_of(*report);
      list.choices.push_back(std::move(choice));
      break;
    }
  }
  std::stable_sort(list.choices.begin(), list.choices.end(), before);
  mark_unbeaten(list.choices);
  name_the_best(list);
  return list;
}

}  // namespace willitrun
