#include "willitrun/troubleshoot.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "willitrun/known_messages.hpp"
#include "willitrun/log_pattern.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

/// "{a}" as it stood in the text, "{a-b}" as the difference of two sizes; nothing when one is not there.
std::optional<std::string> value_of(std::string_view name, const Captures& captures) {
  if (const auto it = captures.shown.find(name); it != captures.shown.end()) return it->second;
  const auto minus = name.find('-');
  if (minus == std::string_view::npos) return std::nullopt;
  const auto a = captures.numbers.find(name.substr(0, minus)), b = captures.numbers.find(name.substr(minus + 1));
  if (a == captures.numbers.end() || b == captures.numbers.end() || a->second <= b->second) return std::nullopt;
  return format_bytes(a->second - b->second);
}

std::optional<std::string> filled(std::string_view sentence, const Captures& captures) {
  std::string out;
  while (!sentence.empty()) {
    const auto open = std::min(sentence.find('{'), sentence.size());
    out += sentence.substr(0, open);
    sentence.remove_prefix(open);
    if (sentence.empty()) break;
    const auto close = sentence.find('}');
    const auto value = value_of(sentence.substr(1, close - 1), captures);
    if (!value) return std::nullopt;
    out += *value;
    sentence.remove_prefix(close + 1);
  }
  return out;
}

/// The sentences whose numbers are there; one without numbers only where no other could be said.
std::string meaning_of(std::string_view sentences, const Captures& captures) {
  std::string out, plain;
  while (!sentences.empty()) {
    const auto bar = std::min(sentences.find('|'), sentences.size());
    const auto sentence = sentences.substr(0, bar);
    const bool has_numbers = sentence.find('{') != std::string_view::npos;
    if (auto text = filled(sentence, captures)) {
      auto& to = has_numbers ? out : plain;
      to += (to.empty() ? "" : " ") + *text;
    }
    sentences.remove_prefix(std::min(bar + 1, sentences.size()));
  }
  return out.empty() ? plain : out;
}

std::optional<std::uint64_t> sum_of(const std::array<std::string_view, 2>& names, const Captures& captures) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty() || (i > 0 && names[i] == names[0])) continue;
    const auto it = captures.numbers.find(names[i]);
    if (it == captures.numbers.end()) return std::nullopt;
    sum += it->second;
  }
  return sum;
}

void read_usable(const KnownMessage& message, const Captures& captures, Diagnosis& out) {
  if (message.usable == Meaning::none) return;
  const auto sum = sum_of(message.usable_sum, captures);
  if (!sum) return;
  if (message.usable == Meaning::free_vram) out.free_vram = *sum;
  if (message.usable == Meaning::ram) out.ram = *sum;
  if (message.usable == Meaning::ctx) out.ctx = *sum;
}

// "using device CUDA0 (NVIDIA GeForce RTX 3060) (0000:01:00.0) - 11754 MiB free", llama_model_load_from_file_impl.
constexpr std::string_view device_line = "using device {text:device} ({text:gpu}) {..}- {size:free} free";

/// Every layer on the GPU is no trouble.
bool is_trouble(const KnownMessage& message, const Captures& captures) {
  if (message.code != "partly_on_cpu") return true;
  return captures.numbers.at("layers") < captures.numbers.at("all");
}

std::string gpu_in(std::string_view text) {
  constexpr std::array<std::string_view, 3> patterns{device_line, "Device 0: {text:gpu}, ",
                                                     "name=\"{text:gpu}\" total="};
  for (const auto pattern : patterns)
    if (const auto found = find_pattern(pattern, text)) return found->shown.at("gpu");
  return {};
}

/// The file name before ".gguf", without its folder.
std::string gguf_in(std::string_view text) {
  const auto end = text.find(".gguf");
  if (end == std::string_view::npos) return {};
  const auto begin = text.find_last_of("/\\ \t\r\n'\"=(", end);
  const auto from = begin == std::string_view::npos ? 0 : begin + 1;
  constexpr std::size_t longest_name = 120;
  return end - from > longest_name ? std::string() : std::string(text.substr(from, end - from));
}

}  // namespace

std::optional<Diagnosis> diagnose(std::string_view text) {
  text = text.substr(0, longest_log);
  for (const auto& message : known_messages())
    for (const auto pattern : message.patterns) {
      if (pattern.empty()) continue;
      const auto captures = find_pattern(pattern, text);
      if (!captures || !is_trouble(message, *captures)) continue;
      Diagnosis out{std::string(message.code),
                    std::string(message.title),
                    meaning_of(message.meaning, *captures),
                    {},
                    {},
                    {},
                    {},
                    {}};
      for (const auto advice : message.advice)
        if (!advice.empty()) out.advice.emplace_back(advice);
      for (const auto& [name, value] : captures->shown) out.facts.emplace_back(name, in_quotes(value));
      read_usable(message, *captures, out);
      if (const auto device = find_pattern(device_line, text); device && !out.free_vram)
        out.free_vram = device->numbers.at("free");
      return out;
    }
  return std::nullopt;
}

Mentioned mentioned_in(std::string_view text) {
  text = text.substr(0, longest_log);
  return {gpu_in(text), gguf_in(text)};
}

}  // namespace willitrun
