// The members of one JSON object, each asked for once; what was never asked for is an unknown key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "willitrun/json_reader.hpp"

namespace willitrun {

/// Problems are kept and the reads go on with defaults, so that the keys can be checked first: a misspelt key is
/// reported as such before a missing one.
class JsonFields {
 public:
  explicit JsonFields(JsonValue object);

  /// The member, or nothing; null counts as nothing.
  std::optional<JsonValue> optional(std::string_view key);
  /// The member, or an error that it is missing.
  std::optional<JsonValue> required(std::string_view key);

  std::uint64_t count(std::string_view key, std::uint64_t min, std::uint64_t max, std::uint64_t otherwise);
  std::string text(std::string_view key, std::string_view otherwise);
  bool flag(std::string_view key, bool otherwise);

  /// A value or the kept problem: `fields.take(value.count())`.
  template <class T>
  T take(const Result<T>& result, T otherwise = {}) {
    if (result) return *result;
    keep(result.error());
    return otherwise;
  }
  void keep(Error error) {
    errors_.push_back(std::move(error));
  }

  /// Unknown keys first, then the kept problem, then nothing.
  [[nodiscard]] std::optional<Error> finish() const;
  /// All unknown keys, then all kept problems.
  [[nodiscard]] std::vector<Error> problems() const;

 private:
  JsonValue object_;
  std::vector<std::string_view> asked_;
  std::vector<Error> errors_;
};

}  // namespace willitrun
