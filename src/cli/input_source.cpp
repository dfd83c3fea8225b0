#include "cli/input_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace willitrun::cli {
namespace {

constexpr std::size_t head_bytes = 4;  // enough for GGUF's magic

/// Serves a stream whose first bytes were already taken.
Result<std::size_t> read_stream(std::FILE* stream, const std::string& head, std::uint64_t& position,
                                std::uint64_t offset, std::span<std::byte> out, const std::string& what) {
  if (offset != position)
    return Error{"bad_file", fmt::format("{}: read out of order at byte {}", what, offset), {}, 70};
  std::size_t done = 0;
  if (position < head.size()) {
    done = std::min(out.size(), head.size() - static_cast<std::size_t>(position));
    std::memcpy(out.data(), head.data() + position, done);
  }
  done += std::fread(out.data() + done, 1, out.size() - done, stream);
  if (std::ferror(stream) != 0) return Error{"unreadable", fmt::format("{}: {}", what, std::strerror(errno))};
  position += done;
  return done;
}

}  // namespace

std::string display_name(const std::string& path) { return path == "-" ? "stdin" : path; }

Result<InputSource> open_input(const std::string& path) {
  const auto what = display_name(path);
  std::error_code code;
  if (path != "-" && std::filesystem::is_directory(path, code))
    return Error{"unreadable", fmt::format("{}: is a directory", what)};
  std::shared_ptr<std::FILE> stream(stdin, [](std::FILE*) {});
  if (path != "-") {
    std::FILE* opened = std::fopen(path.c_str(), "rb");
    if (opened == nullptr) return Error{"unreadable", fmt::format("{}: {}", what, std::strerror(errno))};
    stream.reset(opened, [](std::FILE* f) { std::fclose(f); });
  }
  InputSource source;
  source.head.resize(head_bytes);
  source.head.resize(std::fread(source.head.data(), 1, head_bytes, stream.get()));
  if (source.head.empty()) return Error{"empty_input", fmt::format("{}: is empty", what)};
  if (const auto size = std::filesystem::file_size(path, code); path != "-" && !code) source.size = size;
  auto position = std::make_shared<std::uint64_t>(0);
  source.read = [stream, head = source.head, position, what](std::uint64_t offset, std::span<std::byte> out) {
    return read_stream(stream.get(), head, *position, offset, out, what);
  };
  return source;
}

Result<std::string> read_all(const InputSource& source, std::size_t limit, std::string_view what) {
  std::string text;
  constexpr std::size_t chunk = 64 << 10;
  for (;;) {
    const auto before = text.size();
    if (before > limit) return Error{"too_large", fmt::format("{}: is larger than {} MiB", what, limit >> 20)};
    text.resize(before + chunk);
    const auto got = source.read(before, std::as_writable_bytes(std::span(text).subspan(before)));
    if (!got) return got.error();
    text.resize(before + *got);
    if (*got == 0) return text;
  }
}

}  // namespace willitrun::cli
