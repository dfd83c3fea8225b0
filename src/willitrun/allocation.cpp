#include "willitrun/allocation.hpp"

namespace willitrun {

Bytes device_bytes(TensorType type, const Shape& shape) {
  constexpr std::uint64_t row_padding = 512;
  Bytes bytes = tensor_bytes(type, shape);
  const auto tail = shape[0] % row_padding;
  if (is_block_quantized(type) && tail != 0) bytes += row_bytes(type, row_padding - tail);
  return round_up(bytes, device_alignment);
}

Bytes host_bytes(TensorType type, const Shape& shape) { return round_up(tensor_bytes(type, shape), host_alignment); }

}  // namespace willitrun
