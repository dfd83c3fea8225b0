#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if defined(_WIN32)
#include <io.h>
#else
#include <sys/ioctl.h>
#include <unistd.h>
#endif

namespace willitrun::cli {
namespace {

bool output_is_terminal() {
#if defined(_WIN32)
  return _isatty(_fileno(stdout)) != 0;
#else
  return isatty(STDOUT_FILENO) == 1;
#endif
}

unsigned output_width() {
  constexpr unsigned usual = 80, narrowest = 40, widest = 120;
  unsigned width = 0;
  if (const char* columns = std::getenv("COLUMNS")) std::from_chars(columns, columns + std::strlen(columns), width);
#if !defined(_WIN32)
  winsize size{};
  if (width == 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) width = size.ws_col;
#endif
  return width == 0 ? usual : std::clamp(width, narrowest, widest);
}

/// The locale's character set, as far as its name tells; without any, UTF-8 is what terminals speak.
bool locale_is_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view text = value;
    return text.find("UTF-8") != text.npos || text.find("utf8") != text.npos || text.find("UTF8") != text.npos ||
           text.find("utf-8") != text.npos;
  }
  return true;
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

}  // namespace

Result<TextStyle> output_style(const Options& options) {
  TextStyle style;
  style.width = output_width();
  style.unicode = locale_is_unicode();
  style.explain = options.explain;
  const auto color = options.color.value_or("auto");
  if (color != "auto" && color != "always" && color != "never")
    return Error{"bad_value", fmt::format("--color '{}': must be auto, always or never", color)};
  const char* no_color = std::getenv("NO_COLOR");
  const bool refused = no_color != nullptr && *no_color != '\0';
  style.color =
      color == "always" || (color == "auto" && !refused && (is_set("CLICOLOR_FORCE") || output_is_terminal()));
  return style;
}

bool write_output(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written || errno == EPIPE;
}

void write_error(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace willitrun::cli
