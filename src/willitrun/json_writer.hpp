// JSON text in the order it is written, without a tree: ten thousand rows stay as small as their text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace willitrun {

/// To three decimals, what an estimate can carry; "null" when not finite.
[[nodiscard]] std::string number_text(double value);

class JsonWriter {
 public:
  /// Opens an object or a list; `key` inside objects only.
  JsonWriter& object(std::string_view key = {}) { return open(key, '{'); }
  JsonWriter& list(std::string_view key = {}) { return open(key, '['); }
  /// Closes what was opened last.
  JsonWriter& close();
  /// A line end before the next value, for those who read line by line.
  JsonWriter& line();

  JsonWriter& text(std::string_view key, std::string_view value);
  JsonWriter& text(std::string_view value) { return text({}, value); }
  JsonWriter& whole(std::string_view key, std::uint64_t value);
  JsonWriter& number(std::string_view key, double value);
  JsonWriter& flag(std::string_view key, bool value);
  JsonWriter& null(std::string_view key);
  /// null for an empty text.
  JsonWriter& text_or_null(std::string_view key, std::string_view value);

  /// The text; call once, when all is closed.
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(std::string_view key, char bracket);
  void begin_value(std::string_view key);

  std::string out_, open_;
  bool first_ = true, new_line_ = false;
};

}  // namespace willitrun
