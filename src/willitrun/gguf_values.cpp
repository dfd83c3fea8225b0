#include "willitrun/gguf_values.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>

#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

constexpr std::uint64_t max_text_bytes = mib;   // longer text (no key has it) is not kept
constexpr std::uint64_t max_array_kept = 4096;  // per-layer lists are shorter by far
constexpr std::uint32_t string_type = 8, array_type = 9;

enum class Kind : std::uint8_t { whole, signed_whole, real, boolean, text, list };

// Value types by id (docs/gguf.md of ggml).
struct ValueType {
  std::string_view name;
  std::uint32_t bytes;
  Kind kind;
};
constexpr std::array value_types{
    ValueType{"u8", 1, Kind::whole},    ValueType{"i8", 1, Kind::signed_whole},
    ValueType{"u16", 2, Kind::whole},   ValueType{"i16", 2, Kind::signed_whole},
    ValueType{"u32", 4, Kind::whole},   ValueType{"i32", 4, Kind::signed_whole},
    ValueType{"f32", 4, Kind::real},    ValueType{"bool", 1, Kind::boolean},
    ValueType{"string", 0, Kind::text}, ValueType{"array", 0, Kind::list},
    ValueType{"u64", 8, Kind::whole},   ValueType{"i64", 8, Kind::signed_whole},
    ValueType{"f64", 8, Kind::real},
};

template <class T>
bool widened(ByteReader& reader, bool (ByteReader::*read)(T&, std::string_view), std::uint64_t& out) {
  T value = 0;
  if (!(reader.*read)(value, "value")) return false;
  out = value;
  return true;
}

// The bits of a number of 1, 2, 4 or 8 bytes.
bool bits(ByteReader& reader, std::uint32_t bytes, std::uint64_t& out) {
  switch (bytes) {
    case 1: return widened(reader, &ByteReader::u8, out);
    case 2: return widened(reader, &ByteReader::u16, out);
    case 4: return widened(reader, &ByteReader::u32, out);
    default: return reader.u64(out, "value");
  }
}

std::int64_t sign_extended(std::uint64_t value, std::uint32_t bytes) {
  const auto unused = 64 - 8 * bytes;
  return static_cast<std::int64_t>(value << unused) >> unused;
}

double real(std::uint64_t value, std::uint32_t bytes) {
  return bytes == 4 ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(value)))
                    : std::bit_cast<double>(value);
}

}  // namespace

bool GgufValues::read(const std::string& key) {
  std::uint32_t type = 0;
  if (!reader_.u32(type, "type")) return false;
  if (type >= value_types.size()) return reader_.fail(fmt::format("has value type {}, which does not exist", type));
  if (type == array_type) return array(key);
  MetadataValue value;
  bool keep = true;
  if (type == string_type ? !text(value, keep) : !scalar(type, value)) return false;
  // An unkept value still counts as there, so that the key cannot come twice.
  header_.metadata.set(key, keep ? std::move(value) : MetadataValue(std::vector<std::int64_t>{}));
  return true;
}

bool GgufValues::scalar(std::uint32_t type, MetadataValue& out) {
  const auto& form = value_types[type];
  std::uint64_t value = 0;
  if (!bits(reader_, form.bytes, value)) return false;
  if (form.kind == Kind::whole) out = value;
  if (form.kind == Kind::signed_whole) out = sign_extended(value, form.bytes);
  if (form.kind == Kind::real) out = real(value, form.bytes);
  if (form.kind == Kind::boolean) {
    if (value > 1) return reader_.fail(fmt::format("is a bool of {}, neither 0 nor 1", value));
    out = value == 1;
  }
  return true;
}

bool GgufValues::text(MetadataValue& out, bool& keep) {
  std::uint64_t length = 0;
  if (!reader_.u64(length, "value length")) return false;
  keep = length <= max_text_bytes;
  if (!keep) return reader_.skip(length, "value");
  std::string value;
  if (!reader_.text(value, length, "value")) return false;
  keep = is_valid_utf8(value);
  if (keep) out = std::move(value);
  return true;
}

bool GgufValues::array(const std::string& key) {
  std::uint32_t type = 0;
  std::uint64_t count = 0;
  if (!reader_.u32(type, "element type") || !reader_.u64(count, "array length")) return false;
  if (type >= value_types.size()) return reader_.fail(fmt::format("has element type {}, which does not exist", type));
  if (type == array_type) return reader_.fail("is an array of arrays, which GGUF files do not have");
  header_.array_sizes[key] = count;
  std::vector<std::int64_t> numbers;
  const auto& form = value_types[type];
  if (type == string_type) {
    if (!skip_strings(count)) return false;
  } else if (form.kind == Kind::real || count > max_array_kept) {
    const auto bytes = checked_mul(count, form.bytes);
    if (!bytes) return reader_.fail(fmt::format("claims {} elements", format_grouped(count)));
    if (!reader_.skip(*bytes, "elements")) return false;
  } else if (!whole_numbers(type, count, numbers)) {
    return false;
  }
  header_.metadata.set(key, std::move(numbers));
  return true;
}

bool GgufValues::skip_strings(std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t length = 0;
    if (!reader_.u64(length, "element length") || !reader_.skip(length, "element")) return false;
  }
  return true;
}

bool GgufValues::whole_numbers(std::uint32_t type, std::uint64_t count, std::vector<std::int64_t>& out) {
  const auto& form = value_types[type];
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t value = 0;
    if (!bits(reader_, form.bytes, value)) return false;
    if (form.kind == Kind::boolean && value > 1)
      return reader_.fail(fmt::format("has a bool of {}, neither 0 nor 1", value));
    if (form.kind == Kind::whole && value > INT64_MAX)
      return reader_.fail(fmt::format("has an element of {}, beyond 2^63", value));
    out.push_back(form.kind == Kind::signed_whole ? sign_extended(value, form.bytes)
                                                  : static_cast<std::int64_t>(value));
  }
  return true;
}

}  // namespace willitrun
