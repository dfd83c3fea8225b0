// Fitted parameters of the speed model: one row per engine, backend and architecture, generated from
// data/calibration/speed.json. tests/calibration refits them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "willitrun/hardware.hpp"
#include "willitrun/speed.hpp"

namespace willitrun {

/// How a weight is unpacked decides how fast it is read.
enum class KernelClass : std::uint8_t { floating, eight_bit, legacy, k, low_k, iq, four_bit };
inline constexpr std::size_t kernel_classes = 7;
[[nodiscard]] KernelClass kernel_class(TensorType type);

/// The parameters in the order of speed.json's keys. Times are microseconds; shares are of the theoretical peak.
enum SpeedParameter : std::size_t {
  read_share,       ///< of memory bandwidth that weights are read at
  draw,             ///< bytes of weights that a chip draws per thousand operations at peak, however fast its memory
  layer_us,         ///< fixed time of a layer while decoding
  token_us,         ///< fixed time of a token: sampling, graph launch, the host's part
  expert_layer,     ///< factor on layer_us for a layer with experts
  recurrent_layer,  ///< factor on layer_us for a recurrent layer
  cache_cost,       ///< seconds of reading a byte of cache, relative to a byte of weights
  plain_cost,       ///< the same without flash attention
  matrix_share,     ///< of half-precision throughput in prefill; above 1 with matrix units
  expert_matrix,    ///< factor on it for routed experts
  attention_share,  ///< the same for attention scores
  scan_macs,        ///< multiply-adds, as if at peak, that a prompt token costs per element of recurrent state
  power_limit,      ///< how much of a card's matrix throughput follows its power: 0 none, 1 all
  pass_us,          ///< fixed time of a layer per physical batch
  hop_us,           ///< per token and device beyond the first
  reduce_us,        ///< slices: summing up one layer's half of two devices, doubled for each doubling of them
  reduce_gb_s,      ///< slices: what a device exchanges with the others while summing up
  pipeline,         ///< how much of devices beyond the first works at once in a long prompt: 0 none, 1 all
  read_floating,
  read_eight_bit,
  read_legacy,
  read_k,
  read_low_k,
  read_iq,
  read_four_bit,  ///< factor on time per byte
  matrix_floating,
  matrix_eight_bit,
  matrix_legacy,
  matrix_k,
  matrix_low_k,
  matrix_iq,
  matrix_four_bit,  ///< on time
  hybrid_pace,      ///< CPU: pace of all cores where some are efficient ones that the others wait for
  wide_loss,        ///< CPU: exponent by which the share falls beyond two channels of DDR5
  decode_low,
  decode_high,
  prefill_low,
  prefill_high,  ///< range as factors: 80 % of residuals inside
  slice_low,
  slice_high,  ///< the same of both, over devices in slices
  speed_parameters
};

/// Key in speed.json and the bounds a fit may move within.
struct ParameterInfo {
  std::string_view name;
  double low, high;
};
inline constexpr std::array<ParameterInfo, speed_parameters> parameter_info{{
    {"read_share", 0.05, 0.97},
    {"draw", 1, 400},
    {"layer_us", 1, 2000},
    {"token_us", 1, 8000},
    {"expert_layer", 1, 5},
    {"recurrent_layer", 0.5, 6},
    {"cache_cost", 0.1, 3},
    {"plain_cost", 0.1, 20},
    {"matrix_share", 0.005, 9},
    {"expert_matrix", 0.05, 1},
    {"attention_share", 0.002, 9},
    {"scan_macs", 0.5, 500},
    {"power_limit", 0, 1},
    {"pass_us", 1, 10000},
    {"hop_us", 1, 5000},
    {"reduce_us", 0.5, 2000},
    {"reduce_gb_s", 0.5, 900},
    {"pipeline", 0, 1},
    {"read_floating", 0.7, 1.6},
    {"read_eight_bit", 0.7, 1.6},
    {"read_legacy", 0.7, 1.6},
    {"read_k", 1, 1},
    {"read_low_k", 0.8, 2.5},
    {"read_iq", 0.8, 2.5},
    {"read_four_bit", 0.7, 2.5},
    {"matrix_floating", 0.3, 4},
    {"matrix_eight_bit", 0.4, 2.5},
    {"matrix_legacy", 0.4, 2.5},
    {"matrix_k", 1, 1},
    {"matrix_low_k", 0.5, 2.5},
    {"matrix_iq", 0.5, 2.5},
    {"matrix_four_bit", 0.4, 2.5},
    {"hybrid_pace", 0.1, 1},
    {"wide_loss", 0, 1},
    {"decode_low", 0.1, 1},
    {"decode_high", 1, 4},
    {"prefill_low", 0.1, 1},
    {"prefill_high", 1, 4},
    {"slice_low", 0.1, 1},
    {"slice_high", 1, 4},
}};

struct SpeedRow {
  Engine engine;
  Backend backend;
  std::string_view architecture;  ///< what the device's starts with; empty = any
  std::string_view capability;    ///< the same for CUDA compute capability
  std::array<double, speed_parameters> p;
};

/// Sorted from particular to general, each backend closed by a row for any architecture.
[[nodiscard]] std::span<const SpeedRow> speed_rows();
/// The row for the architecture, else that of its measured kin, else the one for any.
/// `architecture` is a device's, or the memory type of a host.
[[nodiscard]] const SpeedRow& speed_row(std::span<const SpeedRow> rows, Engine engine, Backend backend,
                                        std::string_view architecture, std::string_view capability);

}  // namespace willitrun
