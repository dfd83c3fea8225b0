#include "willitrun/byte_reader.hpp"

#include <fmt/format.h>

#include "support/catch.hpp"
#include "willitrun/utf8.hpp"

using namespace willitrun;

namespace {

// A pipe: gives a few bytes a call and refuses to go anywhere but on.
ReadAt trickle(std::string bytes, std::size_t step) {
  return [bytes = std::move(bytes), step, position = std::uint64_t{0}](
             std::uint64_t offset, std::span<std::byte> out) mutable -> Result<std::size_t> {
    if (offset != position) return Error{"seek", fmt::format("asked for {} at {}", offset, position)};
    const auto n = std::min({step, out.size(), bytes.size() - static_cast<std::size_t>(position)});
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::byte>(bytes[static_cast<std::size_t>(position) + i]);
    position += n;
    return n;
  };
}

}  // namespace

TEST_CASE("numbers are little-endian, from a source that gives a byte at a time and never seeks") {
  const auto source = trickle(std::string("\x01\x02\x03\x04\x05\x06\x07\x08\xFF"
                                          "abcdefxy\x10\x20",
                                          19),
                              1);
  ByteReader reader(source, "m", 1000);
  std::uint64_t wide = 0;
  std::uint8_t narrow = 0;
  std::string text;
  std::uint16_t last = 0;
  REQUIRE(reader.u64(wide, "a"));
  REQUIRE(reader.u8(narrow, "b"));
  REQUIRE(reader.text(text, 6, "c"));
  REQUIRE(reader.skip(2, "d"));
  REQUIRE(reader.u16(last, "e"));
  CHECK(wide == 0x0807060504030201);
  CHECK(narrow == 0xFF);
  CHECK(text == "abcdef");
  CHECK(last == 0x2010);
  CHECK(reader.offset() == 19);
}

TEST_CASE("a cut input names what was being read and where it ends") {
  const auto source = trickle("abcd", 3);
  ByteReader reader(source, "m.gguf", 1000);
  std::uint64_t value = 0;
  reader.enter("key 'llama.block_count'");
  CHECK_FALSE(reader.u64(value, "value"));
  CHECK(reader.error().message == "m.gguf: truncated at byte 4 while reading key 'llama.block_count' value");
}

TEST_CASE("a claimed length allocates no more than there is, and no more is read than allowed") {
  const auto source = trickle("abcd", 4);
  ByteReader reader(source, "m", UINT64_MAX);
  std::string text;
  CHECK_FALSE(reader.text(text, UINT64_MAX, "name"));
  CHECK(text.capacity() < 64);
  CHECK_FALSE(reader.skip(UINT64_MAX, "name"));

  const ReadAt endless = [](std::uint64_t, std::span<std::byte> out) -> Result<std::size_t> { return out.size(); };
  ByteReader bounded(endless, "m", 1'000'000);
  CHECK_FALSE(bounded.skip(UINT64_MAX, "name"));
  CHECK(bounded.error().message == "m: is still not read after 1,000,000 bytes (byte 1,000,000)");
}

TEST_CASE("an error of the source is passed on") {
  const ReadAt broken = [](std::uint64_t, std::span<std::byte>) -> Result<std::size_t> {
    return Error{"io", "disk on fire"};
  };
  ByteReader reader(broken, "m", 100);
  std::uint8_t value = 0;
  CHECK_FALSE(reader.u8(value, "a"));
  CHECK(reader.error().message == "disk on fire");
}

TEST_CASE("UTF-8 is checked as the standard says") {
  CHECK(is_valid_utf8("plain, \xC3\xA9, \xE2\x82\xAC, \xF0\x9F\x98\x80"));
  CHECK(valid_utf8_prefix("ab\xFF") == 2);
  CHECK_FALSE(is_valid_utf8("\xC0\xAF"));          // overlong
  CHECK_FALSE(is_valid_utf8("\xED\xA0\x80"));      // surrogate
  CHECK_FALSE(is_valid_utf8("\xF4\x90\x80\x80"));  // beyond U+10FFFF
  CHECK_FALSE(is_valid_utf8("\xE2\x82"));          // cut
}

TEST_CASE("foreign names cannot steer a terminal or fill it") {
  CHECK(in_quotes("blk.0 \xC3\xA9") == "'blk.0 \xC3\xA9'");
  CHECK(in_quotes("\x1B[31m\xFF\xC2\x9B") == "'\\x1b[31m\\xff\\xc2\\x9b'");
  CHECK(in_quotes(std::string(101, 'a')) == "'" + std::string(100, 'a') + "...'");
}
