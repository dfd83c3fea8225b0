// Headers of safetensors files from untrusted bytes: the tensor list, never the data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "willitrun/gguf.hpp"
#include "willitrun/model.hpp"
#include "willitrun/result.hpp"

namespace willitrun {

/// One tensor as the file names it; `shape` is row-major, the contiguous dimension last.
struct SafetensorsTensor {
  std::string name;
  std::string dtype;  ///< as the file spells it: "BF16", "F8_E4M3"
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0, end = 0;  ///< within the data
  [[nodiscard]] Bytes bytes() const { return end - begin; }
};

struct SafetensorsHeader {
  std::vector<SafetensorsTensor> tensors;  ///< in the order of their data
  std::uint64_t data_offset = 0;           ///< where tensor data begins
  std::uint64_t data_bytes = 0;
};

/// Eight bytes of length, little-endian, and that much JSON (github.com/huggingface/safetensors, "Format"). `what`
/// names the input in errors. The data may be absent.
[[nodiscard]] Result<SafetensorsHeader> read_safetensors(const ReadAt& read, std::string_view what);

/// The shard files that a model.safetensors.index.json lists, sorted. A name that leads out of its folder is an error.
[[nodiscard]] Result<std::vector<std::string>> safetensors_shards(std::string_view index_json, std::string_view what);

/// The same elements in ggml's order of dimensions and the type of as many bytes. Formats without a type of their own
/// (4- and 6-bit floats) come as bytes.
[[nodiscard]] TensorInfo stored_tensor(const SafetensorsTensor& tensor);

}  // namespace willitrun
