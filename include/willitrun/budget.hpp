// Several models side by side on one machine: who takes what, and whether all of it fits.
#pragma once

#include <string>
#include <vector>

#include "willitrun/outcome.hpp"
#include "willitrun/report.hpp"

namespace willitrun {

/// Models are placed one after the other, as they would be started: each sees what those before it left.
class Budget {
 public:
  explicit Budget(const Machine& machine);

  /// The machine with the memory of the models added so far taken away.
  [[nodiscard]] const Machine& left() const { return left_; }
  /// Adds a model by the report on it that was made for `left()`.
  void add(std::string name, const Report& report);

  /// The models together: the worst verdict, memory summed per device against what is usable, and who takes what.
  [[nodiscard]] Outcome outcome() const;

 private:
  struct Share {
    std::string name;
    std::vector<Bytes> devices;
    Bytes host = 0;
    Outcome outcome;  ///< its own
  };
  [[nodiscard]] Bytes total_of(std::size_t device) const;
  /// "gpu0 7.30 of 11.6 GiB usable (chat 6.10, embed 1.20)"
  [[nodiscard]] std::string shares_of_device(std::size_t index) const;
  [[nodiscard]] std::string shares_of_host() const;

  Machine whole_, left_;
  std::vector<Share> shares_;
};

}  // namespace willitrun
