#include "cli/listing.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/terminal.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/version.hpp"

namespace willitrun::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string_view format_of(const Options& options) {
  return options.json ? "json" : options.format ? std::string_view(*options.format) : "text";
}

Json to_json(const OptionValue& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

Json to_json(const Listing& listing, const std::vector<Cell>& row) {
  Json out = Json::object();
  for (std::size_t i = 0; i < row.size(); ++i)
    out[std::string(listing.columns[i].key)] = row[i].value ? to_json(*row[i].value) : Json();
  return out;
}

std::string document(const Listing& listing) {
  Json out{{"schema", listing.schema},
           {"tool", {{"version", version()}}},
           {"catalog", {{"version", catalog_version()}, {"sha256", catalog_sha256()}}}};
  for (const auto& [key, value] : listing.header) out[std::string(key)] = to_json(value);
  out["rows"] = Json::array();
  for (const auto& row : listing.rows) out["rows"].push_back(to_json(listing, row));
  out["notes"] = listing.notes;
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string lines(const Listing& listing) {
  std::string out;
  for (const auto& row : listing.rows)
    out += to_json(listing, row).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return out;
}

/// Values as programs read them; a list's parts with spaces.
std::string plain(const Cell& cell) {
  if (!cell.value) return {};
  if (const auto* text = std::get_if<std::string>(&*cell.value)) return *text;
  if (const auto* list = std::get_if<std::vector<std::string>>(&*cell.value))
    return fmt::format("{}", fmt::join(*list, " "));
  return to_json(*cell.value).dump();
}

Table table_for_programs(const Listing& listing) {
  Table table;
  for (const auto& column : listing.columns) table.columns.push_back({std::string(column.key), column.align, 0});
  for (const auto& row : listing.rows) {
    auto& cells = table.rows.emplace_back();
    for (const auto& value : row) cells.push_back(plain(value));
  }
  return table;
}

Table table_for_people(const Listing& listing) {
  Table table;
  table.colors = listing.colors;
  for (const auto& column : listing.columns)
    if (!column.title.empty()) table.columns.push_back({std::string(column.title), column.align, column.rank});
  for (const auto& row : listing.rows) {
    auto& cells = table.rows.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i)
      if (!listing.columns[i].title.empty()) cells.push_back(row[i].text);
  }
  return table;
}

std::string to_text(const Listing& listing, const TextStyle& style) {
  std::string out;
  for (const auto& line : listing.above) out += wrapped("", {line}, "", style);
  if (!listing.rows.empty()) out += to_text(table_for_people(listing), style);
  if (!listing.notes.empty() && !out.empty()) out += "\n";
  for (const auto& note : listing.notes) out += wrapped("", {note}, "", style);
  return out;
}

}  // namespace

Cell text_cell(std::string text) { return {OptionValue(text), text}; }

Cell count_cell(std::optional<std::uint64_t> value, std::string text) {
  if (!value) return {std::nullopt, std::move(text)};
  return {OptionValue(static_cast<std::int64_t>(*value)), std::move(text)};
}

std::string parameters_text(double count) {
  return count >= 1e9 ? fmt::format("{:.3g}B", count / 1e9) : fmt::format("{:.3g}M", count / 1e6);
}

Cell number_cell(std::optional<double> value, std::string text) {
  // Three decimals, as the result document has.
  if (!value) return {std::nullopt, std::move(text)};
  return {OptionValue(std::round(*value * 1000) / 1000), std::move(text)};
}

Cell flag_cell(bool value, std::string text) { return {OptionValue(value), std::move(text)}; }

Cell list_cell(const std::vector<std::string_view>& values) {
  return {OptionValue(std::vector<std::string>(values.begin(), values.end())),
          fmt::format("{}", fmt::join(values, ", "))};
}

std::optional<Error> check_list_format(const Options& options) {
  const auto format = chosen_format(options, {"text", "json", "ndjson", "csv", "md"});
  return format ? std::nullopt : std::optional(format.error());
}

bool wants_text(const Options& options) { return format_of(options) == "text"; }

int print(const Listing& listing, const Options& options, int status) {
  const auto style = output_style(options);
  if (!style) return fail(style.error(), options);
  if (options.quiet) return status;
  const auto format = format_of(options);
  const auto text = format == "json"     ? document(listing)
                    : format == "ndjson" ? lines(listing)
                    : format == "csv"    ? to_csv(table_for_programs(listing))
                    : format == "md"     ? to_markdown(table_for_people(listing))
                                         : to_text(listing, *style);
  return write_output(text) ? status : exit_output;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    if (comma > 0) out.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

std::string format_range(const std::optional<Range>& range) {
  if (!range) return "-";
  const int decimals = range->mid < 10 ? 1 : 0;
  return fmt::format("{:.{}f}-{:.{}f}", range->low, decimals, range->high, decimals);
}

Color color_of(VerdictCode code) {
  switch (code) {
    case VerdictCode::fits: return Color::green;
    case VerdictCode::wont_run: return Color::red;
    case VerdictCode::unknown: return Color::none;
    default: return Color::yellow;
  }
}

}  // namespace willitrun::cli
