// Values of GGUF keys: what is worth keeping is kept, the rest is stepped over.
#pragma once

#include <string>

#include "willitrun/byte_reader.hpp"
#include "willitrun/gguf.hpp"

namespace willitrun {

class GgufValues {
 public:
  GgufValues(ByteReader& reader, GgufHeader& header) : reader_(reader), header_(header) {}

  /// Reads type and value of `key`, whose name was just read. False: the reader has the error.
  [[nodiscard]] bool read(const std::string& key);

 private:
  bool scalar(std::uint32_t type, MetadataValue& out);
  bool text(MetadataValue& out, bool& keep);
  bool array(const std::string& key);
  bool skip_strings(std::uint64_t count);
  bool whole_numbers(std::uint32_t type, std::uint64_t count, std::vector<std::int64_t>& out);

  ByteReader& reader_;
  GgufHeader& header_;
};

}  // namespace willitrun
