// What a card reports in all, against what was seen of it.
#include <cmath>

#include "support/catch.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/machine.hpp"

using namespace willitrun;

namespace {

struct Seen {
  const char* card;
  double gib;
};

double reported(const char* card) {
  MachineRequest request;
  request.devices = {find_device(card)->entry};
  return static_cast<double>(assemble_machine(request).devices[0].driver_bytes) / static_cast<double>(gib);
}

}  // namespace

TEST_CASE("cards report what is left after the driver and error correction") {
  // PyTorch's totals: the L40S in a log of sglang ("total capacity of 44.53 GiB"), the others in vLLM's logs.
  for (const auto& seen : {Seen{"l40s", 44.53}, Seen{"rtx4090", 23.59}, Seen{"h100-sxm5-80gb", 79.19},
                           Seen{"a100-sxm4-80gb", 79.25}, Seen{"rtx-pro-6000", 95.01}}) {
    CAPTURE(seen.card, reported(seen.card), seen.gib);
    CHECK(std::abs(reported(seen.card) - seen.gib) < 0.15);
  }
}
