// The file format is docs/gguf.md of ggml; where it leaves room, ggml 0.27.0's gguf.cpp decides what loads.
#include "willitrun/gguf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/byte_reader.hpp"
#include "willitrun/gguf_values.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

// Far above any published file; they bound time and memory on hostile ones. The largest header known is about 20 MB.
constexpr std::uint64_t max_header_bytes = 256 * mib;
constexpr std::uint64_t max_keys = 1U << 16;
constexpr std::uint64_t max_tensors = 1U << 20;
constexpr std::uint64_t max_name_bytes = 65535;  // docs/gguf.md: keys are at most 2^16 - 1 bytes long
constexpr std::uint64_t max_dimensions = 4;
constexpr std::uint64_t default_alignment = 32;
constexpr std::uint64_t max_alignment = 1U << 31;

// What else a file that is not GGUF may be.
struct Magic {
  std::string_view bytes, name;
};
constexpr std::array other_magics{
    Magic{"PK\x03\x04", "a zip archive, such as a PyTorch checkpoint"},
    Magic{"tjgg", "a GGJT file, which GGUF replaced in 2023"},
    Magic{"lmgg", "a GGML file, which GGUF replaced in 2023"},
    Magic{"fmgg", "a GGMF file, which GGUF replaced in 2023"},
    Magic{"vers", "perhaps a Git LFS pointer instead of the file"},
    Magic{"<!do", "an HTML page"},
    Magic{"<!DO", "an HTML page"},
    Magic{"<htm", "an HTML page"},
};

class HeaderReader {
 public:
  HeaderReader(const ReadAt& read, std::string_view what) : reader_(read, what, max_header_bytes), what_(what) {}

  Result<GgufHeader> run() {
    const bool good = preamble() && keys() && alignment() && split() && tensors();
    if (error_) return *error_;
    if (!good) return reader_.error();
    if (auto error = check_names()) return *error;
    return std::move(header_);
  }

 private:
  bool refuse(std::string message) {
    error_ = Error{"bad_file", fmt::format("{}: {}", what_, message)};
    return false;
  }

  bool preamble() {
    std::string magic;
    if (!reader_.text(magic, 4, "the magic bytes"))
      return reader_.ended() && reader_.received() == 0 ? refuse("is empty") : false;
    if (magic != "GGUF") return refuse(not_gguf(magic));
    if (!reader_.u32(header_.version, "the version") || !check_version()) return false;
    if (!reader_.u64(n_tensors_, "the number of tensors") || !reader_.u64(n_keys_, "the number of keys")) return false;
    if (n_tensors_ > max_tensors)
      return refuse(fmt::format("claims {} tensors, more than the {} that are read", format_grouped(n_tensors_),
                                format_grouped(max_tensors)));
    if (n_keys_ > max_keys)
      return refuse(fmt::format("claims {} keys, more than the {} that are read", format_grouped(n_keys_),
                                format_grouped(max_keys)));
    return true;
  }

  static std::string not_gguf(std::string_view magic) {
    const auto other =
        std::find_if(other_magics.begin(), other_magics.end(), [&](const Magic& m) { return m.bytes == magic; });
    return fmt::format("not a GGUF file (starts with {}{}{})", in_quotes(magic),
                       other == other_magics.end() ? "" : ": ", other == other_magics.end() ? "" : other->name);
  }

  bool check_version() {
    const auto version = header_.version;
    // A number below 65,536 has its low half empty when its bytes are in the other order.
    if (version != 0 && (version & 0xFFFFU) == 0)
      return refuse("is big-endian GGUF, which is not read; convert it with gguf_convert_endian.py of llama.cpp");
    if (version == 1) return refuse("is GGUF version 1, which llama.cpp no longer loads; convert the model again");
    if (version != 2 && version != 3)
      return refuse(fmt::format("is GGUF version {}; versions 2 and 3 are read", version));
    return true;
  }

  // A length and that many bytes of valid UTF-8.
  bool name(std::string& out, std::string_view part) {
    std::uint64_t length = 0;
    if (!reader_.u64(length, part)) return false;
    if (length > max_name_bytes)
      return reader_.fail(fmt::format("{} is {} bytes long, more than {}", part, format_grouped(length),
                                      format_grouped(max_name_bytes)));
    if (!reader_.text(out, length, part)) return false;
    if (out.empty()) return reader_.fail(fmt::format("{} is empty", part));
    if (!is_valid_utf8(out)) return reader_.fail(fmt::format("{} {} is not valid UTF-8", part, in_quotes(out)));
    return true;
  }

  bool keys() {
    GgufValues values(reader_, header_);
    std::string key;
    for (std::uint64_t i = 0; i < n_keys_; ++i) {
      reader_.enter(fmt::format("key {}", i));
      if (!name(key, "name")) return false;
      reader_.enter(fmt::format("key {}", in_quotes(key)));
      if (header_.metadata.find(key) != nullptr) return reader_.fail("is there twice");
      if (!values.read(key)) return false;
    }
    reader_.enter({});
    return true;
  }

  bool alignment() {
    if (header_.metadata.find("general.alignment") == nullptr) return true;
    alignment_ = header_.metadata.count("general.alignment").value_or(0);
    if (alignment_ == 0 || alignment_ > max_alignment || (alignment_ & (alignment_ - 1)) != 0)
      return refuse("key 'general.alignment' must be a power of two");
    return true;
  }

  // Written by llama-gguf-split; a merged file keeps a split.count of 0.
  bool split() {
    const auto& metadata = header_.metadata;
    const auto count = metadata.find("split.count") == nullptr ? 0 : metadata.count("split.count");
    const auto number = metadata.find("split.no") == nullptr ? 0 : metadata.count("split.no");
    if (!count || *count > UINT16_MAX) return refuse("key 'split.count' must be a number of shards");
    header_.split_count = std::max(1U, static_cast<std::uint32_t>(*count));
    if (*count <= 1) return true;
    if (!number || *number >= *count)
      return refuse(fmt::format("key 'split.no' must be a shard number below split.count, {}", *count));
    header_.split_no = static_cast<std::uint32_t>(*number);
    return true;
  }

  bool tensors() {
    std::uint64_t end = 0;
    for (std::uint64_t i = 0; i < n_tensors_; ++i) {
      TensorInfo tensor;
      reader_.enter(fmt::format("tensor {}", i));
      if (!name(tensor.name, "name")) return false;
      reader_.enter(fmt::format("tensor {}", in_quotes(tensor.name)));
      if (!shape(tensor) || !type(tensor) || !place(tensor, end)) return false;
      header_.tensors.push_back(std::move(tensor));
    }
    const auto here = reader_.offset();
    header_.data_offset = n_tensors_ == 0 ? here : round_up(here, alignment_);
    header_.data_bytes = end;
    return true;
  }

  bool shape(TensorInfo& tensor) {
    std::uint32_t dimensions = 0;
    if (!reader_.u32(dimensions, "number of dimensions")) return false;
    if (dimensions > max_dimensions)
      return reader_.fail(fmt::format("has {} dimensions, more than {}", dimensions, max_dimensions));
    for (std::uint32_t d = 0; d < dimensions; ++d) {
      if (!reader_.u64(tensor.shape[d], "dimension")) return false;
      if (tensor.shape[d] == 0) return reader_.fail(fmt::format("has no elements: dimension {} is 0", d));
    }
    const auto elements = element_count(tensor.shape);
    if (!elements || *elements > INT64_MAX)
      return reader_.fail(fmt::format("has more than 2^63 elements: {} x {} x {} x {}", tensor.shape[0],
                                      tensor.shape[1], tensor.shape[2], tensor.shape[3]));
    return true;
  }

  bool type(TensorInfo& tensor) {
    std::uint32_t id = 0;
    if (!reader_.u32(id, "type")) return false;
    const auto type = tensor_type_from_ggml(id);
    if (!type) return reader_.fail(fmt::format("has type id {}, which no ggml type has", id));
    tensor.type = *type;
    const auto& geometry = info(*type);
    if (tensor.shape[0] % geometry.block_elements != 0)
      return reader_.fail(fmt::format("has rows of {} elements, not a multiple of {}'s block of {}", tensor.shape[0],
                                      geometry.name, geometry.block_elements));
    const auto blocks = *element_count(tensor.shape) / geometry.block_elements;
    const auto bytes = checked_mul(blocks, geometry.block_bytes);
    if (!bytes || *bytes > INT64_MAX) return reader_.fail("takes more than 2^63 bytes");
    return true;
  }

  // Tensors follow each other without gaps but for the padding to the alignment; ggml loads no other file.
  bool place(const TensorInfo& tensor, std::uint64_t& end) {
    std::uint64_t at = 0;
    if (!reader_.u64(at, "data offset")) return false;
    if (at % alignment_ != 0)
      return reader_.fail(fmt::format("has its data at {}, not a multiple of the alignment {}", at, alignment_));
    const auto expected = round_up(end, alignment_);
    if (at != expected)
      return reader_.fail(fmt::format("has its data at {}, but the tensors before it end at {}", at, expected));
    const auto sum = checked_add(at, tensor.bytes());
    if (!sum || *sum > INT64_MAX) return reader_.fail("ends beyond 2^63 bytes");
    end = *sum;
    return true;
  }

  std::optional<Error> check_names() const {
    std::vector<std::string_view> names;
    names.reserve(header_.tensors.size());
    for (const auto& tensor : header_.tensors) names.emplace_back(tensor.name);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice == names.end()) return std::nullopt;
    return Error{"bad_file", fmt::format("{}: tensor {} is there twice", what_, in_quotes(*twice))};
  }

  ByteReader reader_;
  std::string what_;
  GgufHeader header_;
  std::optional<Error> error_;
  std::uint64_t n_keys_ = 0, n_tensors_ = 0, alignment_ = default_alignment;
};

}  // namespace

ReadAt read_at_from_memory(std::span<const std::byte> bytes) {
  return [bytes](std::uint64_t offset, std::span<std::byte> out) -> Result<std::size_t> {
    if (offset >= bytes.size()) return std::size_t{0};
    const auto rest = bytes.subspan(static_cast<std::size_t>(offset));
    const auto n = std::min(rest.size(), out.size());
    std::copy_n(rest.begin(), n, out.begin());
    return n;
  };
}

Result<GgufHeader> read_gguf(const ReadAt& read, std::string_view what) { return HeaderReader(read, what).run(); }

}  // namespace willitrun
