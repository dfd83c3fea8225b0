// --fields: some of a result's values, by dotted path.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "willitrun/report.hpp"
#include "willitrun/result.hpp"

namespace willitrun {

/// Paths into willitrun.result/1: names parted by dots, elements of a list by their number from 0, such as
/// memory.devices.0.total_bytes or commands.llama.cpp.
class Fields {
 public:
  /// Each text is one path or several parted by commas. A path no result has is an error with the nearest that are.
  [[nodiscard]] static Result<Fields> parse(std::span<const std::string> texts);

  [[nodiscard]] const std::vector<std::string>& paths() const { return paths_; }  ///< in the order asked
  [[nodiscard]] bool empty() const { return paths_.empty(); }

 private:
  friend std::vector<std::string> values(const Report& report, const Fields& fields);
  friend std::string to_json(const Report& report, const Fields& fields);

  std::vector<std::string> paths_;
  std::vector<std::vector<std::string>> steps_;  // of each path, names and numbers
};

/// A value for each path: text as it is, null or absent as empty, lists and objects as JSON.
[[nodiscard]] std::vector<std::string> values(const Report& report, const Fields& fields);

/// An object with only these, nested and ordered as in the result, one line without its end. What a result can have and
/// this one has not is null; elements of a list before the last one asked are null too, so that numbers stay.
[[nodiscard]] std::string to_json(const Report& report, const Fields& fields);

}  // namespace willitrun
