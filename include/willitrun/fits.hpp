// What of the catalog runs on a machine, best first.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/catalog.hpp"
#include "willitrun/check.hpp"
#include "willitrun/outcome.hpp"
#include "willitrun/quant.hpp"

namespace willitrun {

/// What models are for: text, code, vision, embedding, reranking, speech. A model may be for several.
[[nodiscard]] std::span<const std::string_view> task_names();
[[nodiscard]] Result<std::string_view> find_task(std::string_view text);
/// From the entry's task and vision tower; code and reranking from the model's own name, which says so.
[[nodiscard]] std::vector<std::string_view> tasks_of(const ModelEntry& entry);

struct ModelFilter {
  std::vector<std::string> tasks, licenses;  ///< any of them; empty = all
  std::uint64_t min_parameters = 0, max_parameters = UINT64_MAX;
};
[[nodiscard]] bool passes(const ModelEntry& entry, const ModelFilter& filter);

struct FitsRequest {
  Machine machine;
  ContextParams context;               ///< all but n_ctx
  std::optional<std::uint32_t> n_ctx;  ///< empty = 8192, or the model's own where that is less
  bool longest_ctx = false;            ///< --ctx max
  PlacementOptions placement;
  SpeedRequest speed;
  Requirement requirement;  ///< `min_ctx` is held against the longest context that fits
  ModelFilter filter;
  std::vector<QuantPreset> presets;  ///< empty = those whose loss is published, and the one a model was trained in
  bool every_preset = false;         ///< a row for each; else each model's best
  std::size_t limit = 0;             ///< most rows; 0 = all
};

/// How good a choice is, before its size counts; the lower the better.
enum class FitTier : std::uint8_t {
  good,   ///< headroom left, reading speed reached, a tenth of the model's worth kept
  tight,  ///< less headroom than recommended
  slow,   ///< slower than people read
  worn,   ///< the quant keeps less than a tenth
};

struct FitRow {
  std::string id, name, license, released;
  std::vector<std::string_view> tasks;
  std::uint64_t parameters = 0, active_parameters = 0;
  double kept = 0;       ///< share of the model's worth that the quant keeps
  double effective = 0;  ///< parameters it is worth: effective_parameters() times `kept`
  FitTier tier = FitTier::good;
  std::string quant_id;
  Outcome outcome;
  Bytes host_bytes = 0;
};

struct FitList {
  std::vector<FitRow> rows;
  std::size_t n_model = 0;  ///< that passed the filter
  bool more = false;        ///< the limit left rows out
};

/// Tokens per second at which people read: 238 words a minute (Brysbaert 2019, doi 10.1016/j.jml.2019.104047, English
/// non-fiction) at 4 tokens for 3 words (OpenAI's rule of thumb).
inline constexpr double reading_speed = 238.0 / 60 * 4 / 3;

/// Best first: by tier, then by effective size, then by decode speed, then by name.
[[nodiscard]] FitList rank_fits(const FitsRequest& request);

}  // namespace willitrun
