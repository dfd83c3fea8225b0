// willitrun.lock/1: what every check came to once, to hold a later run against.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/outcome.hpp"

namespace willitrun {

struct LockRow {
  std::string manifest;  ///< as the lock file names it: from its own folder
  std::string check;     ///< unique within the manifest, "chat on laptop"
  VerdictCode verdict = VerdictCode::unknown;
  Bytes weights_bytes = 0, kv_cache_bytes = 0, total_bytes = 0;  ///< over all devices and the host
};
[[nodiscard]] LockRow lock_row(std::string manifest, std::string check, const Outcome& outcome);

/// Sorted by manifest and check, without repetitions.
struct Lock {
  std::vector<LockRow> rows;
  [[nodiscard]] const LockRow* find(std::string_view manifest, std::string_view check) const;
};
[[nodiscard]] Lock make_lock(std::vector<LockRow> rows);

/// One row a line, so that a change is one line of a diff; ends with a newline.
[[nodiscard]] std::string to_json(const Lock& lock);
/// `what` names the file in errors.
[[nodiscard]] Result<Lock> parse_lock(std::string_view json, std::string_view what);

/// How a row compares with the one locked.
struct LockChange {
  bool grew = false;    ///< takes more memory, or got a worse verdict
  bool shrank = false;  ///< takes less, or got a better verdict, and did not grow
  std::string message;  ///< "was 6.01 GiB, is 7.01 GiB: 1.00 GiB more (KV cache +1.00 GiB)"; empty when equal
};
[[nodiscard]] LockChange compare(const LockRow& locked, const LockRow& now);

}  // namespace willitrun
