// A recording fit to be published: without what identifies a person or one piece of hardware.
#include <algorithm>
#include <array>
#include <cctype>

#include "willitrun/detect_parse.hpp"
#include "willitrun/probe.hpp"

namespace willitrun {
namespace {

bool is_alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool is_word(char c) { return is_alnum(c) || c == '_'; }

/// Words the probes themselves are made of; a host or user of such a name gives nothing away.
constexpr std::array<std::string_view, 14> common_names{"root",   "linux", "nvidia", "amd",   "intel", "apple", "user",
                                                        "memory", "home",  "docker", "admin", "file",  "sys",   "proc"};

void replace_word(std::string& text, std::string_view name, std::string_view by) {
  if (name.size() < 3) return;
  if (std::find(common_names.begin(), common_names.end(), name) != common_names.end()) return;
  for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
    const auto end = at + name.size();
    const bool whole = (at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]));
    if (whole) text.replace(at, name.size(), by);
    at += whole ? by.size() : name.size();
  }
}

/// "builder@host" -> "user@host".
void hide_addresses(std::string& text) {
  const auto part = [](char c) { return is_word(c) || c == '.' || c == '-'; };
  for (auto at = text.find('@'); at != std::string::npos; at = text.find('@', at)) {
    auto first = at, last = at + 1;
    while (first > 0 && part(text[first - 1])) --first;
    while (last < text.size() && part(text[last])) ++last;
    constexpr std::string_view by = "user@host";
    if (first < at && last > at + 1) {
      text.replace(first, last - first, by);
      at = first + by.size();
    } else {
      ++at;
    }
  }
}

/// Container ids, UUIDs: 16 hexadecimal digits or more, letters among them, hyphens between.
void hide_identifiers(std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i, digits = 0, letters = 0;
    while (end < text.size() && (std::isxdigit(static_cast<unsigned char>(text[end])) != 0 || text[end] == '-')) {
      digits += text[end] != '-' ? 1 : 0;
      letters += std::isalpha(static_cast<unsigned char>(text[end])) != 0 ? 1 : 0;
      ++end;
    }
    const bool whole = (i == 0 || !is_alnum(text[i - 1])) && (end == text.size() || !is_alnum(text[end]));
    if (whole && digits >= 16 && letters > 0) {
      out += "ID";
      i = end;
    } else {
      end = std::max(end, i + 1);
      out += text.substr(i, end - i);
      i = end;
    }
  }
  text = std::move(out);
}

std::string scrubbed_text(std::string text, const std::vector<std::string>& names) {
  for (const auto& name : names) replace_word(text, name, "NAME");
  hide_addresses(text);
  hide_identifiers(text);
  return text;
}

/// Only lines that are read, of answers that are long or hold serial numbers too.
std::string lines_with(std::string_view text, bool (*wanted)(std::string_view)) {
  std::string out;
  for (const auto line : lines_of(text))
    if (wanted(line)) out.append(line).append(1, '\n');
  return out;
}

bool is_read_of_cpuinfo(std::string_view line) {
  constexpr std::array<std::string_view, 7> keys{"processor", "model name",      "Model",   "physical id",
                                                 "core id",   "CPU implementer", "CPU part"};
  const auto key = trimmed_text(line.substr(0, std::min(line.find(':'), line.size())));
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

}  // namespace

Recording scrubbed(const Recording& recording, const std::vector<std::string>& names) {
  Recording out{recording.os, {}};
  for (const auto& [key, answer] : recording.answers) {
    const bool device_facts = key.starts_with("file /sys/bus/pci/devices/") && key.ends_with("/uevent");
    if (device_facts && answer.find("PCI_CLASS=3") == std::string::npos &&
        answer.find("PCI_CLASS=12") == std::string::npos)
      continue;  // neither graphics nor accelerator
    std::string kept = answer;
    if (key == "api smbios" || key.ends_with("/dmi/tables/DMI"))
      kept = without_serials(answer);
    else if (key.ends_with("/eeprom"))
      kept = answer.substr(0, 128);  // serial numbers lie behind
    else if (key == "file /proc/cpuinfo")
      kept = lines_with(answer, is_read_of_cpuinfo);
    else if (key == "file /proc/meminfo")
      kept = lines_with(answer, [](std::string_view line) { return line.starts_with("Mem"); });
    else if (key.starts_with("run /usr/sbin/ioreg"))
      kept = lines_with(answer, [](std::string_view line) { return line.find("gpu-core-count") != line.npos; });
    const bool text = std::all_of(kept.begin(), kept.end(), [](char c) { return c == '\t' || c == '\n' || c >= ' '; });
    out.answers[scrubbed_text(key, names)] = text ? scrubbed_text(kept, names) : kept;
  }
  return out;
}

}  // namespace willitrun
