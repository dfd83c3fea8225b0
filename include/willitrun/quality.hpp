// How much a model at a quant is likely to be worth, from its size, age and preset alone: a proxy to rank by where
// nothing better is known of all models alike. It is not a benchmark and says nothing of one model against another of
// its size and year.
#pragma once

#include <optional>
#include <string_view>

#include "willitrun/catalog.hpp"

namespace willitrun {

/// The share of a model's size that a preset keeps: the size of an unquantised model with the same cross-entropy,
/// over the model's own. 1 = nothing lost; empty where nobody published a perplexity.
/// Perplexities: LLaMA 3 8B, Wikitext-2, tools/perplexity/README.md of llama.cpp (revision f364eb6f), with an
/// importance matrix where one was measured. Loss to size: L ~ N^-0.076 (Kaplan et al. 2020, arXiv 2001.08361, 1.1).
/// In whole percent, which is about what the perplexities' own error leaves.
[[nodiscard]] std::optional<double> kept_share(std::string_view quant_id);

/// Months since the year 0 of a date "2026", "2026-04" or "2026-04-15"; the start of what is not stated.
[[nodiscard]] std::optional<double> months_of(std::string_view date);

/// Parameters that a dense model of the catalog's date would have at the same worth. Expert models count as the
/// geometric mean of all and active parameters (a rule of thumb among practitioners, no measurement); a model 16
/// months older counts half: compute for equal loss halves in about 8 months (Ho et al. 2024, arXiv 2403.05812) and
/// the best size grows as the square root of compute (Hoffmann et al. 2022, arXiv 2203.15556).
/// A model without a date counts as if it was of the catalog's oldest year, 2018.
[[nodiscard]] double effective_parameters(const ModelEntry& entry);

}  // namespace willitrun
