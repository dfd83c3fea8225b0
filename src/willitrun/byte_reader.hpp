// Little-endian numbers and strings from untrusted bytes, through a small window, strictly forward.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/gguf.hpp"
#include "willitrun/result.hpp"

namespace willitrun {

/// A read that fails returns false, and error() then says what was being read and where. The first error stays.
/// Every call to the source asks for the bytes that follow the last ones it gave, so a pipe will do.
class ByteReader {
 public:
  /// No more than `limit` bytes are read; `what` names the input in errors.
  ByteReader(const ReadAt& read, std::string_view what, std::uint64_t limit);

  /// What the following reads belong to ("key 'general.name'", "tensor 3"); a read adds its part ("value").
  void enter(std::string subject) { subject_ = std::move(subject); }

  [[nodiscard]] bool u8(std::uint8_t& out, std::string_view part) { return number(out, part); }
  [[nodiscard]] bool u16(std::uint16_t& out, std::string_view part) { return number(out, part); }
  [[nodiscard]] bool u32(std::uint32_t& out, std::string_view part) { return number(out, part); }
  [[nodiscard]] bool u64(std::uint64_t& out, std::string_view part) { return number(out, part); }
  /// `count` bytes; grows with what is there, not with what is claimed.
  [[nodiscard]] bool text(std::string& out, std::uint64_t count, std::string_view part);
  [[nodiscard]] bool skip(std::uint64_t count, std::string_view part);

  /// Remembers an error about what was just read; always false.
  bool fail(std::string_view message);

  [[nodiscard]] std::uint64_t offset() const { return window_offset_ + at_; }
  /// Bytes the source has given so far.
  [[nodiscard]] std::uint64_t received() const { return window_offset_ + end_; }
  /// Whether the source had no more bytes when some were needed (rather than failing).
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] Error error() const;

 private:
  template <class T>
  bool number(T& out, std::string_view part) {
    if (end_ - at_ < sizeof(T) && !need(sizeof(T), part)) return false;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) value |= std::to_integer<std::uint64_t>(window_[at_ + i]) << (8 * i);
    at_ += sizeof(T);
    out = static_cast<T>(value);
    return true;
  }
  bool need(std::size_t count, std::string_view part);
  bool refill(std::string_view part);

  const ReadAt& read_;
  std::string what_, subject_;
  std::uint64_t limit_;
  std::vector<std::byte> window_;
  std::uint64_t window_offset_ = 0;  // of window_[0] in the input
  std::size_t at_ = 0, end_ = 0;     // unread bytes of the window
  bool ended_ = false;
  std::optional<Error> error_;
};

}  // namespace willitrun
