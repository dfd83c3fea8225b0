#include "willitrun/json_reader.hpp"

#include "support/catch.hpp"
#include "willitrun/json_fields.hpp"

using namespace willitrun;

namespace {

JsonValue parsed(std::string_view text) {
  auto value = JsonValue::parse(text, "spec.json");
  INFO((value ? "" : value.error().message));
  REQUIRE(value);
  return *value;
}

std::string problem(std::string_view text) {
  const auto value = JsonValue::parse(text, "spec.json");
  return value ? "" : value.error().message;
}

std::string count_problem(std::string_view number) {
  const auto value = parsed("{\"n\": " + std::string(number) + "}").find("n")->count(1);
  return value ? "" : value.error().message;
}

}  // namespace

TEST_CASE("values come as they are written") {
  const auto root = parsed(R"({"a": [1, -2, 2.5, true, null], // comment
                              "b": {"c": "d\u00e9\"" /* another */}})");
  const auto a = root.find("a")->children();
  REQUIRE(a.size() == 5);
  CHECK(*a[0].count() == 1);
  CHECK(*a[1].integer() == -2);
  CHECK(*a[2].number() == 2.5);
  CHECK(*a[3].flag());
  CHECK(a[4].is(JsonKind::null));
  CHECK(*root.find("b")->find("c")->text() == "d\xC3\xA9\"");
  CHECK(root.find("b")->find("c")->path() == "/b/c");
  CHECK(a[3].path() == "/a/3");
  CHECK(root.children()[1].key() == "b");
  CHECK_FALSE(root.find("x"));
}

TEST_CASE("whole numbers are exact or refused") {
  CHECK(*parsed("18446744073709551615").count() == UINT64_MAX);
  CHECK(*parsed("1e3").count() == 1000);
  CHECK(*parsed("-9223372036854775808").integer() == INT64_MIN);
  CHECK(count_problem("-1") == "spec.json:1:7: /n: must be a whole number >= 1, is -1");
  CHECK(count_problem("1.9") == "spec.json:1:7: /n: must be a whole number >= 1, is 1.9");
  CHECK(count_problem("0") == "spec.json:1:7: /n: must be a whole number >= 1, is 0");
  CHECK(count_problem("18446744073709551616") ==
        "spec.json:1:7: /n: must be a whole number >= 1, is 1.8446744073709552e+19");
  CHECK(count_problem("\"7\"") == "spec.json:1:7: /n: must be a whole number >= 1, is '7'");
  CHECK(count_problem("true") == "spec.json:1:7: /n: must be a whole number >= 1, is true");
  CHECK(count_problem("[1]") == "spec.json:1:7: /n: must be a whole number >= 1, is an array");
  CHECK(parsed("300").count(0, 255).error().message == "spec.json:1:1: must be a whole number from 0 to 255, is 300");
  CHECK_FALSE(parsed("9223372036854775808").integer());
  CHECK_FALSE(parsed("1").flag());
  CHECK_FALSE(parsed("1").text());
  CHECK_FALSE(parsed("\"1\"").number());
}

TEST_CASE("errors name line, column and path") {
  const auto root = parsed("{\n  \"tables\": [\n    {\"a/b~\": \"x\\\"y\", \"rows\": -1}]\n}");
  const auto table = root.find("tables")->children()[0];
  CHECK(table.find("rows")->count(1).error().message ==
        "spec.json:3:30: /tables/0/rows: must be a whole number >= 1, is -1");
  CHECK(table.find("a/b~")->count().error().message ==
        "spec.json:3:14: /tables/0/a~1b~0: must be a whole number >= 0, is 'x\"y'");
  CHECK(table.error("is odd").message == "spec.json:3:5: /tables/0: is odd");
  CHECK(root.error("is odd").message == "spec.json:1:1: is odd");
}

TEST_CASE("what is not JSON is refused where it stops being JSON") {
  CHECK(problem("") == "spec.json: is empty");
  CHECK(problem(" \n ") == "spec.json: is empty");
  CHECK(problem("{\"a\": }").find("spec.json:1:7: not valid JSON: syntax error") == 0);
  CHECK(problem("{\"a\": 1").find("spec.json:1:7: not valid JSON: syntax error") == 0);
  CHECK(problem("{} {}").find("spec.json:1:4: not valid JSON: syntax error") == 0);
  CHECK(problem("[1e999]") == "spec.json:1:7: not valid JSON: number out of range");
  CHECK(problem("nul") == "spec.json:1:3: not valid JSON: syntax error while parsing value - invalid literal");
  CHECK(problem("{'a': 1}").find("spec.json:1:2: not valid JSON") == 0);
}

TEST_CASE("duplicate keys are refused") {
  CHECK(problem("{\"a\": 1,\n \"a\": 2}") == "spec.json:2:2: key 'a' is there twice");
  CHECK(problem("{\"t\": [{\"a\": 1, \"b\": 2, \"a\": 3}]}") == "spec.json:1:25: /t/0: key 'a' is there twice");
  CHECK(problem("{\"a\": 1, \"\\u0061\": 2}") == "spec.json:1:10: key 'a' is there twice");
  CHECK(problem("{\"a\": {\"a\": 1}, \"b\": {\"a\": 1}}").empty());
}

TEST_CASE("deep nesting is refused and does not exhaust the stack") {
  CHECK(problem(std::string(64, '[') + std::string(64, ']')).empty());
  CHECK(problem(std::string(65, '[') + std::string(65, ']')) == "spec.json:1:65: nested more than 64 deep");
  CHECK(problem(std::string(1'000'000, '[')) == "spec.json:1:65: nested more than 64 deep");
}

TEST_CASE("invalid UTF-8 and oversized input are refused before parsing") {
  CHECK(problem("{\"a\":\n \"\xFF\"}") == "spec.json:2:3: not valid UTF-8");
  CHECK(problem(std::string((16 << 20) + 1, ' ')) ==
        "spec.json: has 16,777,217 bytes, more than the 16,777,216 that are read");
  std::string many = "[0";
  for (int i = 0; i < 1'000'000; ++i) many += ",0";
  CHECK(problem(many + "]").find("more than 1,000,000 values") != std::string::npos);
}

TEST_CASE("unknown keys are errors with near misses, and come before missing ones") {
  const auto root = parsed("{\"rws\": 10}");
  JsonFields fields(root);
  CHECK_FALSE(fields.required("rows"));
  REQUIRE(fields.finish());
  CHECK(fields.finish()->message == "spec.json:1:9: /rws: unknown key 'rws'; did you mean rows?");
  CHECK(fields.finish()->suggestions == std::vector<std::string>{"rows"});

  JsonFields missing(parsed("{}"));
  CHECK_FALSE(missing.required("rows"));
  CHECK(missing.finish()->message == "spec.json:1:1: 'rows' is missing");

  JsonFields wrong(parsed("[1]"));
  CHECK(wrong.finish()->message == "spec.json:1:1: must be an object, is an array");

  JsonFields good(parsed("{\"a\": 1, \"b\": \"x\", \"c\": true, \"d\": null}"));
  CHECK(good.count("a", 0, 9, 5) == 1);
  CHECK(good.count("z", 0, 9, 5) == 5);
  CHECK(good.text("b", "y") == "x");
  CHECK(good.flag("c", false));
  CHECK(good.text("d", "default") == "default");
  CHECK_FALSE(good.finish());
}

TEST_CASE("every value knows its line and column, and a comma too many is named") {
  const auto root = parsed("{ // first\n  \"a\": [1,\n    {\"b\": \"\xC3\xA9\"}]\n}");
  CHECK(root.place().line == 1);
  CHECK(root.place().column == 1);
  const auto b = *root.find("a")->children()[1].find("b");
  CHECK(b.place().line == 3);
  CHECK(b.place().column == 11);
  const auto parts = parts_of(b.mismatch("a number"), "spec.json");
  CHECK(parts.place.line == 3);
  CHECK(parts.place.column == 11);
  CHECK(parts.path == "/a/1/b");
  CHECK(parts.message == "must be a number, is '\xC3\xA9'");
  CHECK(problem("{\"a\": 1,\n}") == "spec.json:1:8: not valid JSON: a comma with nothing after it");
  CHECK(problem("[1, 2 , ]") == "spec.json:1:7: not valid JSON: a comma with nothing after it");
  CHECK(parts_of(Error{"unreadable", "spec.json: No such file"}, "spec.json").message == "No such file");
}
