#include "willitrun/html_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "willitrun/escape.hpp"
#include "willitrun/figures.hpp"
#include "willitrun/format_writers.hpp"

namespace willitrun {
namespace {

using Points = std::span<const Outcome* const>;

// In units of the SVG's own coordinates.
constexpr double width = 380, height = 230, left = 46, right = 20, top = 26, bottom = 34;

/// 1, 2 or 5 times a power of ten: at most five steps up to `most`.
double step_for(double most) {
  const auto raw = std::max(most, 1e-6) / 5;
  const auto power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (raw <= factor * power) return factor * power;
  return 10 * power;
}

/// One panel's scales: contexts by their logarithm, values from zero.
struct Panel {
  double first = 0, last = 1, step = 1, most = 1;

  Panel(Points points, double highest)
      : first(std::log2(points.front()->n_ctx)), last(std::log2(points.back()->n_ctx)), step(step_for(highest)) {
    most = std::max(step, std::ceil(highest / step) * step);
  }
  [[nodiscard]] double x(const Outcome& o) const {
    return left + (width - left - right) * (std::log2(o.n_ctx) - first) / std::max(last - first, 1e-9);
  }
  [[nodiscard]] double y(double value) const { return height - bottom - (height - top - bottom) * value / most; }
};

/// "512", "8k", "128k".
std::string context_label(std::uint32_t n_ctx) {
  return n_ctx % 1024 == 0 ? fmt::format("{}k", n_ctx / 1024) : fmt::format("{}", n_ctx);
}

std::string axes(const Panel& panel, Points points, std::string_view unit) {
  auto out = fmt::format("<text x=\"8\" y=\"15\">{}</text>", unit);
  for (int i = 0; panel.step * i <= panel.most * 1.0001; ++i) {
    const auto y = panel.y(panel.step * i);
    out += fmt::format("<line class=\"axis\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", left, width - right, y,
                       y);
    out += fmt::format("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:g}</text>", left - 6, y + 4, panel.step * i);
  }
  // Labels stay 34 units apart.
  double before = -100;
  for (const auto* point : points) {
    const auto x = panel.x(*point);
    if (x - before < 34) continue;
    out += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>", x, height - bottom + 16,
                       context_label(point->n_ctx));
    before = x;
  }
  return out + fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">context in tokens</text>",
                           (left + width - right) / 2, height - 4);
}

/// A round dot where all is on the accelerators, a hollow square where not.
std::string mark(const Outcome& o, double x, double y) {
  const bool resident = o.verdict == VerdictCode::fits || o.verdict == VerdictCode::tight;
  return resident ? fmt::format("<circle class=\"dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>", x, y)
                  : fmt::format("<rect class=\"hollow\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"7\" height=\"7\"/>", x - 3.5,
                                y - 3.5);
}

template <class Value>
std::string curve(const Panel& panel, Points points, Value value) {
  std::string path, marks;
  for (const auto* point : points) {
    const auto x = panel.x(*point), y = panel.y(value(*point));
    path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "" : " ", x, y);
    marks += mark(*point, x, y);
  }
  return fmt::format("<polyline class=\"path\" points=\"{}\"/>{}", path, marks);
}

std::string panel_start(std::string_view id, std::string_view title) {
  return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{}\"><title id=\"{}\">{}</title>",
                     width, height, id, id, xml_escaped(title));
}

double gib_of(Bytes bytes) { return static_cast<double>(bytes) / static_cast<double>(gib); }

std::string memory_panel(Points points, std::size_t number) {
  const bool on_gpu = points.front()->gpu_usable_bytes > 0;
  const auto used = [&](const Outcome& o) { return gib_of(on_gpu ? o.gpu_bytes : o.total_bytes); };
  const auto usable = gib_of(points.front()->gpu_usable_bytes);
  double highest = usable;
  for (const auto* point : points) highest = std::max(highest, used(*point));
  const Panel panel(points, highest);
  auto out = panel_start(
      fmt::format("memory{}", number),
      fmt::format("{} over context: {} GiB at {} tokens, {} GiB at {}; {} GiB usable", on_gpu ? "GPU memory" : "Memory",
                  gib_text(on_gpu ? points.front()->gpu_bytes : points.front()->total_bytes), points.front()->n_ctx,
                  gib_text(on_gpu ? points.back()->gpu_bytes : points.back()->total_bytes), points.back()->n_ctx,
                  gib_text(points.front()->gpu_usable_bytes)));
  out += axes(panel, points, on_gpu ? "GPU memory, GiB" : "memory, GiB");
  if (on_gpu)
    out += fmt::format(
        "<line class=\"limit\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/><text x=\"{}\" y=\"{:.1f}\">usable "
        "{}</text>",
        left, width - right, panel.y(usable), panel.y(usable), left + 4, panel.y(usable) - 4,
        gib_text(points.front()->gpu_usable_bytes));
  return out + curve(panel, points, used) + "</svg>";
}

std::string speed_panel(Points all, std::size_t number) {
  std::vector<const Outcome*> points;
  double highest = 0;
  for (const auto* point : all)
    if (point->decode_tokens_per_s) {
      points.push_back(point);
      highest = std::max(highest, point->decode_tokens_per_s->high);
    }
  if (points.size() < least_curve_points) return {};
  const Panel panel(points, highest);
  std::string upper, lower;
  for (const auto* point : points) {
    const auto& range = *point->decode_tokens_per_s;
    upper += fmt::format("{:.1f},{:.1f} ", panel.x(*point), panel.y(range.high));
    lower = fmt::format("{:.1f},{:.1f} ", panel.x(*point), panel.y(range.low)) + lower;
  }
  lower.pop_back();
  const auto mid = [](const Outcome& o) { return o.decode_tokens_per_s->mid; };
  auto out = panel_start(fmt::format("speed{}", number),
                         fmt::format("Decode speed over context: about {} tokens per second at {} tokens, {} at {}",
                                     speed_text(mid(*points.front())), points.front()->n_ctx,
                                     speed_text(mid(*points.back())), points.back()->n_ctx));
  return out + axes(panel, points, "decoding, tokens per second (band: low to high)") +
         fmt::format("<polygon class=\"band\" points=\"{}{}\"/>", upper, lower) + curve(panel, points, mid) + "</svg>";
}

std::string figures_table(Points points) {
  std::string out =
      "<details><summary>Figures</summary><div class=\"wide\"><table><thead><tr><th scope=\"col\">Context</th><th "
      "scope=\"col\">Verdict</th><th scope=\"col\">Memory</th><th scope=\"col\">Decoding</th></tr></thead><tbody>";
  for (const auto* o : points)
    out +=
        fmt::format("<tr><td class=\"num\">{}</td><td>{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>",
                    format_grouped(o->n_ctx), verdict_text(*o), memory_text(*o), decode_text(*o));
  return out + "</tbody></table></div></details>";
}

}  // namespace

std::string context_chart(std::span<const Outcome* const> points, std::size_t number) {
  const auto& first = *points.front();
  return fmt::format("<figure><figcaption>{}{}{} on {}</figcaption><div class=\"panels\">{}{}</div>{}</figure>\n",
                     xml_escaped(first.model), first.quant.empty() ? "" : ", ", xml_escaped(first.quant),
                     xml_escaped(first.target), memory_panel(points, number), speed_panel(points, number),
                     figures_table(points));
}

std::vector<std::vector<const Outcome*>> context_sweeps(std::span<const Outcome> outcomes) {
  std::vector<std::vector<const Outcome*>> groups;
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, std::size_t> index;
  for (const auto& o : outcomes) {
    if (!o.verdict || o.n_ctx == 0 || o.total_bytes == 0) continue;
    const auto [it, added] = index.try_emplace({o.model, o.quant, o.target}, groups.size());
    if (added) groups.emplace_back();
    groups[it->second].push_back(&o);
  }
  for (auto& group : groups) {
    std::stable_sort(group.begin(), group.end(), [](const auto* a, const auto* b) { return a->n_ctx < b->n_ctx; });
    const auto same = [](const auto* a, const auto* b) { return a->n_ctx == b->n_ctx; };
    group.erase(std::unique(group.begin(), group.end(), same), group.end());
  }
  std::erase_if(groups, [](const auto& group) { return group.size() < least_curve_points; });
  return groups;
}

}  // namespace willitrun
