#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/terminal.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun::cli {
namespace {

/// Whether errors are JSON, as far as the format typed tells.
bool wants_json(const Options& options) {
  const auto rows = formats();
  return options.json ||
         std::any_of(rows.begin(), rows.end(), [&](const Format& f) { return f.json && f.name == options.format; });
}

std::string written(const Report& report, const Format& format, const Fields& fields, const TextStyle& style) {
  return fields.empty() ? format.report(report, style) : format.fields(report, fields);
}

/// As typed, empty when not.
Result<std::string> typed_format(const Options& options) {
  if (options.json && options.format && *options.format != "json")
    return Error{"contradiction", fmt::format("--json contradicts --format {}", *options.format)};
  return options.format.value_or(options.json ? "json" : "");
}

}  // namespace

Result<const Format*> chosen_format(const Options& options, Subject subject) {
  const auto name = typed_format(options);
  if (!name) return name.error();
  return find_format(name->empty() ? formats().front().name : *name, subject);
}

Result<std::string_view> chosen_format(const Options& options, std::initializer_list<std::string_view> names) {
  const auto name = typed_format(options);
  if (!name) return name.error();
  if (name->empty()) return *names.begin();
  const auto* it = std::find(names.begin(), names.end(), *name);
  if (it != names.end()) return *it;
  const std::vector<std::string_view> choices(names);
  const auto near = nearest(*name, choices);
  return Error{"bad_value",
               fmt::format("--format '{}': here it must be {}{}{}", *name, names.size() > 1 ? "one of " : "",
                           fmt::join(names, ", "), did_you_mean(near)),
               near};
}

int fail(const Error& error, const Options& options) {
  if (wants_json(options)) {
    if (!write_output(to_json(error, {}, false) + "\n")) return exit_output;
  } else {
    write_error(fmt::format("willitrun: {}\n", error.message));
  }
  return error.exit_status;
}

int answer(const Report& report, const Options& options) {
  const auto style = output_style(options);
  if (!style) return fail(style.error(), options);
  const auto format = chosen_format(options, Subject::report);
  if (!format) return fail(format.error(), options);
  const auto fields = Fields::parse(options.fields);
  if (!fields) return fail(fields.error(), options);
  const bool done = options.quiet || write_output(written(report, **format, *fields, *style));
  return done ? exit_status(report.verdict) : exit_output;
}

}  // namespace willitrun::cli
