// A user's own measurements against the estimates: factors per device and backend, kept as willitrun.calibration/1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/result.hpp"

namespace willitrun {

/// Measured over estimated tokens per second; 80 % of further measurements are expected between low and high.
struct Factor {
  double mid = 1, low = 1, high = 1;
  std::uint32_t rows = 0;
};

/// The same for one model at one quant.
struct ModelCorrection {
  std::string model, quant;  ///< catalog ids
  std::optional<Factor> decode, prefill;
};

struct Correction {
  std::string device;  ///< catalog id, or the name of a processor the catalog lacks
  std::string name, backend;
  std::string date, source;               ///< of the newest measurement; the file they came from
  std::optional<Factor> decode, prefill;  ///< over all models
  std::vector<ModelCorrection> models;
};

struct Corrections {
  std::string estimates;  ///< the fit they correct, see speed_fit_date
  std::vector<Correction> devices;
};

/// The factor for a model: its own where it was measured, else the device's. Empty = not measured.
[[nodiscard]] std::optional<Factor> factor_for(const Correction& correction, std::string_view model,
                                               std::string_view quant, bool prefill);
[[nodiscard]] const Correction* find_correction(const Corrections& corrections, std::string_view device,
                                                std::string_view backend);

/// willitrun.calibration/1. Reading refuses what to_json would not have written.
[[nodiscard]] Result<Corrections> read_corrections(std::string_view text, std::string_view what);
[[nodiscard]] std::string to_json(const Corrections& corrections);

}  // namespace willitrun
