// Exact values from untrusted JSON, with the place of every complaint: "spec.json:3:12: /tables/0/rows: must be ...".
// // and /* */ comments are allowed; duplicate keys, deep nesting, broken UTF-8 and numbers out of range are not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "willitrun/result.hpp"

namespace willitrun {

inline constexpr std::size_t max_json_bytes = 16 << 20;
inline constexpr std::size_t max_json_depth = 64;
inline constexpr std::size_t max_json_values = 1'000'000;  // about 130 bytes of memory each

enum class JsonKind : std::uint8_t { null, boolean, whole, real, text, array, object };

/// Both from 1, columns in bytes; 0 = nowhere in particular.
struct JsonPlace {
  std::uint32_t line = 0, column = 0;
};

/// What an error of this reader says, in its parts: "spec.json:3:12: /tables/0: must be ...".
struct JsonProblem {
  JsonPlace place;
  std::string path, message;
};
[[nodiscard]] JsonProblem parts_of(const Error& error, std::string_view what);

/// One value of a parsed text, as a cheap handle that keeps the text's tree alive.
class JsonValue {
 public:
  /// `what` names the input in errors.
  [[nodiscard]] static Result<JsonValue> parse(std::string_view text, std::string_view what);

  [[nodiscard]] JsonKind kind() const;
  [[nodiscard]] bool is(JsonKind k) const { return kind() == k; }

  /// Elements of an array or members of an object, in order; empty for anything else.
  [[nodiscard]] std::vector<JsonValue> children() const;
  /// Name of a member; empty for an element or the root.
  [[nodiscard]] std::string_view key() const;
  [[nodiscard]] std::optional<JsonValue> find(std::string_view key) const;

  /// A whole number within the limits; 1e3 is one, 1.5 and -1 are not.
  [[nodiscard]] Result<std::uint64_t> count(std::uint64_t min = 0, std::uint64_t max = UINT64_MAX) const;
  [[nodiscard]] Result<std::int64_t> integer() const;
  [[nodiscard]] Result<double> number() const;
  [[nodiscard]] Result<bool> flag() const;
  [[nodiscard]] Result<std::string> text() const;

  /// An error about this value, with its place and path.
  [[nodiscard]] Error error(std::string_view message) const;
  /// "must be <expected>, is <what it is>".
  [[nodiscard]] Error mismatch(std::string_view expected) const;
  /// An array's or object's own text, as it was read; empty for anything else.
  [[nodiscard]] std::string_view source() const;
  [[nodiscard]] std::string path() const;  ///< JSON pointer (RFC 6901); empty for the root
  [[nodiscard]] JsonPlace place() const;

 private:
  friend class JsonTreeBuilder;
  struct Node {
    JsonKind kind = JsonKind::null;
    bool negative = false;              // of a whole number
    std::uint32_t place = 0;            // byte in the text
    std::uint32_t parent = 0;           // its own index for the root
    std::uint32_t position = 0;         // among its siblings
    std::uint32_t next = 0;             // sibling; 0: the last
    std::uint32_t first = 0, last = 0;  // children; 0: none
    std::uint32_t end = 0;              // byte after an array or object
    std::uint64_t bits = 0;             // a bool, a whole number's absolute value, or a double
    std::string key, text;
  };
  struct Tree {
    std::string what, text;
    std::vector<Node> nodes;
    std::vector<std::uint32_t> lines;  // first byte of each
  };
  JsonValue(std::shared_ptr<const Tree> tree, std::uint32_t index) : tree_(std::move(tree)), index_(index) {}
  [[nodiscard]] const Node& node() const { return tree_->nodes[index_]; }
  [[nodiscard]] std::string shown() const;

  std::shared_ptr<const Tree> tree_;
  std::uint32_t index_ = 0;
};

}  // namespace willitrun
