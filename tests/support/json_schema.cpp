#include "support/json_schema.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "willitrun/schema.hpp"

namespace willitrun::test {
namespace {

using Json = nlohmann::json;

bool is_type(const Json& value, const std::string& type) {
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  return type == "null" && value.is_null();
}

class Validator {
 public:
  Validator(const Json& root, bool closed) : root_(root), closed_(closed) {}

  void check(const Json& value, const Json& schema, const std::string& path) {
    for (const auto& [keyword, rule] : schema.items()) check(value, schema, keyword, rule, path);
    if (value.is_object() && closed_ && schema.contains("properties") && !schema.contains("additionalProperties"))
      forbid_others(value, schema, path);
  }
  std::vector<std::string> problems;

 private:
  void add(const std::string& path, const std::string& what) { problems.push_back(path + ": " + what); }

  void forbid_others(const Json& value, const Json& schema, const std::string& path) {
    for (const auto& [key, member] : value.items())
      if (!schema.at("properties").contains(key)) add(path + "/" + key, "is in no schema");
  }

  void check(const Json& value, const Json& schema, const std::string& keyword, const Json& rule,
             const std::string& path) {
    if (keyword == "type") {
      const auto types = rule.is_array() ? rule : Json::array({rule});
      if (std::none_of(types.begin(), types.end(), [&](const Json& t) { return is_type(value, t); }))
        add(path, "is no " + rule.dump());
    } else if (keyword == "enum") {
      if (std::find(rule.begin(), rule.end(), value) == rule.end()) add(path, "is none of " + rule.dump());
    } else if (keyword == "const") {
      if (value != rule) add(path, "is not " + rule.dump());
    } else if (keyword == "$ref") {
      check(value, root_.at(Json::json_pointer(rule.get<std::string>().substr(1))), path);
    } else if (keyword == "anyOf") {
      check_any(value, rule, path);
    } else if (keyword == "items") {
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i)
        check(value[i], rule, path + "/" + std::to_string(i));
    } else if (value.is_object()) {
      check_members(value, schema, keyword, rule, path);
    }
  }

  void check_any(const Json& value, const Json& choices, const std::string& path) {
    std::vector<std::string> last;
    for (const auto& choice : choices) {
      Validator inner(root_, closed_);
      inner.check(value, choice, path);
      if (inner.problems.empty()) return;
      last = inner.problems;
    }
    problems.insert(problems.end(), last.begin(), last.end());
  }

  void check_members(const Json& value, const Json& schema, const std::string& keyword, const Json& rule,
                     const std::string& path) {
    if (keyword == "required") {
      for (const auto& key : rule)
        if (!value.contains(key.get<std::string>())) add(path, "lacks " + key.dump());
    } else if (keyword == "properties") {
      for (const auto& [key, inner] : rule.items())
        if (value.contains(key)) check(value.at(key), inner, path + "/" + key);
    } else if (keyword == "additionalProperties") {
      if (rule == false) forbid_others(value, schema, path);
      for (const auto& [key, member] : value.items())
        if (rule.is_object() && !schema.value("properties", Json::object()).contains(key))
          check(member, rule, path + "/" + key);
    } else if (keyword != "title" && keyword != "description" && !keyword.starts_with("$")) {
      add(path, "the schema has an unknown keyword " + keyword);
    }
  }

  const Json& root_;
  bool closed_;
};

}  // namespace

std::vector<std::string> schema_problems(std::string_view document, std::string_view schema,
                                         std::string_view definition, bool closed) {
  const auto value = Json::parse(document, nullptr, false);
  if (value.is_discarded()) return {"not JSON"};
  for (const auto& row : schemas()) {
    if (row.name != schema) continue;
    const auto root = Json::parse(row.json);
    Validator validator(root, closed);
    validator.check(value, definition.empty() ? root : root.at("$defs").at(std::string(definition)), "");
    return validator.problems;
  }
  return {"no schema of that name"};
}

}  // namespace willitrun::test
