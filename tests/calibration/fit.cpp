#include "calibration/fit.hpp"

#include <algorithm>
#include <cmath>

namespace calibration {
namespace {

using namespace willitrun;
using Parameters = std::vector<SpeedParameter>;

// What a row for one architecture may have of its own, with how far (as a factor's logarithm) it is expected to differ
// from the general row.
struct OwnParameter {
  SpeedParameter parameter;
  double spread;
};

/// What is fitted of decoding or of prefill: what each row has of its own, and what all rows of a backend share.
struct Plan {
  std::vector<OwnParameter> own;
  Parameters shared;
};
const Plan device_decode{{{read_share, 0.15}, {draw, 0.3}, {layer_us, 0.7}, {cache_cost, 0.4}, {read_low_k, 0.3}},
                         {token_us, expert_layer, recurrent_layer, plain_cost, hop_us, read_floating, read_eight_bit,
                          read_legacy, read_iq, read_four_bit}};
const Plan device_prefill{{{matrix_share, 1.2}, {attention_share, 1.2}},
                          {pass_us, scan_macs, power_limit, expert_matrix, pipeline, matrix_floating, matrix_eight_bit,
                           matrix_legacy, matrix_low_k, matrix_iq, matrix_four_bit}};
// Of processors few machines have more than three measurements: more parameters than these make the error on machines
// not seen worse. The rest stays as CUDA's measurements have it.
const Plan host_decode{{{draw, 0.3}}, {read_share, wide_loss, hybrid_pace}};
const Plan host_prefill{{{matrix_share, 0.6}}, {pass_us, attention_share}};
const Parameters shared_slices{reduce_us, reduce_gb_s};
constexpr double pull = 0.3;          // of a particular row towards its general one, in units of one row's loss
constexpr double loss_corner = 0.05;  // residuals below count quadratically, above linearly

/// Where every fit starts, whatever an earlier one found: round figures of the right size. What a backend shares is
/// drawn to them, or to what CUDA found, within `spread` (a factor's logarithm). The narrow spreads are those that
/// serve devices not seen best.
struct Prior {
  SpeedParameter parameter;
  double value, spread = 1;
};
constexpr Prior priors[] = {
    // clang-format off
    {read_share, 0.8}, {draw, 20}, {layer_us, 80}, {token_us, 150}, {expert_layer, 1.5}, {recurrent_layer, 1},
    {cache_cost, 1.2}, {plain_cost, 2}, {matrix_share, 1}, {expert_matrix, 0.7}, {attention_share, 0.5},
    {scan_macs, 10}, {power_limit, 0.2}, {pass_us, 700}, {hop_us, 50}, {reduce_us, 15, 2}, {reduce_gb_s, 10, 2},
    {pipeline, 0.3}, {read_floating, 1, 0.15}, {read_eight_bit, 1, 0.15}, {read_legacy, 1, 0.15}, {read_k, 1},
    {read_low_k, 1.3, 0.15}, {read_iq, 1.1, 0.15}, {read_four_bit, 1, 0.15}, {matrix_floating, 1, 0.3},
    {matrix_eight_bit, 1, 0.3}, {matrix_legacy, 1, 0.3}, {matrix_k, 1}, {matrix_low_k, 1.2, 0.3}, {matrix_iq, 1, 0.3},
    {matrix_four_bit, 1, 0.3}, {hybrid_pace, 0.4}, {wide_loss, 0.3}};
// clang-format on
/// Of processors: a few microseconds of synchronising threads, and shares of AVX2's peak.
constexpr Prior cpu_priors[] = {{read_share, 0.6}, {draw, 50}, {layer_us, 40}, {matrix_share, 0.5}, {pass_us, 2000}};

double spread_of(SpeedParameter parameter) {
  const auto* it =
      std::find_if(std::begin(priors), std::end(priors), [&](const Prior& p) { return p.parameter == parameter; });
  return it == std::end(priors) ? 1 : it->spread;
}

struct Group {
  Engine engine;
  Backend backend;
  std::vector<std::size_t> rows;  // indices, the general one last
  std::vector<Case*> decode, prefill, slices;
};

double loss(const std::vector<Case*>& cases) {
  double sum = 0;
  for (auto* c : cases) {
    const double r = residual(*c);
    sum += c->weight * (std::sqrt(r * r + loss_corner * loss_corner) - loss_corner);
  }
  return sum;
}

/// Moves one parameter at a time by shrinking factors while that lowers `cost`.
void descend(const Parameters& parameters, const std::function<double(SpeedParameter)>& get,
             const std::function<void(SpeedParameter, double)>& set, const std::function<double()>& cost) {
  double best = cost();
  for (double step = 0.3; step > 0.008;) {
    const double before = best;
    for (const auto parameter : parameters) {
      const auto& bounds = parameter_info[parameter];
      for (const double factor : {1 + step, 1 / (1 + step)}) {
        const double old = get(parameter);
        const double moved = parameter == pipeline || parameter == power_limit || parameter == wide_loss
                                 ? old + (factor - 1) * 0.5
                                 : old * factor;
        set(parameter, std::clamp(moved, bounds.low, bounds.high));
        const double now = cost();
        if (now < best - 1e-9) {
          best = now;
          break;
        }
        set(parameter, old);
      }
    }
    if (before - best < 1e-4 * std::max(1.0, before)) step *= 0.6;
  }
}

Parameters names_of(const std::vector<OwnParameter>& own) {
  Parameters out;
  for (const auto& o : own) out.push_back(o.parameter);
  return out;
}

double pull_to(const SpeedRow& row, const SpeedRow& centre, const std::vector<OwnParameter>& own) {
  double sum = 0;
  for (const auto& o : own) {
    const double d = std::log(row.p[o.parameter] / centre.p[o.parameter]) / o.spread;
    sum += pull * std::log1p(d * d);  // an architecture that is quite different may be
  }
  return sum;
}

/// What NVIDIA's chips can do is the same under Vulkan, where few were measured: these are drawn to CUDA's row, not to
/// those of AMD's chips, whose peak counts two operations where NVIDIA's counts one.
constexpr SpeedParameter of_chip[] = {draw, matrix_share, attention_share};

struct Fitter {
  Rows& rows;
  Group group;
  std::vector<SpeedRow> centres;  // what each row of the group is drawn to

  /// All rows of the group move together.
  void fit_together(const Parameters& parameters, const std::vector<Case*>& cases,
                    const std::vector<OwnParameter>& own) {
    if (cases.empty()) return;
    auto& general = rows[group.rows.back()];
    descend(
        parameters, [&](SpeedParameter p) { return general.p[p]; },
        [&](SpeedParameter p, double value) {
          const double factor = general.p[p] > 0 ? value / general.p[p] : 1;
          for (const auto i : group.rows) {
            auto& x = rows[i].p[p];
            x = i == group.rows.back() || x <= 0
                    ? value
                    : std::clamp(x * factor, parameter_info[p].low, parameter_info[p].high);
          }
        },
        [&] {
          double sum = loss(cases) + pull_to(general, centres.back(), own);
          for (const auto p : parameters) {  // weakly towards the start where the data say nothing
            const double d =
                std::log(std::max(general.p[p], 1e-3) / std::max(centres.back().p[p], 1e-3)) / spread_of(p);
            sum += (group.rows.front() == 0 ? 0.1 : 1) * pull * std::log1p(d * d);
          }
          return sum;
        });
  }

  void fit_each(const std::vector<OwnParameter>& own, const std::vector<Case*>& cases) {
    const auto& general = rows[group.rows.back()];
    for (std::size_t k = 0; k + 1 < group.rows.size(); ++k) {
      auto& row = rows[group.rows[k]];
      std::vector<Case*> mine;
      for (auto* c : cases)
        if (&c->row() == &row) mine.push_back(c);
      auto centre = general;
      for (const auto& o : own)
        centre.p[o.parameter] =
            std::clamp(general.p[o.parameter] * centres[k].p[o.parameter] / centres.back().p[o.parameter],
                       parameter_info[o.parameter].low, parameter_info[o.parameter].high);
      if (const auto* chip = row.backend == Backend::vulkan ? cuda_row(rows, row) : nullptr)
        for (const auto p : of_chip) centre.p[p] = chip->p[p];
      if (mine.empty()) {
        for (const auto& o : own) row.p[o.parameter] = centre.p[o.parameter];
        continue;
      }
      descend(
          names_of(own), [&](SpeedParameter p) { return row.p[p]; }, [&](SpeedParameter p, double v) { row.p[p] = v; },
          [&] { return loss(mine) + pull_to(row, centre, own); });
    }
  }

  void fit_side(const Plan& plan, const std::vector<Case*>& cases) {
    auto all = names_of(plan.own);
    all.insert(all.end(), plan.shared.begin(), plan.shared.end());
    fit_together(all, cases, plan.own);
    for (int round = 0; round < 3; ++round) {
      fit_each(plan.own, cases);
      fit_together(plan.shared, cases, {});
    }
    fit_each(plan.own, cases);
  }
};

const SpeedRow& llama_counterpart(const Rows& rows, const SpeedRow& row) {
  const SpeedRow* best = nullptr;
  for (const auto& r : rows)
    if (r.engine == Engine::llama_cpp && r.backend == row.backend && row.architecture.starts_with(r.architecture) &&
        r.capability.empty() && best == nullptr)
      best = &r;
  return best == nullptr ? rows.back() : *best;
}

}  // namespace

const SpeedRow* cuda_row(const Rows& rows, const SpeedRow& row) {
  const auto it = std::find_if(rows.begin(), rows.end(), [&](const SpeedRow& r) {
    return r.engine == row.engine && r.backend == Backend::cuda && !row.architecture.empty() &&
           r.architecture == row.architecture && r.capability == row.capability;
  });
  return it == rows.end() ? nullptr : &*it;
}

double residual(Case& c) { return std::log(c.measured->tokens_per_s / std::max(c.predicted(), 1e-6)); }

void fit(Rows& rows, std::vector<Case>& cases, const Chosen& chosen) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (groups.empty() || groups.back().engine != rows[i].engine || groups.back().backend != rows[i].backend)
      groups.push_back({rows[i].engine, rows[i].backend, {}, {}, {}, {}});
    groups.back().rows.push_back(i);
  }
  for (auto& row : rows) {
    for (const auto& prior : priors) row.p[prior.parameter] = prior.value;
    if (row.backend != Backend::cpu) continue;
    for (const auto& prior : cpu_priors) row.p[prior.parameter] = prior.value;
  }
  const Rows start = rows;
  for (auto& group : groups) {
    for (auto& c : cases) {
      if (c.row().engine != group.engine || c.row().backend != group.backend || !chosen(c)) continue;
      if (c.work.sliced) group.slices.push_back(&c);
      // llama.cpp's rows are known from layers that take turns; vLLM has no other way.
      if (!c.work.sliced || c.engine == Engine::vllm)
        (c.measured->prefill ? group.prefill : group.decode).push_back(&c);
    }
    Fitter fitter{rows, group, {}};
    const bool first = group.engine == Engine::llama_cpp;
    for (const auto i : group.rows) {
      // Other engines start from llama.cpp's figures for the same backend, in row and general row alike.
      if (!first) rows[i].p = llama_counterpart(rows, rows[i]).p;
      fitter.centres.push_back(first ? start[group.rows.back()] : rows[i]);
    }
    if (first) {
      // Factors without unit carry over from the backend with most measurements, which is fitted first.
      auto& centre = fitter.centres.back();
      if (&group != &groups.front())
        for (const auto& list : {device_decode.shared, device_prefill.shared, shared_slices})
          for (const auto p : list)
            if (p != hop_us) centre.p[p] = rows[groups.front().rows.back()].p[p];
      for (const auto i : group.rows) rows[i].p = centre.p;
    }
    const bool host = group.backend == Backend::cpu;
    fitter.fit_side(host ? host_decode : device_decode, group.decode);
    fitter.fit_side(host ? host_prefill : device_prefill, group.prefill);
    fitter.fit_together(shared_slices, group.slices, {});
  }
}

}  // namespace calibration
