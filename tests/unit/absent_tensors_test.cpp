// A file may lack any tensor of its architecture: what is missing is counted as nothing, and nothing breaks.
#include <set>
#include <string>

#include "support/catch.hpp"
#include "support/sample.hpp"
#include "willitrun/catalog.hpp"

using namespace willitrun;

namespace {

/// "blk.3.ffn_up.weight" -> "ffn_up.weight".
std::string kind_of(const std::string& name) {
  return name.starts_with("blk.") ? name.substr(name.find('.', 4) + 1) : name;
}

}  // namespace

TEST_CASE("a model that lacks one kind of tensor is still placed") {
  MachineRequest request;
  request.devices = {find_device("rtx3060")->entry};
  const auto machine = assemble_machine(request);
  for (const auto& name : test::sampled_models()) {
    const auto whole = model_from_entry(find_model(name)->entry);
    REQUIRE(whole);
    std::set<std::string> kinds;
    for (const auto& tensor : whole->tensors) kinds.insert(kind_of(tensor.name));
    for (const auto& kind : kinds) {
      CAPTURE(name, kind);
      auto model = *whole;
      std::erase_if(model.tensors, [&](const TensorInfo& tensor) { return kind_of(tensor.name) == kind; });
      const auto placement = solve_placement(measure(weigh_model(std::move(model)), {}), machine, {});
      CHECK(placement.total() > 0);
      CHECK(placement.total() < Bytes{1} << 45);
    }
  }
}
