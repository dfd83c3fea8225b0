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

#include "willitrun/units.hpp"

namespace willitrun::cli {
namespace {

bool is_terminal(std::FILE* stream) {
#if defined(_WIN32)
  return _isatty(_fileno(stream)) != 0;
#else
  return isatty(fileno(stream)) == 1;
#endif
}

bool closed = false;

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
  const char* term = std::getenv("TERM");
  const bool dumb = term != nullptr && std::string_view(term) == "dumb";  // it shows escape sequences as text
  style.color = color == "always" ||
                (color == "auto" && !refused && (is_set("CLICOLOR_FORCE") || (is_terminal(stdout) && !dumb)));
  return style;
}

bool write_output(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  const int problem = errno;
  if (!written && problem == EPIPE) closed = true;
  if (!written && !closed)
    write_error(fmt::format("willitrun: the output could not be written: {}\n", std::strerror(problem)));
  return written || closed;
}

bool output_closed() { return closed; }

void write_error(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

Progress::Progress(std::string_view what)
    : what_(what),
      on_terminal_(is_terminal(stderr)),
      next_(std::chrono::steady_clock::now() + std::chrono::seconds(1)) {}

void Progress::step() {
  ++done_;
  constexpr std::uint64_t seldom = 16;  // reading the clock costs as much as a small answer's line
  if (!on_terminal_ || done_ % seldom != 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(200);
  shown_ = true;
  write_error(fmt::format("\r{} {}", format_grouped(done_), what_));
}

Progress::~Progress() {
  if (shown_) write_error(fmt::format("\r{:{}}\r", "", what_.size() + 28));
}

}  // namespace willitrun::cli
