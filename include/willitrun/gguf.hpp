// GGUF headers from untrusted bytes: keys and tensor list, never the data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "willitrun/metadata.hpp"
#include "willitrun/model.hpp"

namespace willitrun {

/// Reads up to `out.size()` bytes at `offset`; returns how many there were, 0 only at the end. The only way the reader
/// sees a file. It asks strictly forward (each offset is where the last answer ended), so a pipe can serve it.
using ReadAt = std::function<Result<std::size_t>(std::uint64_t offset, std::span<std::byte> out)>;

/// A source over bytes in memory, which must outlive it.
[[nodiscard]] ReadAt read_at_from_memory(std::span<const std::byte> bytes);

struct GgufHeader {
  std::uint32_t version = 0;
  /// Scalars, text up to 1 MiB, arrays of up to 4,096 whole numbers; other arrays are empty lists here.
  Metadata metadata;
  std::map<std::string, std::uint64_t, std::less<>> array_sizes;  ///< elements of every array, kept or not
  std::vector<TensorInfo> tensors;
  std::uint64_t data_offset = 0;  ///< where tensor data begins
  std::uint64_t data_bytes = 0;   ///< from there to the end of the last tensor
  std::uint32_t split_count = 1, split_no = 0;
};

/// `what` names the input in errors ("model.gguf", "stdin"). Data may be absent (a header alone) but a file that
/// holds part of it is reported by the caller, which knows the size.
[[nodiscard]] Result<GgufHeader> read_gguf(const ReadAt& read, std::string_view what);

/// Model of one or several shards' headers, in any order. A missing, repeated or foreign shard is an error, and so is
/// a file whose keys and tensors contradict each other.
[[nodiscard]] Result<Model> model_from_gguf(std::vector<GgufHeader> shards, std::string_view what);

}  // namespace willitrun
