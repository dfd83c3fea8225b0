// A strict reader for the XML our reports are written in: elements, attributes, text, the five entities and character
// references. No comments, CDATA, processing instructions or doctypes, as none are written.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace willitrun::test {

struct XmlElement {
  std::string name, text;
  std::map<std::string, std::string> attributes;
  std::vector<XmlElement> children;

  [[nodiscard]] std::vector<const XmlElement*> all(std::string_view wanted) const;
};

/// The root element; throws std::runtime_error with the offset where the text is not well-formed.
[[nodiscard]] XmlElement parse_xml(std::string_view text);

}  // namespace willitrun::test
