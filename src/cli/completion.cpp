#include "cli/completion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/command_table.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun::cli {
namespace {

struct Named {
  std::string_view option, list;
};
constexpr std::array catalog_options{Named{"gpu", "gpus"}, Named{"cpu", "cpus"}, Named{"quant", "quants"},
                                     Named{"engine", "engines"}};
// Where the value column of the table leaves the choices to the help.
constexpr std::array other_words{Named{"backend", "auto cuda rocm vulkan metal sycl cpu"},
                                 Named{"kv", "f16 q8_0 q4_0 q4_1 q5_0 q5_1 bf16 f32 q8_0,f16"},
                                 Named{"optimizer", "none sgd adagrad rowwise_adagrad adam"},
                                 Named{"ctx", "4k 8k 16k 32k 64k 128k max"}};

const Named* find(std::span<const Named> rows, std::string_view option) {
  const auto it = std::find_if(rows.begin(), rows.end(), [&](const Named& row) { return row.option == option; });
  return it == rows.end() ? nullptr : &*it;
}

/// "on|off|auto" -> "on off auto"; placeholders in capitals are no words.
std::string words_of(std::string_view value) {
  std::string out;
  while (!value.empty()) {
    const auto bar = std::min(value.find('|'), value.size());
    const auto word = value.substr(0, bar);
    const bool placeholder = std::any_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!word.empty() && !placeholder) out += (out.empty() ? "" : " ") + std::string(word);
    value.remove_prefix(std::min(bar + 1, value.size()));
  }
  return out;
}

/// The words a command's first argument may be: "models|gpus [PATTERN]" -> "models gpus".
std::string first_words(const CommandRow& row) { return words_of(row.arguments.substr(0, row.arguments.find(' '))); }

std::string command_names() {
  std::string out;
  for (const auto& row : command_rows())
    if (!row.hidden) out += (out.empty() ? "" : " ") + std::string(row.name);
  return out;
}

std::string option_names(const CommandRow& row) {
  std::string out = "--help";
  for (const auto& option : option_rows()) {
    if (!takes(row, option)) continue;
    if (option.letter != 0) out += fmt::format(" -{}", option.letter);
    out += fmt::format(" --{}", option.name);
  }
  return out;
}

/// Options that complete alike in all shells' tables: what follows each option with a value.
struct ValueRow {
  std::string pattern;  // "-q|--quant"
  Choices choices;
};
std::vector<ValueRow> value_rows() {
  std::vector<ValueRow> out;
  for (const auto& option : option_rows()) {
    if (option.value.empty()) continue;
    const auto letter = option.letter == 0 ? std::string() : fmt::format("-{}|", option.letter);
    out.push_back({fmt::format("{}--{}", letter, option.name), choices_of(option.name, option.value)});
  }
  return out;
}

constexpr std::string_view bash_start =
    R"(## bash completion for willitrun; load it with: source <(willitrun completion bash)
_willitrun_names() { "${words[0]}" list "$1" "$2" --names 2>/dev/null; }
_willitrun() {
  local cur prev words cword
  # Names such as llama3.1:8b hold a colon, at which bash would break them.
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n := cur prev words cword
  else
    words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  fi
  local IFS=$'\n'
  case $prev in
)";
constexpr std::string_view bash_end =
    R"(  if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$cur"; fi
}
complete -F _willitrun willitrun
)";

std::string bash_reply(const Choices& choices) {
  std::string out;
  if (!choices.list.empty()) out += fmt::format("COMPREPLY+=($(_willitrun_names {} \"$cur\")); ", choices.list);
  if (!choices.words.empty())
    out += fmt::format("COMPREPLY+=($(IFS=' '; compgen -W '{}' -- \"$cur\")); ", choices.words);
  if (choices.files) out += "COMPREPLY+=($(compgen -f -- \"$cur\")); ";
  return out;
}

std::string bash_script() {
  std::string out(bash_start);
  for (const auto& [pattern, choices] : value_rows())
    out += fmt::format("    {}) {}return ;;\n", pattern, bash_reply(choices));
  out += "  esac\n  if [[ $cur == -* ]]; then\n    local options\n    case ${words[1]} in\n";
  for (const auto& row : command_rows())
    if (!row.hidden && row.command != Command::verdict)
      out += fmt::format("      {}) options='{}' ;;\n", row.name, option_names(row));
  out += fmt::format("      *) options='{} --version' ;;\n    esac\n", option_names(command_rows().front()));
  out += "    COMPREPLY=($(IFS=' '; compgen -W \"$options\" -- \"$cur\"))\n    return\n  fi\n";
  out += "  if (( cword == 1 )); then\n";
  out += fmt::format("    COMPREPLY=($(IFS=' '; compgen -W '{}' -- \"$cur\"))\n", command_names());
  out +=
      "    COMPREPLY+=($(_willitrun_names models \"$cur\") $(compgen -f -- \"$cur\"))\n  else\n    case ${words[1]} "
      "in\n";
  for (const auto& row : command_rows())
    if (const auto words = first_words(row); !row.hidden && !words.empty())
      out += fmt::format("      {}) (( cword == 2 )) && COMPREPLY=($(IFS=' '; compgen -W '{}' -- \"$cur\")) ;;\n",
                         row.name, words);
  out += "      verdict|explain|show) COMPREPLY=($(_willitrun_names models \"$cur\") $(compgen -f -- \"$cur\")) ;;\n";
  out += "      *) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n    esac\n  fi\n";
  return out + std::string(bash_end);
}

/// In single quotes for zsh and fish.
std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(const Choices& choices) {
  if (!choices.list.empty())
    // The space before keeps zsh from adding options of its own.
    return fmt::format(" _willitrun_names {}{}", choices.list, choices.words.empty() ? "" : " " + choices.words);
  if (!choices.words.empty()) return fmt::format("({})", choices.words);
  return choices.files ? "_files" : " ";
}

std::string zsh_options(const CommandRow& row) {
  std::string out;
  for (const auto& option : option_rows()) {
    if (!takes(row, option)) continue;
    auto help = escaped(option.help, "[]:");
    std::replace(help.begin(), help.end(), '\'', ' ');
    const bool repeats = std::holds_alternative<Options::List Options::*>(option.target);
    const auto value = option.value.empty() ? std::string()
                                            : fmt::format(":{}:{}", escaped(option.value, ":"),
                                                          zsh_action(choices_of(option.name, option.value)));
    const auto sign = option.value.empty() ? "" : "=";
    if (option.letter != 0)
      out += fmt::format("    '{}-{}{}[{}]{}'\n", repeats ? "*" : "", option.letter, option.value.empty() ? "" : "+",
                         help, value);
    out += fmt::format("    '{}--{}{}[{}]{}'\n", repeats ? "*" : "", option.name, sign, help, value);
  }
  return out;
}

std::string zsh_script() {
  std::string out = R"zsh(#compdef willitrun
## zsh completion for willitrun; put it into a folder of $fpath as _willitrun, or: source <(willitrun completion zsh)
_willitrun_names() {
  local -a found
  found=(${(f)"$("${words[1]}" list "$1" "${(Q)PREFIX}" --names 2>/dev/null)"})
  compadd -U -- $found
  if (( $# > 1 )); then compadd -- "${@:2}"; fi
}
_willitrun_model() { _willitrun_names models; _files }
_willitrun() {
  local -a commands options first
  commands=(
)zsh";
  for (const auto& row : command_rows()) {
    if (row.hidden) continue;
    auto help = escaped(row.help, ":");
    std::replace(help.begin(), help.end(), '\'', ' ');
    out += fmt::format("    '{}:{}'\n", row.name, help);
  }
  out += "  )\n  case ${words[2]} in\n";
  for (const auto& row : command_rows()) {
    if (row.hidden || row.command == Command::verdict) continue;
    const auto words = first_words(row);
    const auto positional = !words.empty() ? fmt::format("'2:word:({})' '*:file:_files'", words)
                            : row.command == Command::show || row.command == Command::explain
                                ? std::string("'*:name:_willitrun_model'")
                                : std::string("'*:file:_files'");
    out += fmt::format("  {})\n    options=(\n{}    )\n    _arguments -s -S '1: :' {} $options\n    return ;;\n",
                       row.name, zsh_options(row), positional);
  }
  out += fmt::format("  esac\n  options=(\n{}  )\n", zsh_options(command_rows().front()));
  out += R"(  _arguments -s -S '1: :->first' '*:model:_willitrun_model' '--version[print the version]' $options
  if [[ $state == first ]]; then
    _describe -t commands command commands
    _willitrun_model
  fi
}
if [[ $funcstack[1] == _willitrun ]]; then _willitrun "$@"; else compdef _willitrun willitrun; fi
)";
  return out;
}

std::string fish_arguments(const Choices& choices) {
  std::string out;
  if (!choices.list.empty())
    out += fmt::format("(willitrun list {} (commandline -ct | string replace -r '^--[^=]*=' '') --names 2>/dev/null)",
                       choices.list);
  if (!choices.words.empty()) out += (out.empty() ? "" : " ") + choices.words;
  return out;
}

std::string fish_script() {
  std::string out = "## fish completion for willitrun; put it into ~/.config/fish/completions/willitrun.fish\n";
  out += fmt::format("set -l commands {}\n", command_names());
  for (const auto& row : command_rows())
    if (!row.hidden)
      out += fmt::format("complete -c willitrun -n __fish_use_subcommand -a {} -d '{}'\n", row.name,
                         escaped(row.help, "'"));
  out +=
      "complete -c willitrun -n \"not __fish_seen_subcommand_from (string match -v verdict $commands)\" -a "
      "'(willitrun list models (commandline -ct) --names 2>/dev/null)'\n";
  for (const auto& row : command_rows()) {
    if (row.hidden) continue;
    if (const auto words = first_words(row); !words.empty())
      out += fmt::format("complete -c willitrun -f -n '__fish_seen_subcommand_from {}' -a '{}'\n", row.name, words);
  }
  out +=
      "complete -c willitrun -n '__fish_seen_subcommand_from show explain verdict' -a "
      "'(willitrun list models (commandline -ct) --names 2>/dev/null)'\n";
  for (const auto& option : option_rows()) {
    std::string takers;
    for (const auto& row : command_rows())
      if (!row.hidden && !takes(row, option)) takers += (takers.empty() ? "" : " ") + std::string(row.name);
    out += "complete -c willitrun";
    if (!takers.empty()) out += fmt::format(" -n 'not __fish_seen_subcommand_from {}'", takers);
    if (option.letter != 0) out += fmt::format(" -s {}", option.letter);
    out += fmt::format(" -l {}", option.name);
    if (!option.value.empty()) {
      const auto choices = choices_of(option.name, option.value);
      out += choices.files ? " -r" : " -x";
      if (const auto arguments = fish_arguments(choices); !arguments.empty())
        out += fmt::format(" -a \"{}\"", escaped(arguments, "$\""));
    }
    out += fmt::format(" -d '{}'\n", escaped(option.help, "'"));
  }
  return out;
}

struct Shell {
  std::string_view name;
  std::string (*script)();
};
constexpr std::array shells{Shell{"bash", bash_script}, Shell{"zsh", zsh_script}, Shell{"fish", fish_script}};

}  // namespace

Choices choices_of(std::string_view option, std::string_view value) {
  Choices out;
  if (const auto* row = find(catalog_options, option)) out.list = row->list;
  out.words = words_of(value);
  if (const auto* row = find(other_words, option)) out.words = row->list;
  out.files = value.find("FILE") != std::string_view::npos;
  return out;
}

Result<std::string> completion_script(std::string_view shell) {
  std::vector<std::string_view> names;
  for (const auto& row : shells) {
    if (row.name == shell) return row.script();
    names.push_back(row.name);
  }
  const auto near = nearest(shell, names);
  return Error{"usage", fmt::format("no completion for '{}': must be bash, zsh or fish{}", shell, did_you_mean(near)),
               near};
}

}  // namespace willitrun::cli
