// No model of the catalog is left without an answer, wherever its layers lie.
#include "support/catch.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/machine.hpp"
#include "willitrun/placement.hpp"

using namespace willitrun;

TEST_CASE("every model of the catalog can be placed, on a card it overflows and on none") {
  MachineRequest with_card;
  with_card.devices = {find_device("rtx3060")->entry};
  const auto card = assemble_machine(with_card), none = assemble_machine({});
  ContextParams params;
  for (const auto& entry : all_models()) {
    CAPTURE(entry.id);
    auto model = model_from_entry(entry);
    REQUIRE(model);
    const auto footprint = measure(weigh_model(std::move(*model)), params);
    CHECK(solve_placement(footprint, card, {}).total() > 0);
    CHECK(solve_placement(footprint, none, {}).host.total() >= footprint.weights().file_bytes / 2);
  }
}
