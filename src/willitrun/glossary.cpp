#include "willitrun/glossary.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "willitrun/glossary_data.hpp"
#include "willitrun/json_reader.hpp"
#include "willitrun/suggest.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

constexpr std::size_t longest_term = 60;

std::string text_of(const JsonValue& object, std::string_view key) {
  const auto value = object.find(key);
  return value && value->is(JsonKind::text) ? *value->text() : std::string();
}

std::vector<std::string> texts_of(const JsonValue& object, std::string_view key) {
  std::vector<std::string> out;
  if (const auto list = object.find(key))
    for (const auto& item : list->children())
      if (auto text = item.text()) out.push_back(*std::move(text));
  return out;
}

std::vector<GlossaryTerm> read_glossary() {
  std::vector<GlossaryTerm> out;
  const auto root = JsonValue::parse(glossary_json(), "glossary.json");
  const auto terms = root ? root->find("terms") : std::nullopt;
  if (!terms) return out;
  for (const auto& item : terms->children())
    out.push_back({text_of(item, "term"), texts_of(item, "also"), text_of(item, "text"), text_of(item, "formula"),
                   text_of(item, "source"), text_of(item, "example"), texts_of(item, "see")});
  return out;
}

/// Small letters; dashes, underscores and runs of spaces as one space, leading ones dropped.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool gap = c == ' ' || c == '-' || c == '_' || c == '\t' || c == '\n' || c == '\r';
    if (gap && (out.empty() || out.back() == ' ')) continue;
    out += gap ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

const std::vector<GlossaryTerm>& glossary() {
  static const auto terms = read_glossary();
  return terms;
}

Result<GlossaryTerm> find_term(std::string_view text) {
  const auto is_named = [](const GlossaryTerm& term, auto same) {
    return same(term.term) || std::any_of(term.also.begin(), term.also.end(), same);
  };
  const auto& terms = glossary();
  // As written first: --kv is an option, kv is not.
  auto found = std::find_if(terms.begin(), terms.end(), [&](const GlossaryTerm& term) {
    return is_named(term, [&](std::string_view name) { return name == text; });
  });
  if (found == terms.end()) {
    const auto wanted = plain(text.substr(0, longest_term));
    found = std::find_if(terms.begin(), terms.end(), [&](const GlossaryTerm& term) {
      return is_named(term, [&](std::string_view name) { return plain(name) == wanted; });
    });
  }
  if (found == terms.end()) {
    std::vector<std::string_view> names;
    for (const auto& term : terms) {
      names.push_back(term.term);
      names.insert(names.end(), term.also.begin(), term.also.end());
    }
    auto near = nearest(text.substr(0, longest_term), names);
    return Error{"unknown_term",
                 fmt::format("no term {}{}", in_quotes(text),
                             near.empty() ? "; try GQA, KV cache, offload or quantisation" : did_you_mean(near)),
                 near};
  }
  auto term = *found;
  term.example = glossary_example(term.example);
  return term;
}

}  // namespace willitrun
