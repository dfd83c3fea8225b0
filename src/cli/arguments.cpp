#include "cli/arguments.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/command_table.hpp"
#include "willitrun/formats.hpp"
#include "willitrun/suggest.hpp"
#include "willitrun/version.hpp"

namespace willitrun::cli {
namespace {

void add_options(CLI::App& app, const CommandRow& row, Options& options) {
  for (const auto& option : option_rows()) {
    if (!takes(row, option)) continue;
    const auto names =
        option.letter == 0 ? fmt::format("--{}", option.name) : fmt::format("-{},--{}", option.letter, option.name);
    CLI::Option* added = nullptr;
    if (const auto* text = std::get_if<Options::Text Options::*>(&option.target))
      added = app.add_option(names, options.*(*text), std::string(option.help));
    else if (const auto* list = std::get_if<Options::List Options::*>(&option.target))
      added = app.add_option(names, options.*(*list), std::string(option.help))->expected(1)->take_all();
    else
      added = app.add_flag(names, options.*std::get<Options::Flag Options::*>(option.target), std::string(option.help));
    if (row.command == Command::compare && option.name == "quant") added->join(',');
    added->group(std::string(title(option.group)));
    if (!option.value.empty()) added->type_name(std::string(option.value));
  }
}

std::string general_help() {
  std::string out =
      "willitrun: will this model run on this machine, how, and how fast?\n\n"
      "Usage:\n  willitrun MODEL [options]        such as: willitrun llama3.1-8b --gpu rtx3060 --quant q4_k_m\n"
      "  willitrun COMMAND [options]\n\nCommands:\n";
  for (const auto& c : command_rows())
    if (!c.hidden) out += fmt::format("  {:<12}{}\n", c.name, c.help);
  const auto& verdict = command_rows().front();
  std::optional<Group> group;
  for (const auto& row : option_rows()) {
    if (!takes(verdict, row)) continue;
    if (group != row.group) out += fmt::format("\n{}:\n", title(row.group));
    group = row.group;
    const auto name = option_text(row);
    // A long name keeps a line of its own, so that the column of explanations stands.
    out += name.size() > 30 ? fmt::format("  {}\n  {:<30}  {}\n", name, "", row.help)
                            : fmt::format("  {:<30}  {}\n", name, row.help);
  }
  out +=
      "\nMODEL is a catalog name in any usual spelling, a .gguf file, a Hugging Face model directory,\n"
      "a JSON model spec, or - for stdin.\n"
      "Exit: 0 requirements met, 1 a valid no, 2 bad input, 3 unknown, 70 internal error, 74 output error.\n";
  return out;
}

/// "--ctx: 1 required N missing" and its like: what an option lacks or has too much of.
Error option_error(std::string_view complaint) {
  const auto name = complaint.substr(0, complaint.find(':'));
  if (complaint.find("missing") == complaint.npos)
    return Error{"usage", fmt::format("{}: is given more than once", name)};
  const auto rows = option_rows();
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const OptionRow& r) { return name.ends_with(fmt::format("--{}", r.name)); });
  return Error{"usage", fmt::format("{}: needs {}", name, row == rows.end() ? "a value" : row->value)};
}

/// A word that is no option, no value and not the one thing the command is about.
Error extra_word(std::string_view complaint, const CommandRow& row, const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const auto& option : option_rows())
    if (takes(row, option)) names.push_back(fmt::format("--{}", option.name));
  const std::vector<std::string_view> views(names.begin(), names.end());
  for (const auto& word : words) {
    const auto name = word.substr(0, word.find('='));
    if (!name.starts_with("-") || name == "-" || std::find(names.begin(), names.end(), name) != names.end()) continue;
    if (name == "-q" || name == "-c" || name == "-g" || name == "-o") continue;
    const auto suggestions = nearest(name, views);
    const auto hint = suggestions.empty() ? fmt::format("; `willitrun {} --help` lists them", row.name) : std::string();
    return Error{"usage", fmt::format("unknown option '{}'{}{}", name, did_you_mean(suggestions), hint), suggestions};
  }
  const bool verdict = row.command == Command::verdict;
  if (const auto suggestions = verdict ? commands_like(words.front()) : std::vector<std::string>();
      !suggestions.empty())
    return Error{"usage", fmt::format("unknown command '{}'{}", words.front(), did_you_mean(suggestions)), suggestions};
  const auto extra = complaint.substr(std::min(complaint.find(": ") + 2, complaint.size()));
  const bool models = verdict || row.command == Command::needs || row.command == Command::cost;
  return Error{"usage",
               fmt::format("unexpected '{}'{}", extra,
                           models ? ": one model at a time (compare takes several); quote a name with spaces" : "")};
}

/// CLI11's complaint in one line of ours.
Error usage_error(const CLI::ParseError& problem, const CommandRow& row, const std::vector<std::string>& words) {
  std::string message = problem.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&problem) != nullptr) return extra_word(message, row, words);
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&problem) != nullptr) return option_error(message);
  if (dynamic_cast<const CLI::RequiredError*>(&problem) != nullptr)
    message = fmt::format("{0} needs {1}; `willitrun {0} --help` says more", row.name, row.arguments);
  std::replace(message.begin(), message.end(), '\n', ' ');
  return Error{"usage", message};
}

/// What `check --help` says below its options.
std::string check_help() {
  std::string out =
      "A manifest is JSON (// comments allowed) with \"targets\", \"models\" and \"checks\";\n"
      "`willitrun schema manifest` prints all of it. A bad one is reported with every\n"
      "problem it has, and the others are answered for.\n\n"
      "Lock: with --lock, a check that takes more memory than the file says, has a worse\n"
      "verdict or is not in it fails. --update-lock writes the file, unless a manifest is\n"
      "bad; what it says of manifests that are not named stays.\n\n"
      "Waivers end by the date, in UTC; SOURCE_DATE_EPOCH sets another.\n\nFormats:\n";
  for (const auto& format : formats())
    if (format.run != nullptr) out += fmt::format("  {:<8} {}\n", format.name, format.what);
  return out + "\nExit: 0 all met or waived, 1 a valid no, 2 a bad manifest, 3 unknown.\n";
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
    row = command_rows().data();

  Invocation invocation;
  invocation.command = row->command;
  auto& options = invocation.options;
  CLI::App app{std::string(row->help), fmt::format("willitrun {}", row->name)};
  add_options(app, *row, options);
  app.footer(std::string(row->notes));
  const bool one_model =
      row->command == Command::verdict || row->command == Command::needs || row->command == Command::cost;
  if (one_model) app.add_option("model", options.model, "the model")->type_name("MODEL");
  if (row->command == Command::check) {
    app.add_option("manifests", options.manifests, "manifest files, or - for stdin")->required()->type_name("MANIFEST");
    app.footer(check_help());
  }
  if (row->command == Command::compare)
    app.add_option("models", invocation.models, "the models")->type_name("MODEL")->required();
  if (row->command == Command::tables)
    app.add_option("spec", options.model, "a JSON spec with \"kind\":\"recommender\"")->type_name("SPEC");
  if (row->command == Command::list) {
    app.add_option("what", invocation.subject, "models, gpus, cpus, quants or engines")->required();
    app.add_option("pattern", invocation.pattern, "only names that hold this");
    app.add_flag("--names", invocation.names)->group("");  // for completion scripts
  }
  if (row->command == Command::show) app.add_option("name", invocation.subject, "a model or device")->required();
  if (row->command == Command::catalog) {
    app.add_option("action", invocation.subject, "validate")->required();
    app.add_option("files", invocation.files, "catalog files, or - for stdin")->required();
  }
  if (row->command == Command::explain) {
    app.add_option("term", invocation.subject, "a term, the text of an error, or - for stdin")->required();
    app.add_option("model", options.model, "the model it was about")->type_name("MODEL");
  }
  if (row->command == Command::completion) app.add_option("shell", invocation.subject, "bash, zsh or fish")->required();
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
  // CLI11 would take the next word for the value: "--ctx=$UNSET -g rtx3060".
  for (const auto& word : words)
    if (word.starts_with("--") && word.ends_with("="))
      return Error{"usage", fmt::format("{}: no value behind the =", word.substr(0, word.size() - 1))};
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
