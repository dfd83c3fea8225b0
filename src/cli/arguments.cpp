#include "cli/arguments.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "willitrun/suggest.hpp"
#include "willitrun/version.hpp"

namespace willitrun::cli {
namespace {

struct CommandRow {
  std::string_view name;
  Command command;
  std::string_view groups;  // letters of the option groups it takes
  std::string_view help;
};
// m = model, p = placement, h = machine, g = gate, o = output, c = catalog, t = tables
constexpr std::array commands{
    CommandRow{"verdict", Command::verdict, "mphgoc", "Will this model run on this machine? (the default command)"},
    CommandRow{"batch", Command::batch, "c", "NDJSON requests on stdin, one NDJSON result each on stdout"},
    CommandRow{"tables", Command::tables, "hgoct", "Memory of embedding tables (recommenders)"},
    CommandRow{"list", Command::list, "oc", "List models, gpus, cpus, quants or engines"},
    CommandRow{"show", Command::show, "oc", "Show one model or device with its sources"},
    CommandRow{"detect", Command::detect, "oc", "The hardware of this computer"},
    CommandRow{"catalog", Command::catalog, "o",
               "catalog validate FILE...: everything that is wrong with catalog files"},
    CommandRow{"calibrate", Command::calibrate, "oc", "Correct speeds by what llama-bench -o json measured here"},
    CommandRow{"schema", Command::schema, "", "Print a JSON schema; without a name, list them"},
};
constexpr std::string_view group_letters = "mphgoct";

void add_options(CLI::App& app, const CommandRow& row, Options& options) {
  for (const auto& option : option_rows()) {
    const auto letter = group_letters[static_cast<std::size_t>(option.group)];
    if (row.groups.find(letter) == std::string_view::npos) continue;
    const auto names =
        option.letter == 0 ? fmt::format("--{}", option.name) : fmt::format("-{},--{}", option.letter, option.name);
    CLI::Option* added = nullptr;
    if (const auto* text = std::get_if<Options::Text Options::*>(&option.target))
      added = app.add_option(names, options.*(*text), std::string(option.help));
    else if (const auto* list = std::get_if<Options::List Options::*>(&option.target))
      added = app.add_option(names, options.*(*list), std::string(option.help))->expected(1)->take_all();
    else
      added = app.add_flag(names, options.*std::get<Options::Flag Options::*>(option.target), std::string(option.help));
    added->group(std::string(title(option.group)));
    if (!option.value.empty()) added->type_name(std::string(option.value));
  }
}

const CommandRow* find_command(std::string_view word) {
  const auto* it = std::find_if(commands.begin(), commands.end(), [&](const auto& c) { return c.name == word; });
  return it == commands.end() ? nullptr : it;
}

std::string general_help() {
  std::string out =
      "willitrun: will this model run on this machine, how, and how fast?\n\n"
      "Usage:\n  willitrun MODEL [options]        such as: willitrun llama3.1-8b --gpu rtx3060 --quant q4_k_m\n"
      "  willitrun COMMAND [options]\n\nCommands:\n";
  for (const auto& c : commands) out += fmt::format("  {:<10}{}\n", c.name, c.help);
  for (std::size_t g = 0; g <= static_cast<std::size_t>(Group::catalog); ++g) {
    out += fmt::format("\n{}:\n", title(static_cast<Group>(g)));
    for (const auto& row : option_rows()) {
      if (static_cast<std::size_t>(row.group) != g) continue;
      const auto name = row.letter == 0 ? fmt::format("    --{} {}", row.name, row.value)
                                        : fmt::format("-{}, --{} {}", row.letter, row.name, row.value);
      // A long name keeps a line of its own, so that the column of explanations stands.
      out += name.size() > 30 ? fmt::format("  {}\n  {:<30}  {}\n", name, "", row.help)
                              : fmt::format("  {:<30}  {}\n", name, row.help);
    }
  }
  out +=
      "\nMODEL is a catalog name in any usual spelling, a .gguf file, a JSON model spec, or - for stdin.\n"
      "Exit: 0 requirements met, 1 a valid no, 2 bad input, 3 unknown, 70 internal error, 74 output error.\n";
  return out;
}

/// CLI11's complaint in one line of ours, with near misses for an unknown option.
Error usage_error(const CLI::ParseError& problem, const CommandRow& row, const std::vector<std::string>& words) {
  std::string message = problem.what();
  std::vector<std::string> suggestions;
  if (dynamic_cast<const CLI::ExtrasError*>(&problem) != nullptr) {
    std::vector<std::string> names;
    for (const auto& option : option_rows())
      if (row.groups.find(group_letters[static_cast<std::size_t>(option.group)]) != std::string_view::npos)
        names.push_back(fmt::format("--{}", option.name));
    const std::vector<std::string_view> views(names.begin(), names.end());
    for (const auto& word : words) {
      const auto name = word.substr(0, word.find('='));
      if (!name.starts_with("-") || name == "-" || std::find(names.begin(), names.end(), name) != names.end()) continue;
      if (name == "-q" || name == "-c" || name == "-g" || name == "-o") continue;
      suggestions = nearest(name, views);
      return Error{"usage", fmt::format("unknown option '{}'{}", name, did_you_mean(suggestions)), suggestions};
    }
    message = "one model at a time: " + message;
  }
  std::replace(message.begin(), message.end(), '\n', ' ');
  return Error{"usage", message, suggestions};
}

}  // namespace

Result<std::variant<Invocation, Printout>> parse_arguments(int argc, const char* const* argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const auto* row = words.empty() ? nullptr : find_command(words[0]);
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help")
    return std::variant<Invocation, Printout>(Printout{general_help()});
  if (words[0] == "--version")
    return std::variant<Invocation, Printout>(Printout{fmt::format("willitrun {}\n", version())});
  if (row != nullptr)
    words.erase(words.begin());
  else
    row = commands.data();

  Invocation invocation;
  invocation.command = row->command;
  auto& options = invocation.options;
  CLI::App app{std::string(row->help), fmt::format("willitrun {}", row->name)};
  add_options(app, *row, options);
  if (row->command == Command::verdict) app.add_option("model", options.model, "the model")->type_name("MODEL");
  if (row->command == Command::tables)
    app.add_option("spec", options.model, "a JSON spec with \"kind\":\"recommender\"")->type_name("SPEC");
  if (row->command == Command::list) {
    app.add_option("what", invocation.subject, "models, gpus, cpus, quants or engines")->required();
    app.add_option("pattern", invocation.pattern, "only names that hold this");
  }
  if (row->command == Command::show) app.add_option("name", invocation.subject, "a model or device")->required();
  if (row->command == Command::catalog) {
    app.add_option("action", invocation.subject, "validate")->required();
    app.add_option("files", invocation.files, "catalog files, or - for stdin")->required();
  }
  if (row->command == Command::calibrate) {
    app.add_option("file", invocation.subject, "what llama-bench -o json or -o jsonl printed, or - for stdin")
        ->type_name("FILE");
    app.add_option("-g,--gpu", options.gpu, "the GPU, where the file's name for it is unknown")->expected(1);
    app.add_option("--cpu", options.cpu, "the processor, likewise");
    app.add_flag("--show", invocation.show_stored, "print what is stored");
    app.add_flag("--forget", invocation.forget_stored, "remove it");
  }
  if (row->command == Command::schema) app.add_option("name", invocation.subject, "the schema's name");
  if (row->command == Command::detect)
    app.add_flag("--report", invocation.report, "print what was read, scrubbed, for a bug report");
  try {
    auto reversed = words;
    std::reverse(reversed.begin(), reversed.end());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return std::variant<Invocation, Printout>(Printout{row->command == Command::verdict ? general_help() : app.help()});
  } catch (const CLI::ParseError& problem) {
    return usage_error(problem, *row, words);
  }
  return std::variant<Invocation, Printout>(std::move(invocation));
}

}  // namespace willitrun::cli
