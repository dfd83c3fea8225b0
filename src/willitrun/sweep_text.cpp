// A sweep as a chart for a terminal.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "willitrun/figures.hpp"
#include "willitrun/sweep.hpp"
#include "willitrun/text_layout.hpp"

namespace willitrun {
namespace {

struct Glyphs {
  std::string_view accelerator, system, free, line, speed;
};
constexpr Glyphs unicode_glyphs{"█", "▒", " ", "│", "■"};
constexpr Glyphs ascii_glyphs{"#", "=", " ", "|", "*"};

constexpr std::array<Color, 6> verdict_colors{Color::green, Color::yellow, Color::yellow,
                                              Color::blue,  Color::red,    Color::yellow};
constexpr std::array<std::string_view, 6> verdict_words{"fits", "tight", "offload", "cpu", "won't run", "unknown"};

std::string label_of(const Outcome& o, SweepKind kind) {
  if (kind == SweepKind::quant) return o.quant;
  return kind == SweepKind::ctx ? format_grouped(o.n_ctx)
                                : fmt::format("{}/{}", std::min(o.gpu_layers, o.total_layers), o.total_layers);
}

std::string repeated(std::string_view glyph, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += glyph;
  return out;
}

class Chart {
 public:
  Chart(const Sweep& sweep, const TextStyle& style)
      : sweep_(sweep), style_(style), glyphs_(style.unicode ? unicode_glyphs : ascii_glyphs) {
    scale_ = sweep.usable;
    for (const auto& o : sweep.points) {
      scale_ = std::max(scale_, o.total_bytes);
      if (o.decode_tokens_per_s) fastest_ = std::max(fastest_, o.decode_tokens_per_s->mid);
      label_width_ = std::max(label_width_, characters(label_of(o, sweep.kind)));
    }
    scale_ = std::max<Bytes>(scale_, 1);
    // Label, verdict, GiB and tok/s in figures, and the spaces between.
    const auto figures = static_cast<unsigned>(label_width_) + 32;
    const auto room = style.width > figures + 12 ? style.width - figures : 12;
    speed_cells_ = fastest_ > 0 && room >= 30 ? room / 4 : 0;
    cells_ = std::min(room - speed_cells_, 56U);
  }

  [[nodiscard]] std::string text() const {
    constexpr std::array<std::string_view, 3> heads{"context", "quant", "layers"};
    const auto head = heads[static_cast<std::size_t>(sweep_.kind)];
    std::string out = colored(sweep_.title, Color::bold, style_) + "\n\n";
    out += fmt::format("  {:>{}}  {:<9} {:>5}  {:<{}}  {:>6}\n", head, label_width(), "verdict", "GiB", usable_text(),
                       cells_, fastest_ > 0 ? "tok/s" : "");
    for (const auto& o : sweep_.points) out += line(o);
    while (out.ends_with(" \n")) out.erase(out.size() - 2, 1);
    return out + legend();
  }

 private:
  [[nodiscard]] std::size_t label_width() const { return std::max<std::size_t>(label_width_, 7); }

  [[nodiscard]] std::string usable_text() const {
    return sweep_.usable == 0 ? std::string()
                              : fmt::format("{}{} usable", glyphs_.line == "|" ? "| " : "│ ", gib_text(sweep_.usable));
  }

  [[nodiscard]] std::size_t cells_of(Bytes bytes) const {
    const auto share = static_cast<double>(bytes) / static_cast<double>(scale_);
    return static_cast<std::size_t>(std::lround(share * (cells_ - 1)));
  }

  /// Of a shared pool, what the GPU may not have is the processor's.
  [[nodiscard]] Bytes on_accelerator(const Outcome& o) const {
    if (sweep_.on_host) return 0;
    if (!sweep_.shared_pool) return o.gpu_bytes;
    if (o.verdict == VerdictCode::cpu) return 0;
    return o.verdict == VerdictCode::offload ? std::min(o.gpu_bytes, sweep_.usable) : o.gpu_bytes;
  }

  /// What lies on the accelerators, then what lies in system memory; the line stands where the usable memory ends.
  [[nodiscard]] std::string memory_bar(const Outcome& o) const {
    const auto solid = cells_of(on_accelerator(o)), all = cells_of(o.total_bytes);
    const auto line_at = sweep_.usable == 0 ? cells_ : cells_of(sweep_.usable);
    std::string out;
    for (std::size_t i = 0; i < cells_; ++i)
      out += i == line_at ? glyphs_.line : i < solid ? glyphs_.accelerator : i < all ? glyphs_.system : glyphs_.free;
    return out;
  }

  [[nodiscard]] std::string line(const Outcome& o) const {
    const auto code = static_cast<std::size_t>(o.verdict.value_or(VerdictCode::unknown));
    auto out = fmt::format("  {:>{}}  ", label_of(o, sweep_.kind), label_width());
    out += colored(fmt::format("{:<9}", verdict_words[code]), verdict_colors[code], style_);
    out += fmt::format(" {:>5}  {}", gib_text(o.total_bytes), memory_bar(o));
    if (o.decode_tokens_per_s) {
      const auto speed = o.decode_tokens_per_s->mid;
      out += fmt::format("  {:>6}", speed_text(speed));
      if (speed_cells_ > 0)
        out += " " + repeated(glyphs_.speed, static_cast<std::size_t>(std::lround(
                                                 speed / fastest_ * static_cast<double>(speed_cells_ - 1))));
    }
    return out + "\n";
  }

  [[nodiscard]] std::string legend() const {
    std::vector<std::string> items;
    if (!sweep_.on_host) items.push_back(fmt::format("{} on the accelerator", glyphs_.accelerator));
    items.push_back(fmt::format("{} in system memory", glyphs_.system));
    if (sweep_.usable != 0)
      items.push_back(fmt::format("{} end of usable {}", glyphs_.line, sweep_.on_host ? "system memory" : "memory"));
    return "\n" + wrapped("  ", items, "   ", style_);
  }

  const Sweep& sweep_;
  const TextStyle& style_;
  const Glyphs& glyphs_;
  Bytes scale_ = 0;
  double fastest_ = 0;
  std::size_t label_width_ = 0;
  unsigned cells_ = 0, speed_cells_ = 0;
};

}  // namespace

std::string to_text(const Sweep& sweep, const TextStyle& style) { return Chart(sweep, style).text(); }

}  // namespace willitrun
