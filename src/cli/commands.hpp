// One function per command: typed options in, exit status out.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "cli/arguments.hpp"
#include "willitrun/formats.hpp"
#include "willitrun/report.hpp"

namespace willitrun::cli {

/// Exit statuses (sysexits.h for the last two).
inline constexpr int exit_bad_input = 2, exit_internal = 70, exit_output = 74;

[[nodiscard]] int run_verdict(const Options& options);
[[nodiscard]] int run_batch(const Options& options);
[[nodiscard]] int run_check(const Options& options);
[[nodiscard]] int run_tables(const Options& options);
[[nodiscard]] int run_list(const Invocation& invocation);
[[nodiscard]] int run_show(const Invocation& invocation);
[[nodiscard]] int run_detect(const Invocation& invocation);
[[nodiscard]] int run_catalog(const Invocation& invocation);
[[nodiscard]] int run_fits(const Options& options);
[[nodiscard]] int run_needs(const Options& options);
[[nodiscard]] int run_compare(const Invocation& invocation);
[[nodiscard]] int run_cost(const Options& options);
[[nodiscard]] int run_calibrate(const Invocation& invocation);
[[nodiscard]] int run_schema(const Invocation& invocation);
[[nodiscard]] int run_sweep(const Options& options);
[[nodiscard]] int run_explain(const Invocation& invocation);
[[nodiscard]] int run_completion(const Invocation& invocation);
[[nodiscard]] int run_man();

/// The format asked for; an error names those that can write the subject.
[[nodiscard]] Result<const Format*> chosen_format(const Options& options, Subject subject);
/// The same for a command with formats of its own; the first is the default.
[[nodiscard]] Result<std::string_view> chosen_format(const Options& options,
                                                     std::initializer_list<std::string_view> names);
/// Prints an error where results would go (JSON) or to stderr (text); returns its exit status.
[[nodiscard]] int fail(const Error& error, const Options& options);
/// Prints a report as asked; returns the verdict's exit status.
[[nodiscard]] int answer(const Report& report, const Options& options);

}  // namespace willitrun::cli
