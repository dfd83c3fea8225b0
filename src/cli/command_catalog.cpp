#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/catalogs.hpp"
#include "cli/commands.hpp"
#include "cli/input_source.hpp"
#include "cli/terminal.hpp"
#include "willitrun/catalog_file.hpp"

namespace willitrun::cli {
namespace {

using Json = nlohmann::ordered_json;

CatalogCheck check_file(const std::string& path) {
  const auto text = read_catalog_text(path);
  if (text) return check_catalog(*text, display_name(path));
  CatalogCheck out;
  out.problems.push_back({0, 0, {}, text.error().message, {}, text.error().message});
  return out;
}

std::string plural(std::size_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

std::string to_text(const std::string& file, const CatalogCheck& check) {
  std::string out;
  for (const auto& problem : check.problems) out += problem.text + "\n";
  const auto entries = fmt::format("{}, {} and {}", plural(check.models, "model"), plural(check.devices, "device"),
                                   plural(check.cpus, "processor"));
  return out + (check.problems.empty()
                    ? fmt::format("{}: good: {}\n", file, entries)
                    : fmt::format("{}: {} in {}\n", file, plural(check.problems.size(), "problem"), entries));
}

Json to_json(const std::string& file, const CatalogCheck& check) {
  Json problems = Json::array();
  for (const auto& p : check.problems)
    problems.push_back({{"path", p.path},
                        {"line", p.line == 0 ? Json() : Json(p.line)},
                        {"column", p.column == 0 ? Json() : Json(p.column)},
                        {"message", p.message},
                        {"suggestions", p.suggestions}});
  return {{"file", file},           {"valid", check.problems.empty()},
          {"models", check.models}, {"devices", check.devices},
          {"cpus", check.cpus},     {"problems", problems}};
}

}  // namespace

int run_catalog(const Invocation& invocation) {
  if (invocation.subject != "validate")
    return fail(Error{"usage", fmt::format("catalog '{}': must be validate", invocation.subject), {"validate"}},
                invocation.options);
  const auto format = chosen_format(invocation.options, {"text", "json"});
  if (!format) return fail(format.error(), invocation.options);
  const bool json = *format == "json";
  bool good = true;
  std::string text;
  Json files = Json::array();
  for (const auto& path : invocation.files) {
    const auto check = check_file(path);
    good = good && check.problems.empty();
    if (json)
      files.push_back(to_json(display_name(path), check));
    else
      text += to_text(display_name(path), check);
  }
  if (json) text = Json{{"schema", "willitrun.catalog/1"}, {"valid", good}, {"files", files}}.dump() + "\n";
  if (!invocation.options.quiet && !write_output(text)) return exit_output;
  return good ? 0 : exit_bad_input;
}

}  // namespace willitrun::cli
