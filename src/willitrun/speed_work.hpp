// What a pass over the model has to do in each place: bytes read, arithmetic, layers entered.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "willitrun/footprint.hpp"
#include "willitrun/placement.hpp"
#include "willitrun/speed_calibration.hpp"

namespace willitrun {

/// One accelerator's or the host's part.
struct PlaceWork {
  std::array<double, kernel_classes> dense_bytes{}, expert_bytes{};  ///< stored there, output matrix included
  std::array<double, kernel_classes> dense_macs{}, expert_macs{};    ///< per token, experts that fire only
  double output_macs = 0;     ///< of dense_macs, those only the last token of a prompt needs
  double cache_bytes = 0;     ///< read by one token at the asked depth
  double state_bytes = 0;     ///< recurrent state, read and written by every token
  double attention_macs = 0;  ///< of the whole prompt
  double layers = 0, expert_layers = 0, recurrent_layers = 0;
  double offloaded_layers = 0;  ///< host: layers or experts whose neighbours are on an accelerator

  [[nodiscard]] bool idle() const;
};

struct SpeedWork {
  std::vector<PlaceWork> places;  ///< one per device, then the host
  std::uint32_t prompt_tokens = 0, ubatch = 1;
  double n_embd = 0;  ///< activations of one token between layers
  double experts_used = 0, experts = 0;
  bool flash_attention = true;
  bool streams_weights = false;  ///< host weights go over PCIe for a large batch
  /// Each device holds a slice of every layer and they work at once; else layers take turns.
  bool sliced = false;
};

[[nodiscard]] SpeedWork speed_work(const Footprint& footprint, const Placement& placement, const Machine& machine,
                                   const SpeedRequest& request);

}  // namespace willitrun
