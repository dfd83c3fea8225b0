#include "willitrun/probe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "willitrun/detect_parse.hpp"

namespace willitrun {
namespace {

constexpr std::string_view title = "willitrun.probes/1 ", section = "== ", escape = "\\";
constexpr std::size_t longest_recording = 4 << 20;
constexpr std::array<std::string_view, 3> systems{"linux", "windows", "macos"};

bool is_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\t'; });
}

std::string command_line(const std::vector<std::string>& command) { return fmt::format("{}", fmt::join(command, " ")); }

std::string to_hex(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    out += fmt::format("{:02x}{}", static_cast<unsigned char>(bytes[i]), i % 32 == 31 ? '\n' : ' ');
  return out;
}

std::string from_hex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const auto value = hex_number(text.substr(i, 2));
    if (!value) continue;
    out += static_cast<char>(*value);
    ++i;
  }
  return out;
}

/// "== file PATH", and "== hex file PATH" for bytes that are not text.
std::string section_text(const std::string& key, const std::string& answer) {
  const bool plain = is_text(answer);
  std::string out = fmt::format("{}{}{}\n", section, plain ? "" : "hex ", key);
  const auto body = plain ? answer : to_hex(answer);
  for (const auto line : lines_of(body)) {
    if (line.starts_with(section) || line.starts_with(escape)) out += escape;
    out += line;
    out += '\n';
  }
  return out;
}

}  // namespace

std::string to_text(const Recording& recording) {
  std::string out = fmt::format("{}{}\n", title, systems[static_cast<std::size_t>(recording.os)]);
  for (const auto& [key, answer] : recording.answers) out += section_text(key, answer);
  return out;
}

Result<Recording> read_recording(std::string_view text) {
  if (text.size() > longest_recording) return Error{"bad_recording", "a recording of probes is at most 4 MiB long"};
  const auto lines = lines_of(text);
  const auto system =
      lines.empty() || !lines[0].starts_with(title) ? std::string_view() : lines[0].substr(title.size());
  const auto it = std::find(systems.begin(), systems.end(), system);
  if (it == systems.end())
    return Error{"bad_recording", "a recording of probes starts with 'willitrun.probes/1 linux', macos or windows"};
  Recording out;
  out.os = static_cast<OperatingSystem>(it - systems.begin());
  std::string key, body;
  const auto finish = [&] {
    constexpr std::string_view hex = "hex ";
    if (key.starts_with(hex))
      out.answers[key.substr(hex.size())] = from_hex(body);
    else if (!key.empty())
      out.answers[key] = body;
    body.clear();
  };
  for (std::size_t i = 1; i < lines.size(); ++i) {
    auto line = lines[i];
    if (line.starts_with(section)) {
      finish();
      key = std::string(line.substr(section.size()));
      continue;
    }
    if (line.starts_with(escape)) line.remove_prefix(1);
    body.append(line).append(1, '\n');
  }
  finish();
  return out;
}

std::optional<std::string> RecordedProbe::answer(std::string_view kind, std::string_view what) const {
  const auto it = recording_.answers.find(fmt::format("{} {}", kind, what));
  return it == recording_.answers.end() ? std::nullopt : std::optional(it->second);
}
std::optional<std::string> RecordedProbe::read_file(const std::string& path) { return answer("file", path); }
std::optional<std::string> RecordedProbe::list_dir(const std::string& path) { return answer("dir", path); }
std::optional<std::string> RecordedProbe::run(const std::vector<std::string>& command) {
  return answer("run", command_line(command));
}
std::optional<std::string> RecordedProbe::ask(const std::string& interface) { return answer("api", interface); }

std::optional<std::string> RecordingProbe::keep(std::string key, std::optional<std::string> answer) {
  if (answer) recording_.answers[std::move(key)] = *answer;
  return answer;
}
std::optional<std::string> RecordingProbe::read_file(const std::string& path) {
  return keep("file " + path, source_.read_file(path));
}
std::optional<std::string> RecordingProbe::list_dir(const std::string& path) {
  return keep("dir " + path, source_.list_dir(path));
}
std::optional<std::string> RecordingProbe::run(const std::vector<std::string>& command) {
  return keep("run " + command_line(command), source_.run(command));
}
std::optional<std::string> RecordingProbe::ask(const std::string& interface) {
  return keep("api " + interface, source_.ask(interface));
}

}  // namespace willitrun
