#include "willitrun/safetensors.hpp"

#include <span>

#include "support/catch.hpp"
#include "support/hf_files.hpp"

using namespace willitrun;

namespace {

std::string file_of(std::string_view json) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(json.size() >> (8 * i) & 0xFF);
  return out + std::string(json);
}

Result<SafetensorsHeader> read(const std::string& bytes) {
  return read_safetensors(read_at_from_memory(std::as_bytes(std::span(bytes))), "m.safetensors");
}

std::string problem(const std::string& bytes) {
  const auto header = read(bytes);
  return header ? "" : header.error().message;
}

}  // namespace

TEST_CASE("a safetensors header lists tensors in the order of their data") {
  const auto header =
      read(file_of(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]},
    "a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]}})"));
  REQUIRE(header);
  REQUIRE(header->tensors.size() == 2);
  CHECK(header->tensors[0].name == "a");
  CHECK(header->data_bytes == 20);
  const auto a = stored_tensor(header->tensors[0]);
  CHECK(a.shape == Shape{3, 2, 1, 1});
  CHECK(a.type == TensorType::bf16);
  CHECK(a.bytes() == 12);
}

TEST_CASE("types without a type of their own keep their bytes") {
  const auto header = read(file_of(R"({"a":{"dtype":"F4","shape":[3,4],"data_offsets":[0,6]},
    "b":{"dtype":"F8_E4M3","shape":[5],"data_offsets":[6,11]},"c":{"dtype":"F32","shape":[],"data_offsets":[11,15]}})"));
  REQUIRE(header);
  CHECK(stored_tensor(header->tensors[0]).bytes() == 6);
  CHECK(stored_tensor(header->tensors[1]).bytes() == 5);
  CHECK(stored_tensor(header->tensors[2]).bytes() == 4);
}

TEST_CASE("a malformed safetensors header is an error that names the place") {
  CHECK(problem("") == "m.safetensors: truncated at byte 0 while reading the header's length");
  CHECK(problem(std::string("\x10\0\0\0\0\0\0\0{}", 10)) ==
        "m.safetensors: truncated at byte 10 while reading the header of 16 bytes");
  CHECK(problem("version https://git-lfs.github.com/spec/v1\n") ==
        "m.safetensors: a Git LFS pointer instead of the file (byte 8)");
  CHECK(problem(std::string(16, '\xFF')) ==
        "m.safetensors: a header of 18,446,744,073,709,551,615 bytes, outside 2 to 16,777,216: not a safetensors file "
        "(byte 8)");
  CHECK(problem(file_of("[]")) == "m.safetensors: header:1:1: must be an object of tensors, is an array");
  CHECK(problem(file_of(R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})")) ==
        "m.safetensors: header:1:15: /a/dtype: dtype 'F31' is not known");
  CHECK(problem(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}})")) ==
        "m.safetensors: header:1:48: /a/data_offsets: spans 9 bytes, but F32 of this shape takes 8");
  CHECK(problem(file_of(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})")) ==
        "m.safetensors: header:1:29: /a/shape: is no shape a tensor of F32 can have");
  CHECK(problem(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})")) ==
        "m.safetensors: header:1:48: /a/data_offsets: must be where the data begins and ends");
  CHECK(problem(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})")) ==
        "m.safetensors: data of tensor 'a' begins at 4, not at 0 where the one before ends");
  CHECK(problem(file_of(R"({"a":{"dtype":"F32","data_offsets":[0,8]}})")) ==
        "m.safetensors: header:1:6: /a: \"shape\" is missing");
}

TEST_CASE("an index lists shards of its own folder only") {
  const auto shards = safetensors_shards(
      R"({"weight_map":{"a":"model-00002-of-00002.safetensors","b":"model-00001-of-00002.safetensors","c":"model-00002-of-00002.safetensors"}})",
      "index.json");
  REQUIRE(shards);
  CHECK(*shards == std::vector<std::string>{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"});
  const auto escape = safetensors_shards(R"({"weight_map":{"a":"../secret.safetensors"}})", "index.json");
  REQUIRE_FALSE(escape);
  CHECK(escape.error().message ==
        "index.json:1:20: /weight_map/a: '../secret.safetensors' is not a .safetensors file of the same folder");
}
