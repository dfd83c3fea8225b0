// Any bytes as a JSON model spec: an error or a model, never a crash.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "willitrun/model_spec.hpp"

using namespace willitrun;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto model = parse_model_spec({reinterpret_cast<const char*>(data), size}, "fuzz.json");
  if (!model) {
    if (model.error().message.empty()) std::abort();
    return 0;
  }
  if (const auto* recommender = std::get_if<Recommender>(&*model)) {
    for (const auto& table : recommender->tables) (void)table_bytes(table, recommender->optimizer);
    (void)dense_bytes(*recommender);
  }
  return 0;
}
