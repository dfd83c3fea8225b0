// Messages with numbers in them, found in a log without backtracking.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace willitrun {

/// What a pattern took from the text: sizes and counts as whole numbers, and how each stood there.
struct Captures {
  std::map<std::string, std::uint64_t, std::less<>> numbers;
  std::map<std::string, std::string, std::less<>> shown;
};

/// The first place where `pattern` matches. Literal text matches whatever its case; a space matches any run of white
/// space. "{size:NAME}" takes "1.5 GiB" (GB and MB as PyTorch and Ollama mean them, binary), "{bytes:NAME}" a bare
/// number of bytes, "{count:NAME}" a whole number with or without commas, "{text:NAME}" up to 80 characters before the
/// literal that follows, and "{..}" skips as many as 200 to it.
[[nodiscard]] std::optional<Captures> find_pattern(std::string_view pattern, std::string_view text);

}  // namespace willitrun
