// Published measurements turned into what the speed model works on.
#pragma once

#include <string>
#include <vector>

#include "willitrun/measurements.hpp"
#include "willitrun/speed_model.hpp"

namespace calibration {

struct Case {
  const willitrun::Measurement* measured = nullptr;
  willitrun::Engine engine = willitrun::Engine::llama_cpp;
  willitrun::Machine machine;
  willitrun::SpeedWork work;
  willitrun::MachineSpeed speed;
  std::string source_group;  ///< who published it
  double gigabytes = 0;      ///< weights read per token
  bool experts = false;
  double weight = 1;

  [[nodiscard]] const willitrun::SpeedRow& row() const;
  /// Tokens per second with the rows' present parameters.
  [[nodiscard]] double predicted();
};

/// Every measurement the catalogs know device, model and quant of; `rows` must outlive the cases. What is unknown goes
/// to `unanswered`.
[[nodiscard]] std::vector<Case> load_cases(std::span<const willitrun::SpeedRow> rows,
                                           std::vector<std::string>& unanswered);

}  // namespace calibration
