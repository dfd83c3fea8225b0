// One row per architecture of llama.cpp 0.7.0 (src/models/*.cpp there, and conversion/*.py for the tensors that
// published files have). A new family is a new row in one of the four tables.
#include <algorithm>

#include "willitrun/families_dense.hpp"
#include "willitrun/families_encoder.hpp"
#include "willitrun/families_experts.hpp"
#include "willitrun/families_recurrent.hpp"

namespace willitrun {
namespace {

using namespace rows;

constexpr bool by_name(const Family& a, const Family& b) { return a.name < b.name; }

constexpr auto table = [] {
  std::array<Family,
             families_dense.size() + families_encoder.size() + families_experts.size() + families_recurrent.size()>
      all{};
  auto end = std::copy(families_dense.begin(), families_dense.end(), all.begin());
  end = std::copy(families_encoder.begin(), families_encoder.end(), end);
  end = std::copy(families_experts.begin(), families_experts.end(), end);
  std::copy(families_recurrent.begin(), families_recurrent.end(), end);
  std::sort(all.begin(), all.end(), by_name);
  return all;
}();

static_assert(std::adjacent_find(table.begin(), table.end(),
                                 [](const auto& a, const auto& b) { return a.name == b.name; }) == table.end());

}  // namespace

std::span<const Family> families() { return table; }

const Family* find_family(std::string_view name) {
  const auto row = std::lower_bound(table.begin(), table.end(), Family{.name = name}, by_name);
  return row != table.end() && row->name == name ? &*row : nullptr;
}

}  // namespace willitrun
