// GGUF headers from untrusted bytes: keys and tensor list, never the data.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "willitrun/metadata.hpp"
#include "willitrun/model.hpp"

namespace willitrun {

/// Reads up to `out.size()` bytes at `offset`; returns how many there were. The only way the reader sees a file.
using ReadAt = std::function<Result<std::size_t>(std::uint64_t offset, std::span<std::byte> out)>;

struct GgufHeader {
  std::uint32_t version = 0;
  Metadata metadata;
  std::vector<TensorInfo> tensors;
  std::uint64_t data_offset = 0;  ///< where tensor data begins
  std::uint64_t data_bytes = 0;   ///< what the tensor list claims
  std::uint32_t split_count = 1, split_no = 0;
};

/// `what` names the input in errors ("model.gguf", "stdin"). Data may be absent (a header alone) but a file that
/// holds part of it is reported by the caller, which knows the size.
[[nodiscard]] Result<GgufHeader> read_gguf(const ReadAt& read, std::string_view what);

/// Model of one or several shards' headers, in split order.
[[nodiscard]] Result<Model> model_from_gguf(std::vector<GgufHeader> shards, std::string_view what);

}  // namespace willitrun
