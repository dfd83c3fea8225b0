// Looking names up in the embedded tables, and what to say when that fails.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/catalog.hpp"
#include "willitrun/catalog_data.hpp"
#include "willitrun/hardware.hpp"
#include "willitrun/json_reader.hpp"
#include "willitrun/result.hpp"

namespace willitrun {

struct NameHit {
  std::size_t entry;
  bool names_variant;  ///< false: the product was named, the variant is the default one
};

/// The entries a key names best: none, one, or several when marks were left out that tell them apart.
[[nodiscard]] std::vector<NameHit> lookup(const catalog_data::Table& table, std::string_view key);

/// What kind of thing is looked for, for messages and error codes.
struct Wanted {
  std::string_view code;  ///< "model", "gpu", "cpu"
  std::string_view word;  ///< "model", "GPU", "CPU"
};

[[nodiscard]] Error ambiguous(const Wanted& wanted, std::string_view name, std::vector<std::string> candidates);
/// Ambiguous when the name's words are part of several names, else unknown with near misses. `words` are the name's
/// without what says nothing; `vendors`, when not 0, are the only ones to suggest from.
[[nodiscard]] Error not_found(const catalog_data::Table& table, const Wanted& wanted, std::string_view name,
                              const std::vector<std::string>& words, std::uint32_t vendors = 0);
/// For a name without a letter or digit.
[[nodiscard]] Error blank_name(const Wanted& wanted, std::string_view name);

/// Ids of entries, products once, in table order.
[[nodiscard]] std::vector<std::string> ids_of(const catalog_data::Table& table, const std::vector<NameHit>& hits);

/// One entry's variants by memory: its size, or the sizes it is sold with.
struct DeviceEntry {
  std::string id, name;         ///< without a size; the spec's have the default one where there are options
  DeviceSpec spec;              ///< with the default size
  std::vector<double> options;  ///< GiB; empty when there is one size only
  std::vector<std::string> aliases;
  bool default_variant = false;
};
struct CpuEntry {
  CpuSpec spec;
  std::vector<std::string> aliases;
};
[[nodiscard]] DeviceEntry read_device(std::string_view json);
/// The variant with this much memory.
[[nodiscard]] DeviceSpec with_memory(const DeviceEntry& entry, double gib_count);
[[nodiscard]] CpuSpec read_cpu(std::string_view json);
[[nodiscard]] ModelEntry read_model(std::string_view json);

/// The same from a file; every problem is appended and the read goes on.
[[nodiscard]] DeviceEntry read_device(const JsonValue& entry, std::vector<Error>& problems);
[[nodiscard]] CpuEntry read_cpu(const JsonValue& entry, std::vector<Error>& problems);
[[nodiscard]] ModelEntry read_model(const JsonValue& entry, std::vector<Error>& problems);

}  // namespace willitrun
