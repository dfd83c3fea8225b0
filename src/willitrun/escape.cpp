#include "willitrun/escape.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

constexpr bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }
constexpr bool is_blank(char32_t c) { return c == '\t' || c == '\n' || c == '\r'; }
/// U+FFFE and U+FFFF, which XML 1.0 leaves out (production 2), and their like in the other planes.
constexpr bool is_noncharacter(char32_t c) { return (c & 0xFFFEU) == 0xFFFEU; }
constexpr bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & '\x80') != 0;
}

/// `spell(code point, its bytes, out)` for each character, U+FFFD for each broken byte.
template <class Spell>
std::string respelled(std::string_view text, Spell spell) {
  std::string out;
  out.reserve(text.size() + 2);
  while (!text.empty()) {
    const auto c = first_character(text);
    if (c.length == 0) {
      out += replacement;
      text.remove_prefix(1);
    } else {
      spell(c.code_point, text.substr(0, c.length), out);
      text.remove_prefix(c.length);
    }
  }
  return out;
}

}  // namespace

std::string one_line(std::string_view text) {
  return respelled(text, [](char32_t c, std::string_view bytes, std::string& out) {
    out += is_blank(c) ? " " : is_control(c) ? replacement : bytes;
  });
}

std::string json_quoted(std::string_view text) {
  // Most text needs nothing, and there is much of it.
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7F && c != '"' && c != '\\'; });
  if (plain) return (std::string("\"") += text) += '"';
  return '"' +
         respelled(text,
                   [](char32_t c, std::string_view bytes, std::string& out) {
                     if (c == '"' || c == '\\')
                       (out += '\\') += bytes;
                     else if (c == '\n')
                       out += "\\n";
                     else if (c == '\t')
                       out += "\\t";
                     else if (c == '\r')
                       out += "\\r";
                     else if (is_control(c) || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
                              (is_noncharacter(c) && c <= 0xFFFF))
                       out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
                     else
                       out += bytes;
                   }) +
         '"';
}

std::string xml_escaped(std::string_view text) {
  return respelled(text, [](char32_t c, std::string_view bytes, std::string& out) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      // Attribute values would turn these into spaces.
      case '\t': out += "&#9;"; break;
      case '\n': out += "&#10;"; break;
      case '\r': out += "&#13;"; break;
      default: out += is_control(c) || is_noncharacter(c) ? replacement : bytes;
    }
  });
}

std::string csv_field(std::string_view text) {
  const auto field = respelled(text, [](char32_t c, std::string_view bytes, std::string& out) {
    if (c == '"') out += '"';
    out += is_control(c) && !is_blank(c) ? replacement : bytes;
  });
  const bool padded = !field.empty() && (field.front() == ' ' || field.back() == ' ');
  return padded || field.find_first_of(",\"\n\r\t") != field.npos ? '"' + field + '"' : field;
}

std::string tsv_field(std::string_view text) {
  return respelled(text, [&](char32_t c, std::string_view bytes, std::string& out) {
    const auto next = static_cast<std::size_t>(bytes.data() - text.data()) + 1;
    switch (c) {
      // Alone a backslash stays, so that a command can be pasted.
      case '\\':
        out += next == text.size() || std::string_view("tnr\\").find(text[next]) != text.npos ? "\\\\" : "\\";
        break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      default: out += is_control(c) ? replacement : bytes;
    }
  });
}

std::string markdown_cell(std::string_view text) {
  const auto line = one_line(text);
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool inside_word = i > 0 && i + 1 < line.size() && is_word(line[i - 1]) && is_word(line[i + 1]);
    // A backslash before a bar is read differently by different renderers; an entity is not.
    if (c == '|')
      out += "&#124;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else if (std::string_view("\\`*[]~").find(c) != std::string_view::npos || (c == '_' && !inside_word))
      (out += '\\') += c;
    else
      out += c;
  }
  return out;
}

std::string workflow_escaped(std::string_view text, bool property) {
  return respelled(text, [&](char32_t c, std::string_view bytes, std::string& out) {
    if (c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ',')))
      out += fmt::format("%{:02X}", static_cast<unsigned>(c));
    else
      out += c == '\t' ? " " : is_control(c) ? replacement : bytes;
  });
}

std::string tap_escaped(std::string_view text) {
  const auto line = one_line(text);
  std::string out;
  for (const char c : line) {
    if (c == '\\' || c == '#') out += '\\';
    out += c;
  }
  return out;
}

namespace {

/// Text in single quotes, in which `quote` stands for one, unless it is plain.
std::string word_of(std::string_view text, std::string_view quote, std::string_view plain_signs) {
  const auto plain = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           plain_signs.find(c) != std::string_view::npos;
  };
  auto out = text.starts_with('-') ? fmt::format("./{}", text) : std::string(text);
  if (!out.empty() && std::all_of(out.begin(), out.end(), plain)) return out;
  for (std::size_t at = 0; (at = out.find('\'', at)) != std::string::npos; at += quote.size())
    out.replace(at, 1, quote);
  return fmt::format("'{}'", out);
}

}  // namespace

std::string shell_word(std::string_view text) { return word_of(text, R"('\'')", "_@%+=:,./-"); }

std::string powershell_word(std::string_view text) { return word_of(text, "''", R"(_+=:./\-)"); }

std::string uri_of_path(std::string_view path) {
  const bool drive = path.size() > 2 && path[1] == ':' && (path[2] == '/' || path[2] == '\\');
  std::string out = drive ? "file:///" : path.starts_with('/') ? "file://" : "";
  // A colon in the first segment would read as a scheme.
  constexpr std::string_view kept = "-._~/!$&'()*+,;=@";
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto c = path[i];
    if (c == '\\')
      out += '/';
    else if ((is_word(c) && (c & '\x80') == 0) || kept.find(c) != kept.npos || (drive && i == 1))
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return out;
}

}  // namespace willitrun
