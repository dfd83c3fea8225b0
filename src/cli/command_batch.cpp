#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "cli/commands.hpp"
#include "cli/option_keys.hpp"
#include "cli/request.hpp"
#include "cli/terminal.hpp"
#include "willitrun/json_reader.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun::cli {
namespace {

using Json = nlohmann::ordered_json;  // an id comes back as it was given

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

/// Those a line may set. Catalogs and the form of the output are the process's: they are named on its command line. A
/// sweep has many answers.
const std::vector<std::string>& allowed_keys() {
  static const auto keys = [] {
    using enum Group;
    auto out = option_keys(std::array{model, placement, machine, gate});
    out.insert(out.end(), {"advise", "model", "id", "fields"});
    return out;
  }();
  return keys;
}

Error unknown_key(const std::string& key) {
  const auto& keys = allowed_keys();
  const auto suggestions = nearest(key, std::vector<std::string_view>(keys.begin(), keys.end()));
  return Error{"bad_request", fmt::format("unknown key '{}'{}", key, did_you_mean(suggestions)), suggestions};
}

/// Empty for what no option takes: an object, or a list of anything but strings.
std::optional<OptionValue> option_value(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return value.dump();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  const auto is_text = [](const Json& item) { return item.is_string(); };
  if (value.is_array() && std::all_of(value.begin(), value.end(), is_text))
    return value.get<std::vector<std::string>>();
  return std::nullopt;
}

std::optional<Error> read_line(const std::string& text, Line& line) {
  if (text.size() > longest_line) return Error{"bad_request", "the line is longer than 1 MiB"};
  std::set<std::string> seen;
  std::optional<std::string> repeated;
  bool deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (static_cast<std::size_t>(depth) > max_json_depth) deep = true;
    if (deep) return false;  // what nests without end would end the stack
    if (depth != 1 || event != Json::parse_event_t::key) return true;
    if (const auto& key = value.get_ref<const std::string&>(); !seen.insert(key).second) repeated = key;
    return true;
  };
  const auto json = Json::parse(text, watch, false);
  if (deep) return Error{"bad_request", fmt::format("nested more than {} deep", max_json_depth)};
  if (json.is_discarded()) return Error{"bad_request", "not valid JSON"};
  if (!json.is_object()) return Error{"bad_request", "must be a JSON object"};
  if (const auto id = json.find("id"); id != json.end()) line.id = id->dump();
  if (repeated) return Error{"bad_request", fmt::format("'{}' is given twice", *repeated)};
  const auto& keys = allowed_keys();
  for (const auto& [key, value] : json.items()) {
    if (key == "id") continue;
    if (key == "model") {
      if (!value.is_string()) return bad_key(key, "a string");
      line.options.model = value.get<std::string>();
      continue;
    }
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) return unknown_key(key);
    if (value.is_null()) continue;
    if (auto error = set_option(key, option_value(value), line.options)) return error;
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

}  // namespace

int run_batch(const Options& options) {
  const auto fields = Fields::parse(options.fields);
  if (!fields) return fail(fields.error(), options);
  std::ios::sync_with_stdio(false);
  ModelCache models;
  int status = 0;
  for (std::string text; std::getline(std::cin, text);) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto answer = answer_line(text, *fields, models);
    status = worse(status, answer.status);
    answer.json += '\n';
    if (!write_output(answer.json)) return exit_output;
  }
  return status;
}

}  // namespace willitrun::cli
