#include "willitrun/gguf.hpp"

#include <cstring>

#include "support/catch.hpp"
#include "support/gguf_builder.hpp"

using namespace willitrun;
using test::GgufBuilder;
using test::read_bytes;

namespace {

GgufBuilder small() {
  return GgufBuilder()
      .str("general.architecture", "llama")
      .u32("llama.block_count", 1)
      .tensor("token_embd.weight", {256, 10}, TensorType::q4_k)
      .tensor("output_norm.weight", {256});
}

std::string message(const GgufBuilder& file) {
  const auto header = file.read();
  return header ? "" : header.error().message;
}

}  // namespace

TEST_CASE("a header gives keys, tensors and where the data lies") {
  const auto file = small();
  const auto header = file.read();
  REQUIRE(header);
  CHECK(header->version == 3);
  CHECK(header->metadata.text("general.architecture") == "llama");
  CHECK(header->metadata.count("llama.block_count") == 1);
  REQUIRE(header->tensors.size() == 2);
  CHECK(header->tensors[0].name == "token_embd.weight");
  CHECK(header->tensors[0].shape == Shape{256, 10, 1, 1});
  CHECK(header->tensors[0].bytes() == 1440);
  CHECK(header->data_offset == (file.bytes().size() + 31) / 32 * 32);
  CHECK(header->data_bytes == 1440 + 1024);
  CHECK(header->split_count == 1);
}

TEST_CASE("version 2 reads as version 3 does") {
  auto file = small();
  file.version = 2;
  CHECK(file.read()->tensors.size() == 2);
}

TEST_CASE("every value type is read") {
  const auto le = GgufBuilder::le;
  const auto header = GgufBuilder()
                          .raw("u8", 0, le(200, 1))
                          .raw("i8", 1, le(0xFF, 1))
                          .raw("u16", 2, le(65535, 2))
                          .raw("i16", 3, le(0x8000, 2))
                          .raw("i32", 5, le(0xFFFFFFFE, 4))
                          .raw("f32", 6, le(0x3FC00000, 4))
                          .raw("bool", 7, le(1, 1))
                          .raw("u64", 10, le(1ULL << 40, 8))
                          .raw("i64", 11, le(UINT64_MAX, 8))
                          .raw("f64", 12, le(0x3FF8000000000000, 8))
                          .i32s("list", {0, 8, -1})
                          .raw("flags", 9, le(7, 4) + le(2, 8) + le(1, 1) + le(0, 1))
                          .read();
  REQUIRE(header);
  const auto& m = header->metadata;
  CHECK(m.count("u8") == 200);
  CHECK(m.counts("i8") == std::vector<std::int64_t>{-1});
  CHECK(m.count("u16") == 65535);
  CHECK(m.counts("i16") == std::vector<std::int64_t>{-32768});
  CHECK(m.counts("i32") == std::vector<std::int64_t>{-2});
  CHECK(std::get<double>(*m.find("f32")) == 1.5);
  CHECK(m.flag("bool") == true);
  CHECK(m.count("u64") == 1ULL << 40);
  CHECK(m.counts("i64") == std::vector<std::int64_t>{-1});
  CHECK(std::get<double>(*m.find("f64")) == 1.5);
  CHECK(m.counts("list") == std::vector<std::int64_t>{0, 8, -1});
  CHECK(m.counts("flags") == std::vector<std::int64_t>{1, 0});
}

TEST_CASE("arrays of strings, of fractions and long ones are counted but not kept") {
  const auto le = GgufBuilder::le;
  const auto header = GgufBuilder()
                          .strs("tokenizer.ggml.tokens", 30000, "token")
                          .raw("scores", 9, le(6, 4) + le(2, 8) + le(0, 8))
                          .i32s("types", std::vector<std::int32_t>(4097, 1))
                          .i32s("edge", std::vector<std::int32_t>(4096, 1))
                          .read();
  REQUIRE(header);
  CHECK(header->array_sizes.at("tokenizer.ggml.tokens") == 30000);
  CHECK(header->array_sizes.at("types") == 4097);
  for (const auto key : {"tokenizer.ggml.tokens", "scores", "types"}) CHECK(header->metadata.counts(key)->empty());
  CHECK(header->metadata.counts("edge")->size() == 4096);
}

TEST_CASE("text that is too long or not UTF-8 is stepped over") {
  const auto header =
      GgufBuilder().str("long", std::string((1 << 20) + 1, 'x')).str("broken", "a\xFF").u32("after", 7).read();
  REQUIRE(header);
  CHECK_FALSE(header->metadata.text("long"));
  CHECK_FALSE(header->metadata.text("broken"));
  CHECK(header->metadata.count("after") == 7);
}

TEST_CASE("what is not a readable GGUF file is named") {
  CHECK(read_bytes("").error().message == "m.gguf: is empty");
  CHECK(read_bytes("GG").error().message == "m.gguf: truncated at byte 2 while reading the magic bytes");
  CHECK(read_bytes("hello").error().message == "m.gguf: not a GGUF file (starts with 'hell')");
  CHECK(read_bytes("PK\x03\x04").error().message ==
        "m.gguf: not a GGUF file (starts with 'PK\\x03\\x04': a zip archive, such as a PyTorch checkpoint)");
  CHECK(read_bytes("version https://git-lfs").error().message ==
        "m.gguf: not a GGUF file (starts with 'vers': perhaps a Git LFS pointer instead of the file)");
  CHECK(read_bytes("hello").error().exit_status == 2);
  auto file = small();
  file.version = 1;
  CHECK(message(file) == "m.gguf: is GGUF version 1, which llama.cpp no longer loads; convert the model again");
  file.version = 3U << 24;
  CHECK(message(file) ==
        "m.gguf: is big-endian GGUF, which is not read; convert it with gguf_convert_endian.py of llama.cpp");
  file.version = 4;
  CHECK(message(file) == "m.gguf: is GGUF version 4; versions 2 and 3 are read");
  file.version = 0;
  CHECK(message(file) == "m.gguf: is GGUF version 0; versions 2 and 3 are read");
}

TEST_CASE("every prefix of a header is refused as truncated, none crashes") {
  const auto bytes = small().i32s("list", {1, 2}).strs("tokens", 2, "abc").bytes();
  for (std::size_t n = 1; n < bytes.size(); ++n) {
    const auto header = read_bytes(std::string_view(bytes).substr(0, n));
    REQUIRE_FALSE(header);
    INFO(n << ": " << header.error().message);
    CHECK(header.error().message.find("truncated at byte " + std::to_string(n) + " ") != std::string::npos);
  }
}

TEST_CASE("a truncated file says what was being read") {
  const auto bytes = small().bytes();
  const auto cut = [&](std::string_view after, std::size_t more) {
    return read_bytes(std::string_view(bytes).substr(0, bytes.find(after) + after.size() + more)).error().message;
  };
  CHECK(cut("llama.block_count", 6) == "m.gguf: truncated at byte 100 while reading key 'llama.block_count' value");
  CHECK(cut("token_embd.weight", 5) ==
        "m.gguf: truncated at byte 132 while reading tensor 'token_embd.weight' dimension");
}

TEST_CASE("oversized claims are refused before they are believed") {
  auto file = small();
  file.n_keys = UINT64_MAX;
  CHECK(message(file) == "m.gguf: claims 18,446,744,073,709,551,615 keys, more than the 65,536 that are read");
  file = small();
  file.n_tensors = (1U << 20) + 1;
  CHECK(message(file) == "m.gguf: claims 1,048,577 tensors, more than the 1,048,576 that are read");
  const auto le = GgufBuilder::le;
  CHECK(message(GgufBuilder().raw("k", 8, le(UINT64_MAX, 8))) ==
        "m.gguf: truncated at byte 45 while reading key 'k' value");
  CHECK(message(GgufBuilder().raw("k", 9, le(4, 4) + le(UINT64_MAX, 8))) ==
        "m.gguf: key 'k' claims 18,446,744,073,709,551,615 elements (byte 49)");
  CHECK(message(GgufBuilder().raw(std::string(65536, 'k'), 4, le(1, 4))) ==
        "m.gguf: key 0 name is 65,536 bytes long, more than 65,535 (byte 32)");
}

TEST_CASE("malformed keys are refused") {
  const auto le = GgufBuilder::le;
  CHECK(message(GgufBuilder().u32("a", 1).u32("a", 2)) == "m.gguf: key 'a' is there twice (byte 50)");
  CHECK(message(GgufBuilder().strs("a", 1, "x").u32("a", 2)).find("key 'a' is there twice") != std::string::npos);
  CHECK(message(GgufBuilder().u32("", 1)) == "m.gguf: key 0 name is empty (byte 32)");
  CHECK(message(GgufBuilder().u32("a\xFF", 1)) == "m.gguf: key 0 name 'a\\xff' is not valid UTF-8 (byte 34)");
  CHECK(message(GgufBuilder().raw("k", 13, "")) == "m.gguf: key 'k' has value type 13, which does not exist (byte 37)");
  CHECK(message(GgufBuilder().raw("k", 9, le(9, 4) + le(1, 8))) ==
        "m.gguf: key 'k' is an array of arrays, which GGUF files do not have (byte 49)");
  CHECK(message(GgufBuilder().raw("k", 9, le(77, 4) + le(1, 8))) ==
        "m.gguf: key 'k' has element type 77, which does not exist (byte 49)");
  CHECK(message(GgufBuilder().raw("k", 7, le(2, 1))) == "m.gguf: key 'k' is a bool of 2, neither 0 nor 1 (byte 38)");
  CHECK(message(GgufBuilder().raw("k", 9, le(10, 4) + le(1, 8) + le(UINT64_MAX, 8))) ==
        "m.gguf: key 'k' has an element of 18446744073709551615, beyond 2^63 (byte 57)");
  CHECK(message(GgufBuilder().u32("general.alignment", 24)) ==
        "m.gguf: key 'general.alignment' must be a power of two");
  CHECK(message(GgufBuilder().u32("general.alignment", 0)) == "m.gguf: key 'general.alignment' must be a power of two");
  CHECK(message(GgufBuilder().str("general.alignment", "32")) ==
        "m.gguf: key 'general.alignment' must be a power of two");
  CHECK(message(GgufBuilder().u32("split.count", 2).u32("split.no", 2)) ==
        "m.gguf: key 'split.no' must be a shard number below split.count, 2");
  CHECK(message(GgufBuilder().str("split.count", "2")) == "m.gguf: key 'split.count' must be a number of shards");
}

TEST_CASE("malformed tensors are refused") {
  const auto one = [](auto&&... args) { return message(GgufBuilder().tensor(args...)); };
  using Dims = std::vector<std::uint64_t>;
  CHECK(one("t", Dims{1, 1, 1, 1, 1}) == "m.gguf: tensor 't' has 5 dimensions, more than 4 (byte 37)");
  CHECK(one("t", Dims{8, 0}) == "m.gguf: tensor 't' has no elements: dimension 1 is 0 (byte 53)");
  CHECK(one("t", Dims{1ULL << 32, 1ULL << 32}) ==
        "m.gguf: tensor 't' has more than 2^63 elements: 4294967296 x 4294967296 x 1 x 1 (byte 53)");
  CHECK(one("t", Dims{1ULL << 62}) == "m.gguf: tensor 't' takes more than 2^63 bytes (byte 49)");
  CHECK(one("t", Dims{100}, TensorType::q4_k) ==
        "m.gguf: tensor 't' has rows of 100 elements, not a multiple of q4_K's block of 256 (byte 49)");
  CHECK(one("t", Dims{8}, TensorType::f32, 8) ==
        "m.gguf: tensor 't' has its data at 8, not a multiple of the alignment 32 (byte 57)");
  CHECK(one("t", Dims{8}, TensorType::f32, 64) ==
        "m.gguf: tensor 't' has its data at 64, but the tensors before it end at 0 (byte 57)");
  CHECK(message(GgufBuilder().tensor_id("t", {8}, 4)) ==
        "m.gguf: tensor 't' has type id 4, which no ggml type has (byte 49)");
  CHECK(message(GgufBuilder().tensor("t", {8}).tensor("t", {8})) == "m.gguf: tensor 't' is there twice");
  CHECK(message(GgufBuilder().tensor("a", {8}).tensor("b", {8}, TensorType::f32, 0))
            .find("tensor 'b' has its data at 0, but the tensors before it end at 32") != std::string::npos);
  CHECK(message(GgufBuilder().tensor("a", {1ULL << 60}).tensor("b", {1ULL << 60})).find("'b' ends beyond 2^63 bytes") !=
        std::string::npos);
}

TEST_CASE("another alignment moves the data") {
  GgufBuilder file;
  file.alignment = 4096;
  const auto header = file.u32("general.alignment", 4096).tensor("a", {1}).tensor("b", {1}).read();
  REQUIRE(header);
  CHECK(header->data_offset == 4096);
  CHECK(header->data_bytes == 4100);
}
