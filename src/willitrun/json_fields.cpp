#include "willitrun/json_fields.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "willitrun/suggest.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {

JsonFields::JsonFields(JsonValue object) : object_(std::move(object)) {
  if (!object_.is(JsonKind::object)) keep(object_.mismatch("an object"));
}

std::optional<JsonValue> JsonFields::optional(std::string_view key) {
  asked_.push_back(key);
  auto member = object_.find(key);
  return member && member->is(JsonKind::null) ? std::nullopt : member;
}

std::optional<JsonValue> JsonFields::required(std::string_view key) {
  auto member = optional(key);
  if (!member) keep(object_.error(fmt::format("{} is missing", in_quotes(key))));
  return member;
}

std::uint64_t JsonFields::count(std::string_view key, std::uint64_t min, std::uint64_t max, std::uint64_t otherwise) {
  const auto member = optional(key);
  return member ? take(member->count(min, max), otherwise) : otherwise;
}

std::string JsonFields::text(std::string_view key, std::string_view otherwise) {
  const auto member = optional(key);
  return member ? take(member->text()) : std::string(otherwise);
}

bool JsonFields::flag(std::string_view key, bool otherwise) {
  const auto member = optional(key);
  return member ? take(member->flag(), otherwise) : otherwise;
}

std::vector<Error> JsonFields::problems() const {
  std::vector<Error> out;
  for (const auto& member : object_.children()) {
    if (!object_.is(JsonKind::object) || std::find(asked_.begin(), asked_.end(), member.key()) != asked_.end())
      continue;
    const auto near = nearest(member.key(), asked_);
    out.push_back(member.error(fmt::format("unknown key {}{}", in_quotes(member.key()), did_you_mean(near))));
    out.back().suggestions = near;
  }
  out.insert(out.end(), errors_.begin(), errors_.end());
  return out;
}

std::optional<Error> JsonFields::finish() const {
  auto all = problems();
  return all.empty() ? std::nullopt : std::optional(std::move(all.front()));
}

}  // namespace willitrun
