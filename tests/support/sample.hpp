// A seeded sample of questions over families, formats, contexts and machines, for tests of what must hold of all.
#pragma once

#include <random>
#include <string>

#include "support/truth.hpp"
#include "willitrun/check.hpp"
#include "willitrun/machine.hpp"

namespace willitrun::test {

class Sampler {
 public:
  explicit Sampler(std::uint32_t seed) : random_(seed) {}

  /// From 0 to n - 1. The standard's distributions differ between libraries; its engines do not.
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  template <class T, std::size_t N>
  T pick(const std::array<T, N>& values) {
    return values[below(N)];
  }

  ContextParams context();
  /// CPU-only, one to three cards of odd sizes, or one shared pool.
  Machine machine();
  Machine cards(std::uint32_t count);
  Machine shared_pool();
  CheckRequest question();

 private:
  std::mt19937 random_;
};

/// Every kind of attention, mixing and feed-forward there is.
[[nodiscard]] const std::vector<std::string>& sampled_models();

/// The question as typed, for a failing test's message.
[[nodiscard]] std::string describe(const CheckRequest& request);

}  // namespace willitrun::test
