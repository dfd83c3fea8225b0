#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.hpp"
#include "cli/request.hpp"
#include "cli/terminal.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun::cli {
namespace {

using Json = nlohmann::json;

constexpr std::size_t longest_line = 1 << 20;

/// Alternatives and the longest context take tens of placements each: a line gets them with "advise": true.
Options without_advice() {
  Options options;
  options.advise = false;
  return options;
}

/// A batch line: its id as JSON text, and the options it sets.
struct Line {
  std::string id;
  Options options = without_advice();
};

Error bad_key(const std::string& key, std::string_view must_be) {
  return Error{"bad_request", fmt::format("'{}': must be {}", key, must_be)};
}

/// Catalogs are the process's: they are named on its command line. A sweep has many answers.
bool in_requests(const OptionRow& row) { return row.group != Group::catalog && row.group != Group::sweep; }

std::string option_name(std::string key) {
  std::replace(key.begin(), key.end(), '_', '-');
  return key;
}

Error unknown_key(const std::string& key) {
  std::vector<std::string> keys{"model", "id", "measured", "kv_offload", "advise"};
  for (const auto& row : option_rows()) {
    if (!in_requests(row)) continue;
    keys.emplace_back(row.name);
    std::replace(keys.back().begin(), keys.back().end(), '-', '_');
  }
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  const auto suggestions = nearest(key, views);
  return Error{"bad_request", fmt::format("unknown key '{}'{}", key, did_you_mean(suggestions)), suggestions};
}

/// Scalars as they would be typed.
std::optional<std::string> typed(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  return std::nullopt;
}

std::optional<Error> set_list(const std::string& key, const Json& value, Options::List& out) {
  out.clear();
  const auto& items = value.is_array() ? value : Json::array({value});
  for (const auto& item : items) {
    if (!item.is_string()) return bad_key(key, "a string or a list of strings");
    out.push_back(item.get<std::string>());
  }
  return std::nullopt;
}

std::optional<Error> set_option(const std::string& key, const Json& value, Options& options) {
  if (value.is_null()) return std::nullopt;
  if (key == "advise") {
    if (!value.is_boolean()) return bad_key(key, "true or false");
    options.advise = value.get<bool>();
    return std::nullopt;
  }
  if (key == "kv_offload") {
    if (!value.is_boolean()) return bad_key(key, "true or false");
    options.no_kv_offload = !value.get<bool>();
    return std::nullopt;
  }
  const auto name = option_name(key);
  const auto rows = option_rows();
  const auto row =
      std::find_if(rows.begin(), rows.end(), [&](const OptionRow& r) { return r.name == name && in_requests(r); });
  if (row == rows.end()) return unknown_key(key);
  if (const auto* flag = std::get_if<Options::Flag Options::*>(&row->target)) {
    if (!value.is_boolean()) return bad_key(key, "true or false");
    options.*(*flag) = value.get<bool>();
    return std::nullopt;
  }
  if (const auto* list = std::get_if<Options::List Options::*>(&row->target))
    return set_list(key, value, options.*(*list));
  auto text = typed(value);
  if (!text) return bad_key(key, "a string or a number");
  options.*std::get<Options::Text Options::*>(row->target) = std::move(*text);
  return std::nullopt;
}

std::optional<Error> read_line(const std::string& text, Line& line) {
  if (text.size() > longest_line) return Error{"bad_request", "the line is longer than 1 MiB"};
  const auto json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return Error{"bad_request", "not valid JSON"};
  if (!json.is_object()) return Error{"bad_request", "must be a JSON object"};
  if (const auto id = json.find("id"); id != json.end()) line.id = id->dump();
  for (const auto& [key, value] : json.items()) {
    if (key == "id") continue;
    if (key == "measured") {
      if (!value.is_boolean()) return bad_key(key, "true or false");
      line.options.measured = value.get<bool>() ? "true" : "false";
      continue;
    }
    if (key == "model") {
      if (!value.is_string()) return bad_key(key, "a string");
      line.options.model = value.get<std::string>();
    } else if (auto error = set_option(key, value, line.options)) {
      return error;
    }
  }
  if (!line.options.model) return Error{"bad_request", "'model' is missing"};
  if (line.options.model == "-") return Error{"bad_request", "'model': stdin is where the requests come from"};
  return std::nullopt;
}

struct Answer {
  std::string json;
  int status = 0;
};

/// `fields`: of every line that does not name its own.
Answer answer_line(const std::string& text, const Fields& fields, ModelCache& models) {
  Line line;
  const auto failed = [&](const Error& error) { return Answer{to_json(error, line.id, false), error.exit_status}; };
  if (const auto error = read_line(text, line)) return failed(*error);
  const auto own = Fields::parse(line.options.fields);
  if (!own) return failed(own.error());
  const auto request = resolve(line.options, models);
  if (!request) return failed(request.error());
  auto report = run(*request);
  if (!report) return failed(report.error());
  report->id_json = line.id;
  const auto& wanted = own->empty() ? fields : *own;
  return {wanted.empty() ? to_json(*report, false) : to_json(*report, wanted), exit_status(report->verdict)};
}

/// A bad line outweighs an unknown, an unknown a no.
int worse(int a, int b) {
  constexpr std::array<int, 4> rank{0, 1, 3, 2};  // by exit status: met, no, bad, unknown
  return rank[static_cast<std::size_t>(a)] >= rank[static_cast<std::size_t>(b)] ? a : b;
}

/// Lines of standard input; of one that is too long only as much is kept as shows it.
class Lines {
 public:
  [[nodiscard]] bool next(std::string& line) {
    line.clear();
    int c = in_.sbumpc();
    if (c == end) return false;
    for (; c != end && c != '\n'; c = in_.sbumpc())
      if (line.size() <= longest_line) line += static_cast<char>(c);
    return true;
  }
  /// Whether the next line is at hand; if not, whoever writes them may be waiting for an answer.
  [[nodiscard]] bool more_at_hand() { return in_.in_avail() > 0; }

 private:
  static constexpr int end = std::char_traits<char>::eof();
  std::streambuf& in_ = *std::cin.rdbuf();
};

}  // namespace

int run_batch(const Options& options) {
  const auto fields = Fields::parse(options.fields);
  if (!fields) return fail(fields.error(), options);
  std::ios::sync_with_stdio(false);
  constexpr std::size_t piece = 64 << 10;
  Lines lines;
  ModelCache models;
  Progress progress("requests");
  int status = 0;
  std::string out;
  for (std::string text; lines.next(text);) {
    if (text.find_first_not_of(" \t\r") != std::string::npos) {
      auto answer = answer_line(text, *fields, models);
      status = worse(status, answer.status);
      out += answer.json + "\n";
      progress.step();
    }
    if (out.size() < piece && lines.more_at_hand()) continue;
    if (!write_output(out)) return exit_output;
    out.clear();
    if (output_closed()) return status;
  }
  return write_output(out) ? status : exit_output;
}

}  // namespace willitrun::cli
