#include "willitrun/json_writer.hpp"

#include <fmt/format.h>

#include <cmath>

#include "willitrun/escape.hpp"

namespace willitrun {

std::string number_text(double value) {
  return std::isfinite(value) ? fmt::format("{}", std::round(value * 1000) / 1000) : "null";
}

void JsonWriter::begin_value(std::string_view key) {
  if (!first_) out_ += ',';
  first_ = false;
  if (new_line_) out_ += '\n';
  new_line_ = false;
  if (!key.empty()) (out_ += json_quoted(key)) += ':';
}

JsonWriter& JsonWriter::open(std::string_view key, char bracket) {
  begin_value(key);
  out_ += bracket;
  open_ += bracket == '{' ? '}' : ']';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close() {
  if (new_line_) out_ += '\n';
  new_line_ = false;
  out_ += open_.back();
  open_.pop_back();
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::line() {
  new_line_ = true;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view key, std::string_view value) {
  begin_value(key);
  out_ += json_quoted(value);
  return *this;
}

JsonWriter& JsonWriter::whole(std::string_view key, std::uint64_t value) {
  begin_value(key);
  out_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::number(std::string_view key, double value) {
  begin_value(key);
  out_ += number_text(value);
  return *this;
}

JsonWriter& JsonWriter::flag(std::string_view key, bool value) {
  begin_value(key);
  out_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null(std::string_view key) {
  begin_value(key);
  out_ += "null";
  return *this;
}

JsonWriter& JsonWriter::text_or_null(std::string_view key, std::string_view value) {
  return value.empty() ? null(key) : text(key, value);
}

}  // namespace willitrun
