// Rows and columns as text for a terminal, CSV, tab-separated values or Markdown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "willitrun/report.hpp"
#include "willitrun/text_layout.hpp"

namespace willitrun {

enum class Align : std::uint8_t { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
  /// Where a line is too narrow for all columns, the one with the highest rank goes first; 0 = always kept.
  std::uint8_t rank = 0;
};

/// Cells may hold anything: line ends, control characters and broken UTF-8 are made harmless in every form.
struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;  ///< as many cells as columns each
  std::vector<Color> colors;                   ///< of each row's first cell; may be empty
};

/// Two spaces between columns, no trailing spaces. What is wider than the style's width after columns have been left
/// out is wrapped inside its cell.
[[nodiscard]] std::string to_text(const Table& table, const TextStyle& style);
/// RFC 4180 with titles as the header line; lines end in LF, which every reader takes and `cut` and `awk` expect.
[[nodiscard]] std::string to_csv(const Table& table);
/// A line of tab-separated cells per row, without titles; see tsv_field.
[[nodiscard]] std::string to_tsv(const Table& table);
/// A GitHub-flavoured table.
[[nodiscard]] std::string to_markdown(const Table& table);

}  // namespace willitrun
