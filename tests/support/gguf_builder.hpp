// Writes GGUF headers, good and bad, for tests. Counts and offsets follow what was added unless a test sets them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/gguf.hpp"

namespace willitrun::test {

class GgufBuilder {
 public:
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::optional<std::uint64_t> n_keys, n_tensors;  ///< what the header claims instead of the truth
  std::uint64_t alignment = 32;

  static std::string le(std::uint64_t value, std::size_t bytes) {
    std::string out;
    for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
    return out;
  }
  static std::string text(std::string_view value) { return le(value.size(), 8) + std::string(value); }

  /// A key with its value's bytes as given.
  GgufBuilder& raw(std::string_view key, std::uint32_t type, std::string_view value) {
    keys_ += text(key) + le(type, 4) + std::string(value);
    ++key_count_;
    return *this;
  }
  GgufBuilder& u32(std::string_view key, std::uint32_t value) { return raw(key, 4, le(value, 4)); }
  GgufBuilder& str(std::string_view key, std::string_view value) { return raw(key, 8, text(value)); }
  GgufBuilder& i32s(std::string_view key, const std::vector<std::int32_t>& values) {
    std::string elements = le(5, 4) + le(values.size(), 8);
    for (const auto value : values) elements += le(static_cast<std::uint32_t>(value), 4);
    return raw(key, 9, elements);
  }
  GgufBuilder& strs(std::string_view key, std::uint64_t count, std::string_view each) {
    std::string elements = le(8, 4) + le(count, 8);
    for (std::uint64_t i = 0; i < count; ++i) elements += text(each);
    return raw(key, 9, elements);
  }

  /// A tensor after the ones before it, or at `offset`.
  GgufBuilder& tensor(std::string_view name, const std::vector<std::uint64_t>& shape, TensorType type = TensorType::f32,
                      std::optional<std::uint64_t> offset = std::nullopt) {
    return tensor_id(name, shape, static_cast<std::uint32_t>(info(type).ggml_id), offset.value_or(end_), [&] {
      Shape full{1, 1, 1, 1};
      for (std::size_t i = 0; i < shape.size() && i < full.size(); ++i) full[i] = shape[i];
      return tensor_bytes(type, full);
    }());
  }
  GgufBuilder& tensor_id(std::string_view name, const std::vector<std::uint64_t>& shape, std::uint32_t type_id,
                         std::uint64_t offset = 0, std::uint64_t bytes = 0) {
    tensors_ += text(name) + le(shape.size(), 4);
    for (const auto n : shape) tensors_ += le(n, 8);
    tensors_ += le(type_id, 4) + le(offset, 8);
    end_ = round_up(offset + bytes, alignment);
    ++tensor_count_;
    return *this;
  }

  [[nodiscard]] std::string bytes() const {
    return magic + le(version, 4) + le(n_tensors.value_or(tensor_count_), 8) + le(n_keys.value_or(key_count_), 8) +
           keys_ + tensors_;
  }
  [[nodiscard]] Result<GgufHeader> read() const;

 private:
  std::string keys_, tensors_;
  std::uint64_t key_count_ = 0, tensor_count_ = 0, end_ = 0;
};

inline Result<GgufHeader> read_bytes(std::string_view bytes) {
  return read_gguf(read_at_from_memory(std::as_bytes(std::span(bytes))), "m.gguf");
}

inline Result<GgufHeader> GgufBuilder::read() const { return read_bytes(bytes()); }

}  // namespace willitrun::test
