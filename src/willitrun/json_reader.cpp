#include "willitrun/json_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "willitrun/units.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

constexpr int number_overflow = 406;  // nlohmann's json.exception.out_of_range.406

// "spec.json:3:12" for a byte of the text; columns count bytes.
std::string place_of(std::string_view what, std::string_view text, std::size_t at) {
  const auto before = text.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto newline = before.rfind('\n');
  return fmt::format("{}:{}:{}", what, line, newline == std::string_view::npos ? at + 1 : at - newline);
}

// Iterates over a text and tells how far the parser has come, which its events do not.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *seen_ = ++at_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** seen_;
};

}  // namespace

// Receives nlohmann's parse events; a handler that returns false ends the parse.
class JsonTreeBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonTreeBuilder(std::string_view text, std::string_view what) : tree_(std::make_shared<JsonValue::Tree>()) {
    tree_->what = what;
    tree_->text = text;
    seen_ = tree_->text.data();
  }

  Result<JsonValue> run() {
    const char* begin = tree_->text.data();
    const char* end = begin + tree_->text.size();
    const bool good = nlohmann::json::sax_parse(CountingIterator(begin, &seen_), CountingIterator(end, &seen_), this,
                                                nlohmann::json::input_format_t::json, true, true);
    if (good) {
      note_lines();
      return JsonValue(tree_, 0);
    }
    return error_.value_or(Error{"bad_json", tree_->what + ": not valid JSON"});
  }

  bool null() override { return add(JsonKind::null, 0, word_start()); }
  bool boolean(bool value) override { return add(JsonKind::boolean, value ? 1 : 0, word_start()); }
  bool number_integer(number_integer_t value) override {
    const bool good = number_unsigned(std::uint64_t{0} - static_cast<std::uint64_t>(value));
    if (good) tree_->nodes.back().negative = true;
    return good;
  }
  bool number_unsigned(number_unsigned_t value) override { return add(JsonKind::whole, value, word_start()); }
  bool number_float(number_float_t value, const string_t&) override {
    return add(JsonKind::real, std::bit_cast<std::uint64_t>(value), word_start());
  }
  bool string(string_t& value) override {
    if (!add(JsonKind::text, 0, string_start())) return false;
    tree_->nodes.back().text = std::move(value);
    return true;
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(JsonKind::object); }
  bool start_array(std::size_t) override { return open(JsonKind::array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    if (!open_.back().keys.insert(value).second) return refuse(string_start(), duplicate(value));
    key_ = std::move(value);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& problem) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 7: syntax error ...; last read: '<any length>'"
    std::string_view message = problem.what();
    if (problem.id == number_overflow) message = "number out of range";
    if (const auto colon = message.find(": "); colon != std::string_view::npos) message.remove_prefix(colon + 2);
    message = message.substr(0, message.find("; last read"));
    const auto at = std::max<std::size_t>(1, offset()) - 1;
    if (const auto comma = comma_before_end(at)) return refuse(*comma, "not valid JSON: a comma with nothing after it");
    return refuse(at, fmt::format("not valid JSON: {}", message));
  }

 private:
  struct Open {
    std::uint32_t index;
    std::set<std::string> keys;
  };

  [[nodiscard]] std::size_t offset() const { return static_cast<std::size_t>(seen_ - tree_->text.data()); }

  // Where the number or word starts that the parser just left; it reads one character beyond a number.
  [[nodiscard]] std::size_t word_start() const {
    const auto is_word = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+' || c == '.';
    };
    const auto& text = tree_->text;
    auto at = offset();
    if (at > 0 && !is_word(text[at - 1])) --at;
    while (at > 0 && is_word(text[at - 1])) --at;
    return at;
  }

  // The opening quote of the string whose closing quote was just read: the last one without an escape before it.
  [[nodiscard]] std::size_t string_start() const {
    const auto& text = tree_->text;
    auto at = offset() - 1;
    while (at > 0) {
      at = text.rfind('"', at - 1);
      if (at == std::string::npos) return 0;
      std::size_t backslashes = 0;
      while (backslashes < at && text[at - 1 - backslashes] == '\\') ++backslashes;
      if (backslashes % 2 == 0) return at;
    }
    return at;
  }

  // The habit from other languages: [1, 2,].
  [[nodiscard]] std::optional<std::size_t> comma_before_end(std::size_t at) const {
    const std::string_view text = tree_->text;
    if (at == 0 || at >= text.size() || (text[at] != '}' && text[at] != ']')) return std::nullopt;
    const auto last = text.find_last_not_of(" \t\r\n", at - 1);
    return last != text.npos && text[last] == ',' ? std::optional(last) : std::nullopt;
  }

  void note_lines() {
    auto& lines = tree_->lines;
    lines.push_back(0);
    for (auto at = tree_->text.find('\n'); at != std::string::npos; at = tree_->text.find('\n', at + 1))
      lines.push_back(static_cast<std::uint32_t>(at + 1));
  }

  bool refuse(std::size_t at, std::string_view message) {
    if (!error_) error_ = Error{"bad_json", fmt::format("{}: {}", place_of(tree_->what, tree_->text, at), message)};
    return false;
  }

  [[nodiscard]] std::string duplicate(std::string_view key) const {
    const auto path = JsonValue(tree_, open_.back().index).path();
    return fmt::format("{}{}key {} is there twice", path, path.empty() ? "" : ": ", in_quotes(key));
  }

  bool add(JsonKind kind, std::uint64_t bits, std::size_t place) {
    auto& nodes = tree_->nodes;
    if (nodes.size() == max_json_values)
      return refuse(place, fmt::format("more than {} values", format_grouped(max_json_values)));
    const auto index = static_cast<std::uint32_t>(nodes.size());
    JsonValue::Node node;
    node.kind = kind;
    node.bits = bits;
    node.place = static_cast<std::uint32_t>(place);
    node.key = std::move(key_);
    key_.clear();
    if (!open_.empty()) {
      auto& parent = nodes[open_.back().index];
      node.parent = open_.back().index;
      if (parent.first == 0) {
        parent.first = index;
      } else {
        nodes[parent.last].next = index;
        node.position = nodes[parent.last].position + 1;
      }
      parent.last = index;
    }
    nodes.push_back(std::move(node));
    return true;
  }

  bool open(JsonKind kind) {
    if (open_.size() == max_json_depth)
      return refuse(offset() - 1, fmt::format("nested more than {} deep", max_json_depth));
    if (!add(kind, 0, offset() - 1)) return false;
    open_.push_back({static_cast<std::uint32_t>(tree_->nodes.size() - 1), {}});
    return true;
  }
  bool close() {
    tree_->nodes[open_.back().index].end = static_cast<std::uint32_t>(offset());
    open_.pop_back();
    return true;
  }

  std::shared_ptr<JsonValue::Tree> tree_;
  const char* seen_ = nullptr;
  std::string key_;
  std::vector<Open> open_;
  std::optional<Error> error_;
};

Result<JsonValue> JsonValue::parse(std::string_view text, std::string_view what) {
  if (text.size() > max_json_bytes)
    return Error{"bad_json", fmt::format("{}: has {} bytes, more than the {} that are read", what,
                                         format_grouped(text.size()), format_grouped(max_json_bytes))};
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return Error{"bad_json", fmt::format("{}: is empty", what)};
  if (const auto at = valid_utf8_prefix(text); at < text.size())
    return Error{"bad_json", fmt::format("{}: not valid UTF-8", place_of(what, text, at))};
  return JsonTreeBuilder(text, what).run();
}

JsonKind JsonValue::kind() const { return node().kind; }
std::string_view JsonValue::key() const { return node().key; }

std::vector<JsonValue> JsonValue::children() const {
  std::vector<JsonValue> out;
  for (auto i = node().first; i != 0; i = tree_->nodes[i].next) out.push_back(JsonValue(tree_, i));
  return out;
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  if (!is(JsonKind::object)) return std::nullopt;
  for (auto i = node().first; i != 0; i = tree_->nodes[i].next)
    if (tree_->nodes[i].key == key) return JsonValue(tree_, i);
  return std::nullopt;
}

Result<std::uint64_t> JsonValue::count(std::uint64_t min, std::uint64_t max) const {
  std::optional<std::uint64_t> value;
  if (is(JsonKind::whole) && !node().negative) value = node().bits;
  if (is(JsonKind::real)) {
    // Up to 2^53 a double holds every whole number, so none was rounded into it.
    const auto real = std::bit_cast<double>(node().bits);
    if (real >= 0 && real <= 0x1p53 && std::floor(real) == real) value = static_cast<std::uint64_t>(real);
  }
  if (value && *value >= min && *value <= max) return *value;
  return mismatch(max == UINT64_MAX ? fmt::format("a whole number >= {}", min)
                                    : fmt::format("a whole number from {} to {}", min, max));
}

Result<std::int64_t> JsonValue::integer() const {
  if (is(JsonKind::whole) && node().negative && node().bits <= std::uint64_t{1} << 63)
    return static_cast<std::int64_t>(std::uint64_t{0} - node().bits);
  const auto value = count(0, INT64_MAX);
  if (!value) return mismatch("a whole number");
  return static_cast<std::int64_t>(*value);
}

Result<double> JsonValue::number() const {
  if (is(JsonKind::real)) return std::bit_cast<double>(node().bits);
  if (!is(JsonKind::whole)) return mismatch("a number");
  const auto magnitude = static_cast<double>(node().bits);
  return node().negative ? -magnitude : magnitude;
}

Result<bool> JsonValue::flag() const {
  if (!is(JsonKind::boolean)) return mismatch("true or false");
  return node().bits == 1;
}

Result<std::string> JsonValue::text() const {
  if (!is(JsonKind::text)) return mismatch("text in quotes");
  return node().text;
}

std::string JsonValue::shown() const {
  switch (kind()) {
    case JsonKind::null: return "null";
    case JsonKind::boolean: return node().bits == 1 ? "true" : "false";
    case JsonKind::whole: return fmt::format("{}{}", node().negative ? "-" : "", node().bits);
    case JsonKind::real: return fmt::format("{}", std::bit_cast<double>(node().bits));
    case JsonKind::text: return in_quotes(node().text);
    case JsonKind::array: return "an array";
    case JsonKind::object: return "an object";
  }
  return {};
}

std::string JsonValue::path() const {
  std::string out;
  for (auto i = index_; i != 0; i = tree_->nodes[i].parent) {
    const auto& at = tree_->nodes[i];
    std::string step;
    if (tree_->nodes[at.parent].kind == JsonKind::array) {
      step = std::to_string(at.position);
    } else {
      const auto name = in_quotes(at.key);
      for (const char c : std::string_view(name).substr(1, name.size() - 2))
        step += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    }
    out.insert(0, fmt::format("/{}", step));
  }
  return out;
}

JsonPlace JsonValue::place() const {
  const auto at = node().place;
  const auto& lines = tree_->lines;
  const auto line = std::upper_bound(lines.begin(), lines.end(), at) - lines.begin();
  return {static_cast<std::uint32_t>(line), at - lines[static_cast<std::size_t>(line) - 1] + 1};
}

std::string_view JsonValue::source() const {
  const std::string_view text = tree_->text;
  return node().end == 0 ? std::string_view() : text.substr(node().place, node().end - node().place);
}

Error JsonValue::error(std::string_view message) const {
  const auto where = path();
  const auto [line, column] = place();
  return Error{"bad_json",
               fmt::format("{}:{}:{}: {}{}{}", tree_->what, line, column, where, where.empty() ? "" : ": ", message)};
}

JsonProblem parts_of(const Error& error, std::string_view what) {
  JsonProblem out;
  std::string_view rest = error.message;
  rest.remove_prefix(std::min(rest.size(), what.size() + 1));
  const auto read = [&rest](std::uint32_t& number) {
    const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (code != std::errc()) return;
    rest.remove_prefix(std::min(rest.size(), static_cast<std::size_t>(end - rest.data()) + 1));
  };
  read(out.place.line);
  read(out.place.column);
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  if (rest.starts_with('/')) {
    out.path = rest.substr(0, rest.find(": "));
    rest.remove_prefix(std::min(rest.size(), out.path.size() + 2));
  }
  out.message = rest;
  return out;
}

Error JsonValue::mismatch(std::string_view expected) const {
  return error(fmt::format("must be {}, is {}", expected, shown()));
}

}  // namespace willitrun
