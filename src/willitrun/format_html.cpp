// A run as one HTML page: models by machines, curves over context, and what needs attention. It asks nobody for
// anything: no script, no font, no image.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "willitrun/escape.hpp"
#include "willitrun/format_writers.hpp"
#include "willitrun/html_chart.hpp"
#include "willitrun/html_style.hpp"

namespace willitrun {
namespace {

struct Sign {
  std::string_view sign, word, meaning;
};
constexpr std::array signs{
    // by verdict
    Sign{"✓", "fits", "all on the GPU, with headroom"}, Sign{"≈", "tight", "all on the GPU, little headroom"},
    Sign{"◐", "offload", "part in system memory"},      Sign{"○", "cpu", "no GPU used, fits in system memory"},
    Sign{"✗", "won't run", "does not fit anywhere"},    Sign{"?", "unknown", "a fact is missing"},
};

std::string bar_of(const Outcome& o) {
  if (o.gpu_usable_bytes == 0) return {};
  const auto share = 100.0 * static_cast<double>(o.gpu_bytes) / static_cast<double>(o.gpu_usable_bytes);
  return fmt::format(
      "<span class=\"bar\" role=\"img\" aria-label=\"{:.0f} % of usable GPU memory\"><i "
      "{}style=\"width:{:.0f}%\"></i></span>",
      share, share > 100 ? "class=\"over\" " : "", std::min(share, 100.0));
}

std::string tag_of(OutcomeStatus status) { return fmt::format("<span class=\"tag {0}\">{0}</span>", name_of(status)); }

std::string cell_of(const Outcome& o) {
  std::string out = "<div class=\"cell\">";
  if (o.verdict) {
    const auto& sign = signs[static_cast<std::size_t>(*o.verdict)];
    out += fmt::format("<span class=\"verdict {}\"><span aria-hidden=\"true\">{}</span> {}</span> ",
                       name_of(*o.verdict), sign.sign, sign.word);
  }
  const bool said =
      o.status == OutcomeStatus::passed || (o.status == OutcomeStatus::unknown && o.verdict == VerdictCode::unknown);
  if (!said) out += tag_of(o.status);
  out += bar_of(o);
  const auto memory = memory_text(o), speed = decode_text(o);
  if (!memory.empty()) out += fmt::format("<small>{}</small>", memory);
  auto detail = speed;
  if (o.n_ctx > 0) detail += fmt::format("{}{} tokens", speed.empty() ? "" : " at ", format_grouped(o.n_ctx));
  if (!detail.empty()) out += fmt::format("<small>{}</small>", detail);
  return out + "</div>";
}

/// Models down, machines across, each in the order it first comes; what was not asked stays empty.
struct Matrix {
  using Row = std::pair<std::string_view, std::string_view>;  // model, quant
  std::vector<Row> rows;
  std::vector<std::string_view> columns;
  std::map<std::pair<std::size_t, std::size_t>, std::vector<const Outcome*>> cells;

  explicit Matrix(Outcomes outcomes) {
    std::map<Row, std::size_t> row_index;
    std::map<std::string_view, std::size_t> column_index;
    for (const auto& o : outcomes) {
      const auto [row, new_row] = row_index.try_emplace({o.model, o.quant}, rows.size());
      if (new_row) rows.emplace_back(o.model, o.quant);
      const auto [column, new_column] = column_index.try_emplace(o.target, columns.size());
      if (new_column) columns.push_back(o.target);
      cells[{row->second, column->second}].push_back(&o);
    }
  }
};

std::string matrix_html(Outcomes outcomes) {
  const Matrix matrix(outcomes);
  std::string out =
      "<h2>Models and machines</h2>\n<div class=\"wide\" role=\"region\" aria-label=\"Models and machines\" "
      "tabindex=\"0\"><table class=\"matrix\"><caption>Bars: GPU memory used of what is usable.</caption>\n<thead><tr>"
      "<th scope=\"col\">Model</th>";
  for (const auto& column : matrix.columns) out += fmt::format("<th scope=\"col\">{}</th>", xml_escaped(column));
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t r = 0; r < matrix.rows.size(); ++r) {
    const auto& [model, quant] = matrix.rows[r];
    out += fmt::format("<tr><th scope=\"row\">{}<small>{}</small></th>", xml_escaped(model), xml_escaped(quant));
    for (std::size_t c = 0; c < matrix.columns.size(); ++c) {
      out += "<td>";
      const auto cell = matrix.cells.find({r, c});
      if (cell == matrix.cells.end())
        out += "<span class=\"dim\">not checked</span>";
      else
        for (const auto* o : cell->second) out += cell_of(*o);
      out += "</td>";
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n<p class=\"dim\">";
  for (std::size_t v = 0; v < signs.size(); ++v)
    out += fmt::format("{}{} {}: {}", v == 0 ? "" : "; ", signs[v].sign, signs[v].word, signs[v].meaning);
  return out + ".</p>\n";
}

std::string problems_html(Outcomes outcomes) {
  std::string rows;
  for (const auto& o : outcomes)
    if (o.status != OutcomeStatus::passed)
      rows += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", tag_of(o.status),
                          xml_escaped(o.name), xml_escaped(explanation(o)), xml_escaped(place_text(o.place)));
  if (rows.empty()) return {};
  return "<h2>What needs attention</h2>\n<div class=\"wide\" role=\"region\" aria-label=\"What needs attention\" "
         "tabindex=\"0\"><table class=\"why\"><thead><tr><th scope=\"col\">Status</th><th scope=\"col\">Check</th>"
         "<th scope=\"col\">Why</th><th scope=\"col\">Where</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table></div>\n";
}

std::string charts_html(Outcomes outcomes) {
  const auto sweeps = context_sweeps(outcomes);
  if (sweeps.empty()) return {};
  std::string out =
      "<h2>Memory and speed over context</h2>\n<p class=\"dim\">● all on the GPU, □ not. Dashed: what is usable.</p>\n";
  for (std::size_t i = 0; i < sweeps.size(); ++i) out += context_chart(sweeps[i], i + 1);
  return out;
}

}  // namespace

std::string run_as_html(Outcomes outcomes, const RunHeader& header, const TextStyle&) {
  const auto title = xml_escaped(header.title.empty() ? "willitrun" : header.title);
  // The policy holds the page to its word, and foreign text to being text.
  auto out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{0}</title>\n<style>{1}</style>"
      "</head>\n<body>\n<main>\n<h1>{0}</h1>\n<p class=\"summary\">{2}</p>\n",
      title, html_style, summary_line(tally(outcomes)));
  if (!outcomes.empty()) out += problems_html(outcomes) + matrix_html(outcomes) + charts_html(outcomes);
  out += fmt::format("</main>\n<footer>willitrun {}, catalog {} ({}){}{}</footer>\n", xml_escaped(header.tool_version),
                     xml_escaped(header.catalog_version), xml_escaped(header.catalog_sha256.substr(0, 12)),
                     header.date.empty() ? "" : ", ", xml_escaped(header.date));
  return out + "</body></html>\n";
}

}  // namespace willitrun
