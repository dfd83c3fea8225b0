// The answer as values, ready to be printed as text or JSON.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "willitrun/footprint.hpp"
#include "willitrun/machine.hpp"
#include "willitrun/placement.hpp"
#include "willitrun/speed.hpp"
#include "willitrun/verdict.hpp"

namespace willitrun {

using OptionValue = std::variant<std::string, std::int64_t, double, bool, std::vector<std::string>>;

struct ModelSummary {
  std::string id, name, source, architecture, quant;
  std::uint64_t parameters = 0, active_parameters = 0;
  std::uint32_t layers = 0, context_length = 0;
  Bytes weights_bytes = 0;          ///< all tensors as stored
  Bytes token_embedding_bytes = 0;  ///< of these, the input tables
  Bytes output_bytes = 0;           ///< of these, the output matrix (0 when tied)
  [[nodiscard]] double bits_per_weight() const {
    return parameters == 0 ? 0 : 8.0 * static_cast<double>(weights_bytes) / static_cast<double>(parameters);
  }
};

struct PlacementSummary {
  std::uint32_t gpu_layers = 0, total_layers = 0;
  std::uint32_t cpu_moe_layers = 0;  ///< overrides as llama.cpp counts them: see Split::n_expert_overrides
  bool kv_on_gpu = true;
  double cpu_percent = 0, gpu_percent = 0;  ///< of all bytes, as `ollama ps` prints it
};

struct ContextSummary {
  std::uint32_t requested = 0, allocated = 0;
  std::optional<std::uint32_t> max_on_gpu, max;
};

struct Alternative {
  std::string change;  ///< what to type differently, e.g. "--quant q4_k_s"
  VerdictCode verdict = VerdictCode::unknown;
};

/// A preset with more bits that fits as well.
struct LargerQuant {
  std::string quant;       ///< as shown, "Q8_0"
  Bytes device_bytes = 0;  ///< on the accelerators
};

struct Warning {
  std::string code, message;
};

/// Named parts of a total, for --explain; every list sums to the figure it explains.
struct Part {
  std::string name;
  Bytes bytes = 0;
  std::string basis = {};  ///< where the figure comes from and how far it may be off, if it is not exact
};
struct Breakdown {
  std::string title;
  Bytes total = 0;
  std::vector<Part> parts;
};

struct Report {
  std::string id_json;  ///< a batch request's id as JSON text; empty = none
  std::vector<std::pair<std::string, OptionValue>> request;
  std::vector<Assumption> assumptions;
  ModelSummary model;
  Machine machine;
  Verdict verdict;
  std::vector<Load> devices;
  std::vector<Bytes> usable;  ///< of each device, for what lies on it
  Load host;
  PlacementSummary placement;
  ContextSummary context;
  SpeedEstimate speed;
  std::vector<Alternative> alternatives;
  std::optional<LargerQuant> larger_quant;
  std::vector<std::pair<std::string, std::string>> commands;
  std::vector<Warning> warnings;
  std::vector<Breakdown> breakdowns;  ///< filled when asked to explain

  [[nodiscard]] Bytes total_bytes() const;
};

struct TextStyle {
  unsigned width = 80;
  bool color = false;
  bool unicode = true;
  bool explain = false;
};

/// willitrun.result/1, one line without trailing newline.
[[nodiscard]] std::string to_json(const Report& report, bool pretty);
/// willitrun.error/1; `id_json` as in Report.
[[nodiscard]] std::string to_json(const Error& error, const std::string& id_json, bool pretty);
[[nodiscard]] std::string to_text(const Report& report, const TextStyle& style);

}  // namespace willitrun
