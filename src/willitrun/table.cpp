#include "willitrun/table.hpp"

#include <algorithm>
#include <numeric>

#include "willitrun/escape.hpp"
#include "willitrun/text_layout.hpp"

namespace willitrun {
namespace {

constexpr std::size_t gap = 2;        // columns between two
constexpr std::size_t narrowest = 8;  // a column that is wrapped

/// What is shown of a column: which it is, and how wide.
struct Shown {
  std::size_t column = 0, width = 0;
};

std::size_t total_width(const std::vector<Shown>& shown) {
  return std::accumulate(shown.begin(), shown.end(), shown.empty() ? 0 : gap * (shown.size() - 1),
                         [](std::size_t sum, const Shown& s) { return sum + s.width; });
}

/// Leaves out columns of the highest rank, then narrows the widest, until the line is wide enough.
std::vector<Shown> fitted(const Table& table, const std::vector<std::vector<std::string>>& cells, std::size_t width) {
  std::vector<Shown> shown;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    auto widest = characters(table.columns[c].title);
    for (const auto& row : cells) widest = std::max(widest, characters(row[c]));
    shown.push_back({c, widest});
  }
  const auto rank = [&](const Shown& s) { return table.columns[s.column].rank; };
  while (total_width(shown) > width) {
    const auto last =
        std::max_element(shown.begin(), shown.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    if (last == shown.end() || rank(*last) == 0) break;
    shown.erase(last);
  }
  while (total_width(shown) > width) {
    const auto widest =
        std::max_element(shown.begin(), shown.end(), [](const auto& a, const auto& b) { return a.width < b.width; });
    if (widest == shown.end() || widest->width <= narrowest) break;
    --widest->width;
  }
  return shown;
}

/// Bytes of the first `count` characters.
std::size_t bytes_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; at < text.size(); ++at)
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U && count-- == 0) break;
  return at;
}

/// A cell in lines of `width`, broken at spaces and after hyphens where there are any.
std::vector<std::string> lines_of(std::string_view cell, std::size_t width) {
  std::vector<std::string> out;
  while (characters(cell) > width) {
    const auto room = bytes_of(cell, width);
    const auto space = cell.rfind(' ', room);
    const auto hyphen = cell.substr(0, room).rfind('-');
    const bool at_space = space != cell.npos && space > 0;
    const auto cut = at_space ? space : hyphen != cell.npos && hyphen > 0 ? hyphen + 1 : room;
    out.emplace_back(cell.substr(0, cut));
    cell.remove_prefix(at_space ? cut + 1 : cut);
  }
  out.emplace_back(cell);
  return out;
}

/// One row in as many lines as its tallest cell takes.
std::string row_text(const Table& table, const std::vector<std::string>& cells, const std::vector<Shown>& shown,
                     Color color, const TextStyle& style) {
  std::vector<std::vector<std::string>> lines;
  std::size_t height = 0;
  for (const auto& s : shown) {
    lines.push_back(lines_of(cells[s.column], s.width));
    height = std::max(height, lines.back().size());
  }
  std::string out;
  for (std::size_t l = 0; l < height; ++l) {
    std::string line;
    std::size_t end = 0;  // of the last cell that is not empty
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const auto text = l < lines[i].size() ? lines[i][l] : std::string();
      const std::string pad(shown[i].width - std::min(shown[i].width, characters(text)), ' ');
      const auto painted = i == 0 && !text.empty() ? colored(text, color, style) : text;
      line += (i == 0 ? "" : std::string(gap, ' '));
      line += table.columns[shown[i].column].align == Align::right ? pad + painted : painted;
      if (!text.empty()) end = line.size();
      if (table.columns[shown[i].column].align == Align::left) line += pad;
    }
    out += line.substr(0, end) + "\n";
  }
  return out;
}

template <class Escape>
std::string joined(const std::vector<std::string>& cells, std::string_view separator, Escape escape) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += separator;
    out += escape(cells[i]);
  }
  return out;
}

std::vector<std::string> titles(const Table& table) {
  std::vector<std::string> out;
  for (const auto& column : table.columns) out.push_back(column.title);
  return out;
}

}  // namespace

std::string to_text(const Table& table, const TextStyle& style) {
  auto cells = table.rows;
  for (auto& row : cells)
    for (auto& cell : row) cell = one_line(cell);
  const auto shown = fitted(table, cells, style.width);
  auto out = row_text(table, titles(table), shown, Color::bold, style);
  for (std::size_t i = 0; i < cells.size(); ++i)
    out += row_text(table, cells[i], shown, i < table.colors.size() ? table.colors[i] : Color::none, style);
  return out;
}

std::string to_csv(const Table& table) {
  auto out = joined(titles(table), ",", csv_field) + "\n";
  for (const auto& row : table.rows) out += joined(row, ",", csv_field) + "\n";
  return out;
}

std::string to_tsv(const Table& table) {
  std::string out;
  for (const auto& row : table.rows) out += joined(row, "\t", tsv_field) + "\n";
  return out;
}

std::string to_markdown(const Table& table) {
  auto out = "| " + joined(titles(table), " | ", markdown_cell) + " |\n|";
  for (const auto& column : table.columns) out += column.align == Align::right ? " ---: |" : " --- |";
  out += "\n";
  for (const auto& row : table.rows) out += "| " + joined(row, " | ", markdown_cell) + " |\n";
  return out;
}

}  // namespace willitrun
