// Tokens per second from bytes read, arithmetic done and fixed time per layer. Always a range.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/correction.hpp"
#include "willitrun/footprint.hpp"
#include "willitrun/hardware.hpp"
#include "willitrun/placement.hpp"

namespace willitrun {

struct Range {
  double low = 0, mid = 0, high = 0;
};

/// The program that runs the model. The first three share llama.cpp's kernels; llamafile's are an early-2025 state.
enum class Engine : std::uint8_t { llama_cpp, ollama, lmstudio, llamafile, mlx, vllm, transformers };
[[nodiscard]] std::string_view name_of(Engine engine);
[[nodiscard]] std::span<const std::string_view> engine_names();
[[nodiscard]] std::optional<Engine> find_engine(std::string_view name);

struct SpeedRequest {
  std::uint32_t depth = 0;  ///< tokens already in the context
  std::uint32_t prompt_tokens = 512;
  Engine engine = Engine::llama_cpp;
  bool measured = true;     ///< look for published measurements of the same device, model and quant
  std::string quant;        ///< preset id, to find them by
  Corrections corrections;  ///< from the user's own measurements; empty = none
};

/// What the larger part of a token's time goes into.
enum class Limit : std::uint8_t { memory, compute, overhead, pcie, cpu };
[[nodiscard]] std::string_view name_of(Limit limit);

/// Several sequences decoded at once.
struct ParallelSpeed {
  std::uint32_t users = 1;
  Range total_tokens_per_s;
  Range user_tokens_per_s;
};

/// A published measurement of the same device, model, quant and engine family.
struct MeasuredSpeed {
  double tokens_per_s = 0;  ///< median where there are several
  std::uint32_t runs = 0;
  std::uint32_t tokens = 0;  ///< of the prompt; 0 for decoding
  std::string source;
};

/// An own measurement that moved the estimate.
struct AppliedCorrection {
  std::string device, name;  ///< as in Correction
  std::string date, source;
  std::optional<Factor> decode, prefill;
};

struct SpeedEstimate {
  std::optional<Range> decode_tokens_per_s;  ///< one sequence
  std::optional<Range> prefill_tokens_per_s;
  std::optional<Range> time_to_first_token_s;
  std::optional<double> load_from_disk_s;  ///< all weights once, at the disk's stated rate
  std::optional<Limit> limited_by;         ///< decoding
  std::optional<ParallelSpeed> parallel;   ///< when more than one slot was asked for
  std::optional<MeasuredSpeed> measured_decode, measured_prefill;
  std::vector<AppliedCorrection> corrections;
  std::vector<std::string> notes;  ///< what is missing, or what the estimate leans on
};

/// When the parameters were fitted, "2026-11-21": corrections belong to one fit.
[[nodiscard]] std::string_view speed_fit_date();

[[nodiscard]] SpeedEstimate estimate_speed(const Footprint& footprint, const Placement& placement,
                                           const Machine& machine, const SpeedRequest& request);

}  // namespace willitrun
