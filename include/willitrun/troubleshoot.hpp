// What a pasted error means: known messages of the engines, and the numbers in them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "willitrun/units.hpp"

namespace willitrun {

struct Diagnosis {
  std::string code, title, meaning;
  std::vector<std::string> advice;                         ///< the likeliest first
  std::vector<std::pair<std::string, std::string>> facts;  ///< what the text says, as name and value
  std::optional<Bytes> free_vram;                          ///< what the model may use of the GPU
  std::optional<Bytes> ram;                                ///< what the model may use of system memory
  std::optional<std::uint64_t> ctx;                        ///< a context that would fit
};

/// Of text this long at most is read; the rest cannot matter to a person either.
inline constexpr std::size_t longest_log = 1 << 20;

/// The first message of our table that the text contains; nothing when there is none. Linear in the text for each row.
[[nodiscard]] std::optional<Diagnosis> diagnose(std::string_view text);

/// Names found in a log, as written there; they may be no names of a catalog.
struct Mentioned {
  std::string gpu, model;
};
[[nodiscard]] Mentioned mentioned_in(std::string_view text);

}  // namespace willitrun
