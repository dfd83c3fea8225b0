// Foreign text inside a format: one function per grammar. Whatever comes in, what goes out is valid UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace willitrun {

/// One line that cannot steer a terminal: line ends and tabs as a space, other control characters as U+FFFD.
[[nodiscard]] std::string one_line(std::string_view text);

/// A JSON string with its quotes (RFC 8259). Control characters, U+007F to U+009F, U+2028 and U+2029 are escaped, which
/// makes it a YAML 1.2 double-quoted scalar too.
[[nodiscard]] std::string json_quoted(std::string_view text);

/// For element content and attribute values of XML 1.0 and HTML; characters XML cannot hold become U+FFFD.
[[nodiscard]] std::string xml_escaped(std::string_view text);

/// A field of RFC 4180, quoted where it has to be; control characters other than tab and line ends become U+FFFD.
[[nodiscard]] std::string csv_field(std::string_view text);

/// A cell of tab-separated values: tab and line ends as \t, \n, \r, and a backslash that could be read as one of these
/// as \\.
[[nodiscard]] std::string tsv_field(std::string_view text);

/// A cell of a GitHub-flavoured Markdown table in which nothing is markup.
[[nodiscard]] std::string markdown_cell(std::string_view text);

/// The message, or (with `property`) a property value of a GitHub workflow command.
[[nodiscard]] std::string workflow_escaped(std::string_view text, bool property);

/// A description or directive of TAP 14 in one line: backslash and # escaped.
[[nodiscard]] std::string tap_escaped(std::string_view text);

/// One word of a POSIX shell, quoted where it has to be; never an option.
[[nodiscard]] std::string shell_word(std::string_view text);
/// The same for PowerShell; what needs no quotes needs none in cmd either.
[[nodiscard]] std::string powershell_word(std::string_view text);

/// A file path as a URI reference (RFC 3986): absolute ones as file:, a backslash as a slash, the rest percent-encoded.
[[nodiscard]] std::string uri_of_path(std::string_view path);

}  // namespace willitrun
