#include "willitrun/byte_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "willitrun/units.hpp"

namespace willitrun {
namespace {

constexpr std::size_t window_bytes = 256 * kib;

}  // namespace

ByteReader::ByteReader(const ReadAt& read, std::string_view what, std::uint64_t limit)
    : read_(read), what_(what), limit_(limit) {}

// Moves the unread bytes to the front and adds the next ones.
bool ByteReader::refill(std::string_view part) {
  if (error_) return false;
  if (window_.empty()) window_.resize(window_bytes);
  std::copy(window_.begin() + static_cast<std::ptrdiff_t>(at_), window_.begin() + static_cast<std::ptrdiff_t>(end_),
            window_.begin());
  window_offset_ += at_;
  end_ -= at_;
  at_ = 0;
  const auto next = window_offset_ + end_;
  const auto room = std::min<std::uint64_t>(window_.size() - end_, limit_ - next);
  if (room == 0) return fail(fmt::format("is still not read after {} bytes", format_grouped(limit_)));
  const auto got = read_(next, std::span(window_).subspan(end_, static_cast<std::size_t>(room)));
  if (!got) {
    error_ = got.error();
    return false;
  }
  if (*got == 0) {
    ended_ = true;
    error_ = Error{"bad_file", fmt::format("{}: truncated at byte {} while reading {}{}{}", what_, format_grouped(next),
                                           subject_, subject_.empty() || part.empty() ? "" : " ", part)};
    return false;
  }
  end_ += static_cast<std::size_t>(std::min<std::uint64_t>(*got, room));
  return true;
}

bool ByteReader::need(std::size_t count, std::string_view part) {
  while (end_ - at_ < count)
    if (!refill(part)) return false;
  return true;
}

bool ByteReader::text(std::string& out, std::uint64_t count, std::string_view part) {
  out.clear();
  while (out.size() < count) {
    if (at_ == end_ && !refill(part)) return false;
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(count - out.size(), end_ - at_));
    std::transform(window_.begin() + static_cast<std::ptrdiff_t>(at_),
                   window_.begin() + static_cast<std::ptrdiff_t>(at_ + n), std::back_inserter(out),
                   [](std::byte b) { return static_cast<char>(b); });
    at_ += n;
  }
  return true;
}

bool ByteReader::skip(std::uint64_t count, std::string_view part) {
  while (count > 0) {
    if (at_ == end_ && !refill(part)) return false;
    const auto n = std::min<std::uint64_t>(count, end_ - at_);
    at_ += static_cast<std::size_t>(n);
    count -= n;
  }
  return true;
}

bool ByteReader::fail(std::string_view message) {
  if (!error_)
    error_ = Error{"bad_file", fmt::format("{}: {}{}{} (byte {})", what_, subject_, subject_.empty() ? "" : " ",
                                           message, format_grouped(offset()))};
  return false;
}

Error ByteReader::error() const { return error_.value_or(Error{"bad_file", what_ + ": cannot be read"}); }

}  // namespace willitrun
