#include "support/xml.hpp"

#include <stdexcept>

#include "willitrun/utf8.hpp"

namespace willitrun::test {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {
    if (!is_valid_utf8(text)) fail("not UTF-8");
    for (std::size_t i = 0; i < text.size();) {  // production 2: Char
      const auto c = first_character(text.substr(i));
      at_ = i;
      const bool control = c.code_point < 0x20 && c.code_point != '\t' && c.code_point != '\n' && c.code_point != '\r';
      if (control || c.code_point == 0xFFFE || c.code_point == 0xFFFF) fail("a character XML cannot hold");
      i += c.length;
    }
    at_ = 0;
  }

  XmlElement document() {
    expect("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    skip_blanks();
    auto root = element();
    skip_blanks();
    if (at_ != text_.size()) fail("something after the root");
    return root;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(what + " at byte " + std::to_string(at_));
  }
  [[nodiscard]] bool ahead(std::string_view word) const { return text_.substr(at_).starts_with(word); }
  void expect(std::string_view word) {
    if (!ahead(word)) fail("expected " + std::string(word));
    at_ += word.size();
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  std::string name() {
    const auto start = at_;
    const auto good = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.'; };
    while (at_ < text_.size() && good(text_[at_])) ++at_;
    if (start == at_) fail("expected a name");
    return std::string(text_.substr(start, at_ - start));
  }
  /// One character of content, references resolved.
  char character() {
    if (text_[at_] == '<') fail("a bare <");
    if (text_[at_] != '&') return text_[at_++];
    static const std::map<std::string, char, std::less<>> entities{{"amp", '&'},  {"lt", '<'},   {"gt", '>'},
                                                                   {"quot", '"'}, {"#39", '\''}, {"#9", '\t'},
                                                                   {"#10", '\n'}, {"#13", '\r'}};
    const auto end = text_.find(';', at_);
    const auto it = entities.find(text_.substr(at_ + 1, end == text_.npos ? 0 : end - at_ - 1));
    if (it == entities.end()) fail("an unknown reference");
    at_ = end + 1;
    return it->second;
  }
  XmlElement element() {
    XmlElement out;
    expect("<");
    out.name = name();
    while (!ahead("/>") && !ahead(">")) {
      expect(" ");
      const auto key = name();
      expect("=\"");
      std::string value;
      while (!ahead("\"")) value += at_ < text_.size() ? character() : (fail("an open attribute"), ' ');
      expect("\"");
      if (!out.attributes.emplace(key, value).second) fail("attribute " + key + " twice");
    }
    if (ahead("/>")) {
      expect("/>");
      return out;
    }
    expect(">");
    while (!ahead("</")) {
      if (at_ >= text_.size()) fail("an open element");
      if (ahead("]]>")) fail("]]> in text");
      if (ahead("<"))
        out.children.push_back(element());
      else
        out.text += character();
    }
    expect("</" + out.name + ">");
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void collect(const XmlElement& element, std::string_view wanted, std::vector<const XmlElement*>& out) {
  for (const auto& child : element.children) {
    if (child.name == wanted) out.push_back(&child);
    collect(child, wanted, out);
  }
}

}  // namespace

std::vector<const XmlElement*> XmlElement::all(std::string_view wanted) const {
  std::vector<const XmlElement*> out;
  collect(*this, wanted, out);
  return out;
}

XmlElement parse_xml(std::string_view text) { return Reader(text).document(); }

}  // namespace willitrun::test
