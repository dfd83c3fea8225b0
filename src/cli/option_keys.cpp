#include "cli/option_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace willitrun::cli {
namespace {

Error bad_key(std::string_view key, std::string_view must_be) {
  return Error{"bad_request", fmt::format("'{}': must be {}", key, must_be)};
}

const OptionRow* row_of(std::string_view key) {
  const auto rows = option_rows();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const OptionRow& r) {
    return std::equal(key.begin(), key.end(), r.name.begin(), r.name.end(),
                      [](char k, char n) { return k == n || (k == '_' && n == '-'); });
  });
  return row == rows.end() ? nullptr : &*row;
}

/// A scalar as it would be typed.
std::optional<std::string> typed(const OptionValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  return std::nullopt;
}

std::optional<Error> set_list(std::string_view key, const std::optional<OptionValue>& value, Options::List& out) {
  const auto* one = value ? std::get_if<std::string>(&*value) : nullptr;
  const auto* list = value ? std::get_if<std::vector<std::string>>(&*value) : nullptr;
  if (one == nullptr && list == nullptr) return bad_key(key, "a string or a list of strings");
  out = one != nullptr ? Options::List{*one} : *list;
  return std::nullopt;
}

struct CodeRow {
  std::string_view code, key;
};
// Lookups do not know by which option they were asked: their errors are told by what was not found.
constexpr std::array codes{CodeRow{"model", "model"},  CodeRow{"gpu", "gpu"},       CodeRow{"cpu", "cpu"},
                           CodeRow{"quant", "quant"},  CodeRow{"cache_type", "kv"}, CodeRow{"tensor_type", "kv"},
                           CodeRow{"engine", "engine"}};

}  // namespace

std::string key_of(std::string_view option_name) {
  std::string key(option_name);
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

std::vector<std::string> option_keys(std::span<const Group> groups) {
  std::vector<std::string> keys;
  const auto has = [&](Group group) { return std::find(groups.begin(), groups.end(), group) != groups.end(); };
  for (const auto& row : option_rows())
    if (has(row.group)) keys.push_back(key_of(row.name));
  if (has(Group::placement)) keys.emplace_back("kv_offload");
  if (has(Group::model)) keys.emplace_back("measured");
  return keys;
}

std::optional<Error> set_option(std::string_view key, const std::optional<OptionValue>& value, Options& options) {
  const auto* truth = value ? std::get_if<bool>(&*value) : nullptr;
  const auto must_be_truth = [&] { return bad_key(key, "true or false"); };
  if (key == "advise" || key == "kv_offload" || key == "measured") {
    if (truth == nullptr) return must_be_truth();
    if (key == "advise") options.advise = *truth;
    if (key == "kv_offload") options.no_kv_offload = !*truth;
    if (key == "measured") options.measured = *truth ? "true" : "false";
    return std::nullopt;
  }
  const auto* row = row_of(key);
  if (row == nullptr) return Error{"bad_request", fmt::format("unknown key '{}'", key)};
  if (const auto* flag = std::get_if<Options::Flag Options::*>(&row->target)) {
    if (truth == nullptr) return must_be_truth();
    options.*(*flag) = *truth;
    return std::nullopt;
  }
  if (const auto* list = std::get_if<Options::List Options::*>(&row->target))
    return set_list(key, value, options.*(*list));
  auto text = value ? typed(*value) : std::nullopt;
  if (!text) return bad_key(key, "a string or a number");
  options.*std::get<Options::Text Options::*>(row->target) = std::move(*text);
  return std::nullopt;
}

void clear_option(std::string_view key, Options& options) {
  if (key == "advise") options.advise = true;
  if (key == "kv_offload") options.no_kv_offload = false;
  if (key == "measured") options.measured.reset();
  if (key == "model") options.model.reset();
  const auto* row = row_of(key);
  if (row == nullptr) return;
  if (const auto* flag = std::get_if<Options::Flag Options::*>(&row->target))
    options.*(*flag) = false;
  else if (const auto* list = std::get_if<Options::List Options::*>(&row->target))
    (options.*(*list)).clear();
  else
    (options.*std::get<Options::Text Options::*>(row->target)).reset();
}

std::string key_at_fault(const Error& error) {
  const std::string_view message = error.message;
  if (message.starts_with("--")) return key_of(message.substr(2, message.find_first_of(" :=") - 2));
  const auto underscore = error.code.find('_');
  const std::string_view rest =
      underscore == std::string::npos ? std::string_view() : std::string_view(error.code).substr(underscore + 1);
  const auto* row = std::find_if(codes.begin(), codes.end(), [&](const CodeRow& r) { return r.code == rest; });
  return row == codes.end() ? std::string() : std::string(row->key);
}

}  // namespace willitrun::cli
