// Named values that describe a model: GGUF keys, or the same keys in a catalog entry or a JSON model spec.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace willitrun {

/// A scalar, or a short array of whole numbers (bools are 0 and 1). Any other array is an empty list.
using MetadataValue = std::variant<std::uint64_t, std::int64_t, double, bool, std::string, std::vector<std::int64_t>>;

class Metadata {
 public:
  void set(std::string key, MetadataValue value) { values_.insert_or_assign(std::move(key), std::move(value)); }
  [[nodiscard]] const MetadataValue* find(std::string_view key) const;
  /// A non-negative whole number, from any numeric form that holds one exactly.
  [[nodiscard]] std::optional<std::uint64_t> count(std::string_view key) const;
  [[nodiscard]] std::optional<bool> flag(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> text(std::string_view key) const;
  /// A scalar as a one-element list, or the list.
  [[nodiscard]] std::optional<std::vector<std::int64_t>> counts(std::string_view key) const;
  [[nodiscard]] const std::map<std::string, MetadataValue, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, MetadataValue, std::less<>> values_;
};

}  // namespace willitrun
