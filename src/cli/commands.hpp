// One function per command: typed options in, exit status out.
#pragma once

#include <string>

#include "cli/arguments.hpp"
#include "willitrun/report.hpp"

namespace willitrun::cli {

/// Exit statuses (sysexits.h for the last two).
inline constexpr int exit_bad_input = 2, exit_internal = 70, exit_output = 74;

[[nodiscard]] int run_verdict(const Options& options);
[[nodiscard]] int run_batch();
[[nodiscard]] int run_tables(const Options& options);
[[nodiscard]] int run_list(const Invocation& invocation);
[[nodiscard]] int run_show(const Invocation& invocation);
[[nodiscard]] int run_detect(const Invocation& invocation);
[[nodiscard]] int run_catalog(const Invocation& invocation);
[[nodiscard]] int run_calibrate(const Invocation& invocation);
[[nodiscard]] int run_schema(const Invocation& invocation);

/// Prints an error where results would go (JSON) or to stderr (text); returns its exit status.
[[nodiscard]] int fail(const Error& error, const Options& options);
/// Prints a report as asked; returns the verdict's exit status.
[[nodiscard]] int answer(const Report& report, const Options& options);

}  // namespace willitrun::cli
