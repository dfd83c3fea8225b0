#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/input_source.hpp"
#include "cli/request.hpp"
#include "cli/terminal.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/formats.hpp"
#include "willitrun/glossary.hpp"
#include "willitrun/json_writer.hpp"
#include "willitrun/text_layout.hpp"
#include "willitrun/troubleshoot.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun::cli {
namespace {

constexpr int exit_unknown = 3;

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto space = std::min(text.find(' '), text.size());
    if (space > 0) out.emplace_back(text.substr(0, space));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return out;
}

std::string paragraph(std::string_view lead, std::string_view text, const TextStyle& style) {
  return text.empty() ? std::string() : wrapped(lead, words_of(text), " ", style);
}

std::string to_text(const GlossaryTerm& term, const TextStyle& style) {
  std::string out = colored(term.term, Color::bold, style) + "\n" + paragraph("  ", term.text, style);
  if (!(term.formula + term.example).empty()) out += "\n";
  out += paragraph("  formula  ", term.formula, style);
  out += paragraph("  example  ", term.example, style);
  out += "\n";
  if (!term.also.empty()) out += wrapped("  also     ", term.also, ", ", style);
  if (!term.see.empty()) out += wrapped("  see      ", term.see, ", ", style);
  return out + paragraph("  source   ", term.source, style);
}

void add_list(JsonWriter& json, std::string_view key, const std::vector<std::string>& items) {
  json.list(key);
  for (const auto& item : items) json.text(item);
  json.close();
}

std::string to_json(const GlossaryTerm& term) {
  JsonWriter json;
  json.object().text("schema", "willitrun.explain/1").text("kind", "term").text("term", term.term);
  json.text("text", term.text).text_or_null("formula", term.formula).text_or_null("example", term.example);
  add_list(json, "also", term.also);
  add_list(json, "see", term.see);
  return json.text("source", term.source).close().take();
}

/// The question asked again with the numbers of the error, and how it would be typed.
struct Recheck {
  std::string command;
  Report report;
};

/// What the log names, where nothing else was typed. Names that no catalog has are left out.
Options with_findings(const Options& typed, const Diagnosis& diagnosis, const Mentioned& mentioned) {
  auto out = typed;
  if (!out.model && !mentioned.model.empty() && find_model(mentioned.model)) out.model = mentioned.model;
  if (out.gpu.empty() && !out.vram && !mentioned.gpu.empty() && find_device(mentioned.gpu)) out.gpu = {mentioned.gpu};
  const auto mebibytes = [](Bytes bytes) { return fmt::format("{}MiB", bytes / mib); };
  if (!out.free_vram && diagnosis.free_vram && out.gpu.size() == 1) out.free_vram = mebibytes(*diagnosis.free_vram);
  if (!out.ram && diagnosis.ram) out.ram = mebibytes(*diagnosis.ram);
  if (!out.ctx && diagnosis.ctx && *diagnosis.ctx > 0) out.ctx = std::to_string(*diagnosis.ctx);
  return out;
}

std::string quoted(const std::string& word) {
  return word.find(' ') == std::string::npos ? word : fmt::format("\"{}\"", word);
}

std::string command_of(const Options& options) {
  auto out = "willitrun " + quoted(*options.model);
  const auto add = [&](std::string_view name, const Options::Text& value) {
    if (value) out += fmt::format(" --{} {}", name, quoted(*value));
  };
  add("quant", options.quant);
  for (const auto& gpu : options.gpu) out += " --gpu " + quoted(gpu);
  add("vram", options.vram);
  add("free-vram", options.free_vram);
  add("ram", options.ram);
  add("ctx", options.ctx);
  add("gpu-layers", options.gpu_layers);
  add("engine", options.engine);
  return out;
}

Result<std::optional<Recheck>> check_again(const Options& typed, const Diagnosis& diagnosis,
                                           const Mentioned& mentioned) {
  const auto options = with_findings(typed, diagnosis, mentioned);
  if (!options.model || (options.gpu.empty() && !options.vram)) return std::optional<Recheck>();
  ModelCache models;
  const auto request = resolve(options, models);
  if (!request) return request.error();
  auto report = run(*request);
  if (!report) return report.error();
  return std::optional<Recheck>(Recheck{command_of(options), *std::move(report)});
}

std::string to_text(const Diagnosis& diagnosis, const TextStyle& style) {
  std::string out =
      colored(diagnosis.title, Color::bold, style) + "\n" + paragraph("  ", diagnosis.meaning, style) + "\n";
  std::string lead = "  try      ";
  for (const auto& advice : diagnosis.advice) {
    out += paragraph(lead, advice, style);
    lead = "           ";
  }
  std::vector<std::string> facts;
  for (const auto& [name, value] : diagnosis.facts)
    facts.push_back(fmt::format("{} {}", name, value.substr(1, value.size() - 2)));
  if (!facts.empty()) out += wrapped("  read     ", facts, ", ", style);
  return out;
}

std::string to_json(const Diagnosis& diagnosis, const std::optional<Recheck>& again) {
  JsonWriter json;
  json.object().text("schema", "willitrun.explain/1").text("kind", "error").text("code", diagnosis.code);
  json.text("title", diagnosis.title).text("meaning", diagnosis.meaning);
  add_list(json, "advice", diagnosis.advice);
  json.object("facts");
  for (const auto& [name, value] : diagnosis.facts) json.text(name, value.substr(1, value.size() - 2));
  json.close();
  json.text_or_null("command", again ? again->command : std::string());
  auto out = json.close().take();
  out.pop_back();
  return fmt::format("{},\"check\":{}}}", out, again ? willitrun::to_json(again->report, false) : "null");
}

int show_diagnosis(const Diagnosis& diagnosis, const std::string& text, const Options& options, bool json,
                   const TextStyle& style) {
  const auto again = check_again(options, diagnosis, mentioned_in(text));
  if (!again) return fail(again.error(), options);
  auto out = json ? to_json(diagnosis, *again) + "\n" : to_text(diagnosis, style);
  if (!json && *again)
    out += "\n" + paragraph("  checked  ", (*again)->command, style) + "\n" + to_text((*again)->report, style);
  else if (!json)
    out += "\n" + paragraph("  next     ",
                            "name model and machine to check again: willitrun explain - MODEL --gpu NAME", style);
  if (!write_output(out)) return exit_output;
  return *again ? exit_status((*again)->report.verdict) : 0;
}

/// A message nobody has described here: its last line says most.
Error unknown_message(const std::string& text) {
  const auto end = text.find_last_not_of(" \t\r\n");
  const auto line = text.substr(0, end + 1);
  const auto begin = line.find_last_of('\n');
  return Error{"unknown_error",
               fmt::format("no known error in this text; its last line is {}",
                           in_quotes(begin == std::string::npos ? line : line.substr(begin + 1))),
               {},
               exit_unknown};
}

Result<std::string> text_of(const std::string& subject) {
  if (subject != "-") return subject;
  const auto source = open_input(subject);
  if (!source) return source.error();
  return read_all(*source, 4 * longest_log, "stdin");
}

}  // namespace

int run_explain(const Invocation& invocation) {
  const auto& options = invocation.options;
  const auto style = output_style(options);
  if (!style) return fail(style.error(), options);
  const auto format = chosen_format(options, {"text", "json"});
  if (!format) return fail(format.error(), options);
  const bool json = *format == "json";
  const auto text = text_of(invocation.subject);
  if (!text) return fail(text.error(), options);

  // "KV cache", typed as two words.
  auto term = options.model ? find_term(*text + " " + *options.model) : find_term(*text);
  if (!term && options.model) term = find_term(*text);
  if (term) return write_output(json ? to_json(*term) + "\n" : to_text(*term, *style)) ? 0 : exit_output;
  if (const auto diagnosis = diagnose(*text)) return show_diagnosis(*diagnosis, *text, options, json, *style);
  constexpr std::size_t longest_term = 40;
  const bool a_term = invocation.subject != "-" && text->size() <= longest_term;
  return fail(a_term ? term.error() : unknown_message(*text), options);
}

}  // namespace willitrun::cli
