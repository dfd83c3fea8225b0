// The embedded catalogs as the build generates them: constants only, nothing to set up at start.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace willitrun::catalog_data {

/// One spelling of one entry. Sorted by squeezed key. The text lies in a chunk, because compilers limit literals.
struct Name {
  std::uint16_t chunk;
  std::uint16_t offset;
  std::uint8_t size;
  std::uint8_t flags;
  std::uint16_t entry;
};
/// The spelling says which variant of the product is meant.
inline constexpr std::uint8_t names_variant = 1;

struct Entry {
  const char* id;
  const char* json;  ///< minified, ASCII
  std::uint32_t json_size;
  std::uint16_t product;  ///< devices: the same for all variants of a product
  std::uint8_t vendor;
  bool default_variant;
  const char* product_name;  ///< empty: the entry is its own product
};

struct Table {
  std::span<const Name> names;
  std::span<const char* const> chunks;
  std::span<const Entry> entries;
  [[nodiscard]] std::string_view key(const Name& name) const { return {chunks[name.chunk] + name.offset, name.size}; }
};

/// As embedded; lookups go to the tables in use, see catalog_tables.hpp.
[[nodiscard]] Table models();
[[nodiscard]] Table devices();
[[nodiscard]] Table cpus();
[[nodiscard]] std::string_view version();
[[nodiscard]] std::string_view sha256();

}  // namespace willitrun::catalog_data
