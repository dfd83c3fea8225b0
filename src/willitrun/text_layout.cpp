#include "willitrun/text_layout.hpp"

#include <algorithm>
#include <array>

namespace willitrun {
namespace {

/// A piece of an item; `continues` = the rest of one too wide for a line.
struct Piece {
  std::string text;
  bool continues = false;
};

/// Breaks an item that alone is wider than a line at its spaces.
std::vector<Piece> pieces_of(const std::vector<std::string>& items, std::size_t room) {
  std::vector<Piece> out;
  for (const auto& item : items) {
    std::string_view rest = item;
    bool continues = false;
    while (characters(rest) > room) {
      const auto cut = rest.rfind(' ', std::min(room, rest.size() - 1));
      if (cut == std::string_view::npos || cut == 0) break;
      out.push_back({std::string(rest.substr(0, cut)), continues});
      rest.remove_prefix(cut + 1);
      continues = true;
    }
    out.push_back({std::string(rest), continues});
  }
  return out;
}

}  // namespace

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string colored(std::string_view text, Color color, const TextStyle& style) {
  constexpr std::array<std::string_view, 7> codes{"", "1", "2", "31", "32", "33", "34"};
  if (!style.color || color == Color::none) return std::string(text);
  std::string out = "\x1b[";
  out += codes[static_cast<std::size_t>(color)];
  out += 'm';
  out += text;
  out += "\x1b[0m";
  return out;
}

std::string bar(const std::vector<BarPart>& parts, Bytes capacity, unsigned cells, bool unicode) {
  std::string out;
  Bytes before = 0;
  unsigned drawn = 0;
  for (const auto& part : parts) {
    before += part.bytes;
    const auto share = capacity == 0 ? 1.0 : static_cast<double>(before) / static_cast<double>(capacity);
    auto end = static_cast<unsigned>(std::min(1.0, share) * cells + 0.5);
    // What is there is seen, however little.
    if (part.bytes > 0 && end == drawn && end < cells) ++end;
    for (; drawn < end; ++drawn) out += unicode ? part.glyph : part.ascii;
  }
  for (; drawn < cells; ++drawn) out += unicode ? "·" : ".";
  return out;
}

std::string wrapped(std::string_view lead, const std::vector<std::string>& items, std::string_view separator,
                    const TextStyle& style) {
  const auto indent = characters(lead);
  const auto room = style.width > indent + 10 ? style.width - indent : 10;
  std::string out{lead};
  std::size_t column = 0;
  for (const auto& piece : pieces_of(items, room)) {
    const auto width = characters(piece.text);
    if (column > 0 && (piece.continues || column + separator.size() + width > room)) {
      // A comma stays at the end of its line, spaces do not.
      if (!piece.continues) out += separator.substr(0, separator.find_last_not_of(' ') + 1);
      out += '\n';
      out.append(indent, ' ');
      column = 0;
    } else if (column > 0) {
      out += separator;
      column += separator.size();
    }
    out += piece.text;
    column += width;
  }
  return out + "\n";
}

}  // namespace willitrun
