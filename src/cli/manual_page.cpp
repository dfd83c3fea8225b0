// The manual page in man(7) macros, from the tables that parser and help use.
#include <fmt/format.h>

#include <array>

#include "cli/command_table.hpp"
#include "cli/completion.hpp"
#include "willitrun/version.hpp"

namespace willitrun::cli {
namespace {

/// Text that roff would take for markup: backslashes, dashes that must stay dashes, a dot or quote that begins a line.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      if (out.empty() && (c == '.' || c == '\'')) out += "\\&";
      out += c;
    }
  }
  return out;
}

struct Status {
  std::string_view code, meaning;
};
constexpr std::array statuses{Status{"0", "every requirement is met"},
                              Status{"1", "a valid no"},
                              Status{"2", "bad usage, unknown name, bad file; nothing half done"},
                              Status{"3", "unknown: the data for a verdict is missing"},
                              Status{"70", "internal error"},
                              Status{"74", "output could not be written"}};

struct Sample {
  std::string_view command, what;
};
constexpr std::array samples{
    Sample{"willitrun llama3.1-8b --gpu rtx3060 --quant q4_k_m", "A model on a card."},
    Sample{"willitrun qwen3-30b-a3b --vram 8GiB --ram 64GiB --require runs --min-tps 10", "A gate for scripts."},
    Sample{"willitrun llama3.1-70b --gpu 2xrtx3090 --sweep ctx", "Memory and speed over the context."},
    Sample{"llama-server -m model.gguf 2>&1 | willitrun explain -", "What an error means."},
    Sample{"willitrun batch < requests.ndjson > results.ndjson", "Many questions at once."}};

std::string option_section(Group group) {
  std::string out;
  for (const auto& row : option_rows()) {
    if (row.group != group) continue;
    if (out.empty()) out = fmt::format(".SS {}\n", title(group));
    const auto letter = row.letter == 0 ? std::string() : fmt::format("\\fB\\-{}\\fR, ", row.letter);
    const auto value = row.value.empty() ? std::string() : fmt::format(" \\fI{}\\fR", roff(row.value));
    out += fmt::format(".TP\n{}\\fB\\-\\-{}\\fR{}\n{}\n", letter, roff(row.name), value, roff(row.help));
  }
  return out;
}

}  // namespace

std::string manual_page() {
  auto out = fmt::format(".TH WILLITRUN 1 \"\" \"willitrun {}\" \"User Commands\"\n", version());
  out += ".SH NAME\nwillitrun \\- will this model run on this machine, how, and how fast?\n.SH SYNOPSIS\n";
  for (const auto& row : command_rows()) {
    if (row.hidden) continue;
    const bool verdict = row.command == Command::verdict;
    out += fmt::format(".B willitrun{}\n", verdict ? std::string() : fmt::format(" {}", row.name));
    const auto rest = fmt::format("{}{}", row.arguments, row.groups.empty() ? "" : " [options]");
    if (!rest.empty()) out += fmt::format(".I {}\n", roff(rest.substr(rest.find_first_not_of(' '))));
    out += ".br\n";
  }
  out += ".SH DESCRIPTION\n";
  out +=
      "Answers from a model's name or a file's header, without its weights, whether it fits the memory of a machine, "
      "how "
      "it would be placed and about how fast it would run. MODEL is a catalog name in any usual spelling, a .gguf "
      "file, a "
      "Hugging Face model directory, a JSON model spec, or \\- for standard input. Nothing is sent anywhere.\n";
  out += ".SH COMMANDS\n";
  for (const auto& row : command_rows())
    if (!row.hidden) out += fmt::format(".TP\n.B {}\n{}\n", row.name, roff(row.help));
  out +=
      ".SH OPTIONS\nSizes take a unit: 12GiB and 12GB differ, a bare 12G is 12GiB. Not every command takes all; "
      "\\fBwillitrun\\fR \\fICOMMAND\\fR \\fB\\-\\-help\\fR lists its own.\n";
  for (std::size_t g = 0; g <= static_cast<std::size_t>(Group::sweep); ++g)
    out += option_section(static_cast<Group>(g));
  out += ".SH EXIT STATUS\n";
  for (const auto& row : statuses) out += fmt::format(".TP\n.B {}\n{}\n", row.code, roff(row.meaning));
  out +=
      ".SH ENVIRONMENT\n.TP\n.B NO_COLOR, CLICOLOR_FORCE\nNo colour; colour even where the output is no terminal.\n"
      ".TP\n.B COLUMNS\nWidth of the output.\n.TP\n.B XDG_CONFIG_HOME\nWhere catalogs of your own lie.\n";
  out += ".SH FILES\n.TP\n.I ~/.config/willitrun/*.json\nModels and devices of your own, laid over the bundled ones.\n";
  out += ".SH EXAMPLES\n";
  for (const auto& sample : samples) out += fmt::format(".TP\n.B {}\n{}\n", roff(sample.command), roff(sample.what));
  return out + ".SH SEE ALSO\n.BR llama\\-server (1),\n.BR ollama (1)\n";
}

}  // namespace willitrun::cli
