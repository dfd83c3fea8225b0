// One answer of many, flat: a row of a table, a test case of a CI report, a point of a sweep.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "willitrun/report.hpp"

namespace willitrun {

/// Where in a file something was asked for, 1-based; 0 = not from a file.
struct SourcePlace {
  std::string file;
  std::uint32_t line = 0, column = 0;
  std::string pointer;  ///< JSON pointer, RFC 6901
};

enum class OutcomeStatus : std::uint8_t { passed, failed, waived, unknown, error };
[[nodiscard]] std::string_view name_of(OutcomeStatus status);

/// What one check came to. Small, so that ten thousand stay in a few megabytes.
struct Outcome {
  std::string name;    ///< unique within a run, "model on machine"
  std::string model;   ///< as asked
  std::string quant;   ///< as shown; empty for tables of embeddings
  std::string target;  ///< the machine, as asked
  SourcePlace place;
  OutcomeStatus status = OutcomeStatus::unknown;
  std::optional<VerdictCode> verdict;  ///< empty when the question itself was bad
  Requirement::Level require = Requirement::Level::runs;
  std::string code;     ///< of the first reason or of the error, "oom_gpu"
  std::string message;  ///< one line: why, with numbers
  std::string waiver;   ///< the reason a failure is let pass; empty = none

  std::uint64_t parameters = 0;
  Bytes weights_bytes = 0, kv_cache_bytes = 0, total_bytes = 0;  ///< over all devices
  Bytes gpu_bytes = 0, gpu_usable_bytes = 0;                     ///< of the accelerators together
  Bytes presumed_bytes = 0;                                      ///< of system memory whose size was not stated
  std::uint32_t gpu_layers = 0, total_layers = 0;
  std::uint32_t n_ctx = 0;
  std::optional<std::uint32_t> max_ctx;  ///< longest that still fits as placed
  std::optional<Range> decode_tokens_per_s, prefill_tokens_per_s, time_to_first_token_s;
};

/// The flat part of a report; `name`, `model`, `target` and `place` are the caller's to set.
[[nodiscard]] Outcome outcome_of(const Report& report);
[[nodiscard]] Outcome outcome_of(const Error& error);

/// Exit status of a run: 2 if any question was bad, else 3 if any is unknown, else 1 if any failed, else 0.
[[nodiscard]] int exit_status(const std::vector<Outcome>& outcomes);

}  // namespace willitrun
