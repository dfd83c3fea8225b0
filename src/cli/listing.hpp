// Rows of one kind in every format: aligned text for people, flat keys and plain values for programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/options.hpp"
#include "willitrun/report.hpp"
#include "willitrun/table.hpp"

namespace willitrun::cli {

/// A column under its JSON key. Without a title it is for programs only.
struct ListColumn {
  std::string_view key, title;
  Align align = Align::left;
  std::uint8_t rank = 0;  ///< see Column
};

struct Cell {
  std::optional<OptionValue> value;  ///< empty = null, not known
  std::string text;                  ///< for people
};

struct Listing {
  std::string_view schema;
  std::vector<std::pair<std::string_view, OptionValue>> header;  ///< JSON: above the rows
  std::vector<ListColumn> columns;
  std::vector<std::vector<Cell>> rows;
  std::vector<Color> colors;       ///< of each row's first cell; may be empty
  std::vector<std::string> above;  ///< text: lines over the table
  std::vector<std::string> notes;  ///< text: sentences under the table; JSON: "notes"
};

[[nodiscard]] Cell text_cell(std::string text);
[[nodiscard]] Cell count_cell(std::optional<std::uint64_t> value, std::string text);
/// "8.03B", "37.8M".
[[nodiscard]] std::string parameters_text(double count);
[[nodiscard]] Cell number_cell(std::optional<double> value, std::string text);
[[nodiscard]] Cell flag_cell(bool value, std::string text);
[[nodiscard]] Cell list_cell(const std::vector<std::string_view>& values);

/// An error for a format that listings do not have.
[[nodiscard]] std::optional<Error> check_list_format(const Options& options);
[[nodiscard]] bool wants_text(const Options& options);

/// Prints in the format asked for; returns exit_output when that fails, else `status`.
[[nodiscard]] int print(const Listing& listing, const Options& options, int status);

/// Parts of a list given with commas, empty ones left out.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);

/// "43-71", "0.8-1.2": a range of speeds; "-" where unknown.
[[nodiscard]] std::string format_range(const std::optional<Range>& range);
[[nodiscard]] Color color_of(VerdictCode code);

}  // namespace willitrun::cli
