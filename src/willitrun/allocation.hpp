// What a buffer takes for a tensor: stored bytes, padding and alignment.
#pragma once

#include "willitrun/tensor_type.hpp"
#include "willitrun/units.hpp"

namespace willitrun {

inline constexpr Bytes device_alignment = 128;  ///< ggml-cuda's buffer alignment (ggml-cuda.cu)
inline constexpr Bytes host_alignment = 32;     ///< ggml-cpu's TENSOR_ALIGNMENT

/// Bytes of a tensor in device memory: CUDA pads the last row of a quantised tensor to a multiple of 512 elements
/// (MATRIX_ROW_PADDING in ggml-cuda), then aligns.
[[nodiscard]] Bytes device_bytes(TensorType type, const Shape& shape);
[[nodiscard]] Bytes host_bytes(TensorType type, const Shape& shape);

}  // namespace willitrun
