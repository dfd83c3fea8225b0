#include "willitrun/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "willitrun/byte_reader.hpp"
#include "willitrun/json_reader.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

constexpr std::uint64_t length_bytes = 8;
// The format allows 100 MB; published shards stay below 2 MiB.
constexpr std::uint64_t max_header_bytes = max_json_bytes;
constexpr std::size_t max_dimensions = 16;

struct Dtype {
  std::string_view name;
  std::uint64_t bits;
  TensorType type;  // of as many bytes
};
// Dtype in safetensors/src/tensor.rs (safetensors 0.6).
constexpr std::array dtypes{
    Dtype{"F64", 64, TensorType::f64},    Dtype{"F32", 32, TensorType::f32},    Dtype{"F16", 16, TensorType::f16},
    Dtype{"BF16", 16, TensorType::bf16},  Dtype{"I64", 64, TensorType::i64},    Dtype{"I32", 32, TensorType::i32},
    Dtype{"I16", 16, TensorType::i16},    Dtype{"I8", 8, TensorType::i8},       Dtype{"U64", 64, TensorType::i64},
    Dtype{"U32", 32, TensorType::i32},    Dtype{"U16", 16, TensorType::i16},    Dtype{"U8", 8, TensorType::i8},
    Dtype{"BOOL", 8, TensorType::i8},     Dtype{"F8_E5M2", 8, TensorType::fp8}, Dtype{"F8_E4M3", 8, TensorType::fp8},
    Dtype{"F8_E8M0", 8, TensorType::fp8}, Dtype{"C64", 64, TensorType::i64},    Dtype{"F4", 4, TensorType::i8},
    Dtype{"F6_E2M3", 6, TensorType::i8},  Dtype{"F6_E3M2", 6, TensorType::i8},
};

const Dtype* find_dtype(std::string_view name) {
  const auto* it = std::find_if(dtypes.begin(), dtypes.end(), [&](const Dtype& d) { return d.name == name; });
  return it == dtypes.end() ? nullptr : it;
}

Result<std::vector<std::uint64_t>> counts_of(const JsonValue& list, std::size_t most) {
  if (!list.is(JsonKind::array)) return list.mismatch("a list of whole numbers");
  std::vector<std::uint64_t> out;
  for (const auto& item : list.children()) {
    if (out.size() == most) return list.error(fmt::format("has more than {} numbers", most));
    const auto n = item.count();
    if (!n) return n.error();
    out.push_back(*n);
  }
  return out;
}

Result<JsonValue> member(const JsonValue& tensor, std::string_view key) {
  const auto found = tensor.find(key);
  if (!found) return tensor.error(fmt::format("\"{}\" is missing", key));
  return *found;
}

/// Bytes of that many elements, or nothing beyond 64 bits or within a byte.
std::optional<std::uint64_t> size_of(const Dtype& dtype, const std::vector<std::uint64_t>& shape) {
  std::uint64_t bits = dtype.bits;
  for (const auto n : shape) {
    const auto next = checked_mul(bits, n);
    if (!next) return std::nullopt;
    bits = *next;
  }
  return bits % 8 == 0 ? std::optional(bits / 8) : std::nullopt;
}

Result<SafetensorsTensor> tensor_of(const JsonValue& value) {
  if (!value.is(JsonKind::object)) return value.mismatch("an object");
  SafetensorsTensor out;
  out.name = value.key();
  const auto dtype_value = member(value, "dtype");
  if (!dtype_value) return dtype_value.error();
  const auto dtype_name = dtype_value->text();
  if (!dtype_name) return dtype_name.error();
  const auto* dtype = find_dtype(*dtype_name);
  if (dtype == nullptr) return dtype_value->error(fmt::format("dtype {} is not known", in_quotes(*dtype_name)));
  out.dtype = *dtype_name;
  const auto shape_value = member(value, "shape");
  if (!shape_value) return shape_value.error();
  auto shape = counts_of(*shape_value, max_dimensions);
  if (!shape) return shape.error();
  out.shape = *std::move(shape);
  const auto offsets_value = member(value, "data_offsets");
  if (!offsets_value) return offsets_value.error();
  const auto offsets = counts_of(*offsets_value, 2);
  if (!offsets) return offsets.error();
  if (offsets->size() != 2 || (*offsets)[0] > (*offsets)[1])
    return offsets_value->error("must be where the data begins and ends");
  out.begin = (*offsets)[0];
  out.end = (*offsets)[1];
  const auto size = size_of(*dtype, out.shape);
  if (!size) return shape_value->error(fmt::format("is no shape a tensor of {} can have", out.dtype));
  if (*size != out.bytes())
    return offsets_value->error(fmt::format("spans {} bytes, but {} of this shape takes {}",
                                            format_grouped(out.bytes()), out.dtype, format_grouped(*size)));
  return out;
}

/// The data is one piece: no gap, no overlap.
std::optional<Error> check_layout(const std::vector<SafetensorsTensor>& tensors, std::string_view what) {
  std::uint64_t at = 0;
  for (const auto& tensor : tensors) {
    if (tensor.begin != at)
      return Error{"bad_file",
                   fmt::format("{}: data of tensor {} begins at {}, not at {} where the one before ends", what,
                               in_quotes(tensor.name), format_grouped(tensor.begin), format_grouped(at))};
    at = tensor.end;
  }
  return std::nullopt;
}

Result<std::string> header_text(const ReadAt& read, std::string_view what) {
  ByteReader reader(read, what, length_bytes + max_header_bytes);
  std::uint64_t length = 0;
  if (!reader.u64(length, "the header's length")) return reader.error();
  constexpr std::uint64_t lfs_pointer = 0x206e6f6973726576;  // "version "
  if (length == lfs_pointer) {
    reader.fail("a Git LFS pointer instead of the file");
    return reader.error();
  }
  if (length < 2 || length > max_header_bytes) {
    reader.fail(fmt::format("a header of {} bytes, outside 2 to {}: not a safetensors file", format_grouped(length),
                            format_grouped(max_header_bytes)));
    return reader.error();
  }
  std::string text;
  if (!reader.text(text, length, fmt::format("the header of {} bytes", format_grouped(length)))) return reader.error();
  return text;
}

}  // namespace

Result<SafetensorsHeader> read_safetensors(const ReadAt& read, std::string_view what) {
  const auto text = header_text(read, what);
  if (!text) return text.error();
  const auto root = JsonValue::parse(*text, fmt::format("{}: header", what));
  if (!root) return root.error();
  if (!root->is(JsonKind::object)) return root->mismatch("an object of tensors");
  SafetensorsHeader out;
  out.data_offset = length_bytes + text->size();
  for (const auto& value : root->children()) {
    if (value.key() == "__metadata__") continue;
    auto tensor = tensor_of(value);
    if (!tensor) return tensor.error();
    out.tensors.push_back(*std::move(tensor));
  }
  std::stable_sort(out.tensors.begin(), out.tensors.end(),
                   [](const auto& a, const auto& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  if (auto error = check_layout(out.tensors, what)) return *error;
  out.data_bytes = out.tensors.empty() ? 0 : out.tensors.back().end;
  return out;
}

Result<std::vector<std::string>> safetensors_shards(std::string_view index_json, std::string_view what) {
  const auto root = JsonValue::parse(index_json, what);
  if (!root) return root.error();
  const auto map = root->find("weight_map");
  if (!map || !map->is(JsonKind::object)) return root->error("\"weight_map\", an object of file names, is missing");
  std::set<std::string> names;
  for (const auto& entry : map->children()) {
    auto name = entry.text();
    if (!name) return name.error();
    if (name->find_first_of("/\\") != std::string::npos || !name->ends_with(".safetensors"))
      return entry.error(fmt::format("{} is not a .safetensors file of the same folder", in_quotes(*name)));
    names.insert(*std::move(name));
  }
  if (names.empty()) return map->error("lists no files");
  return std::vector<std::string>(names.begin(), names.end());
}

TensorInfo stored_tensor(const SafetensorsTensor& tensor) {
  TensorInfo out;
  out.name = tensor.name;
  const auto* dtype = find_dtype(tensor.dtype);
  const bool whole_bytes = dtype != nullptr && dtype->bits % 8 == 0;
  out.type = whole_bytes ? dtype->type : TensorType::i8;
  if (!whole_bytes) {
    out.shape[0] = tensor.bytes();
    return out;
  }
  for (std::size_t i = 0; i < tensor.shape.size(); ++i)
    out.shape[std::min<std::size_t>(i, out.shape.size() - 1)] *= tensor.shape[tensor.shape.size() - 1 - i];
  return out;
}

}  // namespace willitrun
