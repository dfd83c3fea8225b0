// Runs for the tests of the formats: one of every status, and one in which every string is hostile.
#pragma once

#include <string>
#include <vector>

#include "willitrun/formats.hpp"

namespace willitrun::test {

/// passed, failed, waived, unknown and error, in this order, on two machines.
[[nodiscard]] std::vector<Outcome> sample_run();
/// Quotes, the end of CDATA, control characters, broken UTF-8, separators, line ends and escapes of every format.
[[nodiscard]] std::string hostile_text();
/// Every string of it is hostile_text(), in every status.
[[nodiscard]] std::vector<Outcome> hostile_run();
/// The same model and machine at `n` contexts, each twice the one before.
[[nodiscard]] std::vector<Outcome> sweep_run(std::size_t n);
/// Fixed versions and no date.
[[nodiscard]] RunHeader sample_header();

}  // namespace willitrun::test
