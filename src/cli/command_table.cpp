#include "cli/command_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/help_notes.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun::cli {
namespace {

// In the order of Group: model, placement, machine, gate, output, catalog, tables, lock, models (n), devices,
// cost (k), sweep.
constexpr std::string_view group_letters = "mphgoctlndks";

constexpr std::array commands{
    CommandRow{"verdict", Command::verdict, "mphgocs", "MODEL",
               "Will this model run on this machine? (the default command)"},
    CommandRow{"check", Command::check, "ocl", "MANIFEST...",
               "Do all these models meet their requirements on all these machines?"},
    CommandRow{"batch", Command::batch, "c", "", "NDJSON requests on stdin, one NDJSON result each on stdout",
               batch_notes},
    CommandRow{"tables", Command::tables, "hgoct", "[SPEC]", "Memory of embedding tables (recommenders)"},
    CommandRow{"fits", Command::fits, "mphgocn", "", "What of the catalog runs on this machine, best first",
               fits_notes},
    CommandRow{"needs", Command::needs, "mphgocd", "MODEL",
               "The cheapest, smallest and fastest devices that run a model", needs_notes},
    CommandRow{"compare", Command::compare, "mphgoc", "MODEL...", "Models on machines, side by side", compare_notes},
    CommandRow{"cost", Command::cost, "mphgock", "MODEL", "Energy and money per million tokens, break-even with an API",
               cost_notes},
    CommandRow{"list", Command::list, "oc", "models|gpus|cpus|quants|engines [PATTERN]",
               "List models, gpus, cpus, quants or engines"},
    CommandRow{"show", Command::show, "oc", "NAME", "Show one model or device with its sources"},
    CommandRow{"detect", Command::detect, "oc", "", "The hardware of this computer"},
    CommandRow{"explain", Command::explain, "mphgoc", "TERM|ERROR|- [MODEL]",
               "What a term means; what a pasted error means and what to change"},
    CommandRow{"catalog", Command::catalog, "o", "validate FILE...",
               "catalog validate FILE...: everything that is wrong with catalog files"},
    CommandRow{"calibrate", Command::calibrate, "oc", "FILE",
               "Correct speeds by what llama-bench -o json measured here"},
    CommandRow{"schema", Command::schema, "", "[NAME]", "Print a JSON schema; without a name, list them"},
    CommandRow{"completion", Command::completion, "", "bash|zsh|fish", "Print a completion script for a shell"},
    CommandRow{"man", Command::man, "", "", "Print the manual page (roff)", {}, true},
};

}  // namespace

std::span<const CommandRow> command_rows() { return commands; }

const CommandRow* find_command(std::string_view name) {
  const auto* it = std::find_if(commands.begin(), commands.end(), [&](const auto& c) { return c.name == name; });
  return it == commands.end() ? nullptr : it;
}

std::vector<std::string> commands_like(std::string_view word) {
  std::vector<std::string_view> names;
  for (const auto& command : commands)
    if (!command.hidden) names.push_back(command.name);
  return nearest(word, names);
}

bool takes(const CommandRow& row, const OptionRow& option) {
  using enum Command;
  if (option.name == "fields") return row.command == verdict || row.command == tables || row.command == batch;
  return row.groups.find(group_letters[static_cast<std::size_t>(option.group)]) != std::string_view::npos;
}

std::string option_text(const OptionRow& row) {
  auto out = row.letter == 0 ? fmt::format("    --{}", row.name) : fmt::format("-{}, --{}", row.letter, row.name);
  if (!row.value.empty()) out += fmt::format(" {}", row.value);
  return out;
}

}  // namespace willitrun::cli
