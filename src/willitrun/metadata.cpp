#include "willitrun/metadata.hpp"

namespace willitrun {
namespace {

std::optional<std::int64_t> whole_number(const MetadataValue& value) {
  if (const auto* u = std::get_if<std::uint64_t>(&value))
    return *u <= INT64_MAX ? std::optional(static_cast<std::int64_t>(*u)) : std::nullopt;
  if (const auto* i = std::get_if<std::int64_t>(&value)) return *i;
  if (const auto* b = std::get_if<bool>(&value)) return *b ? 1 : 0;
  return std::nullopt;
}

}  // namespace

const MetadataValue* Metadata::find(std::string_view key) const {
  const auto it = values_.find(key);
  return it == values_.end() ? nullptr : &it->second;
}

std::optional<std::uint64_t> Metadata::count(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto number = whole_number(*value);
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::optional<bool> Metadata::flag(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* b = std::get_if<bool>(value)) return *b;
  return std::nullopt;
}

std::optional<std::string> Metadata::text(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* s = std::get_if<std::string>(value)) return *s;
  return std::nullopt;
}

std::optional<std::vector<std::int64_t>> Metadata::counts(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(value)) return *list;
  if (const auto number = whole_number(*value)) return std::vector{*number};
  return std::nullopt;
}

}  // namespace willitrun
