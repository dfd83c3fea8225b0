// JUnit, TAP and HTML, each read by a small strict reader.
#include <algorithm>
#include <array>
#include <regex>
#include <set>
#include <sstream>

#include "support/catch.hpp"
#include "support/outcomes.hpp"
#include "support/xml.hpp"
#include "willitrun/formats.hpp"

using namespace willitrun;
using namespace willitrun::test;

namespace {

std::string written(std::string_view format, std::span<const Outcome> outcomes) {
  auto header = sample_header();
  header.date = "2026-01-31T12:00:00Z";
  return (*find_format(format, Subject::run))->run(outcomes, header, {});
}

std::size_t count(const XmlElement& suite, std::string_view attribute) {
  return std::stoul(suite.attributes.at(std::string(attribute)));
}

/// The rules of junit-10.xsd that concern what is written: which elements and attributes may stand where.
void check_junit(const XmlElement& root, std::size_t cases) {
  const auto allowed = [](const XmlElement& e, const std::set<std::string>& attributes) {
    for (const auto& [key, value] : e.attributes) {
      CAPTURE(e.name, key);
      CHECK(attributes.count(key) == 1);
    }
  };
  REQUIRE(root.name == "testsuites");
  allowed(root, {"name", "time", "tests", "failures", "errors"});
  CHECK(root.all("testcase").size() == cases);
  CHECK(count(root, "tests") == cases);
  CHECK(count(root, "failures") == root.all("failure").size());
  CHECK(count(root, "errors") == root.all("error").size());
  for (const auto& suite : root.children) {
    REQUIRE(suite.name == "testsuite");
    allowed(suite, {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"});
    CHECK(count(suite, "tests") == suite.all("testcase").size());
    CHECK(count(suite, "failures") == suite.all("failure").size());
    CHECK(count(suite, "errors") == suite.all("error").size());
    CHECK(count(suite, "skipped") == suite.all("skipped").size());
    REQUIRE(suite.children.at(0).name == "properties");
    for (std::size_t i = 1; i < suite.children.size(); ++i) {
      const auto& test = suite.children[i];
      REQUIRE(test.name == "testcase");
      allowed(test, {"name", "classname", "time"});
      REQUIRE(test.children.size() <= 1);
      for (const auto& problem : test.children)
        allowed(problem, problem.name == "skipped" ? std::set<std::string>{"message"}
                                                   : std::set<std::string>{"message", "type"});
    }
  }
}

struct TapPoint {
  bool ok = false;
  std::string text, directive;
  std::vector<std::string> yaml;
};

/// TAP 14: version, plan, then points in order, comments, and YAML blocks only after a point.
std::vector<TapPoint> read_tap(const std::string& text) {
  std::istringstream stream(text);
  std::string line;
  REQUIRE(std::getline(stream, line));
  REQUIRE(line == "TAP version 14");
  REQUIRE(std::getline(stream, line));
  const auto planned = std::stoul(line.substr(line.find("..") + 2));
  std::vector<TapPoint> out;
  static const std::regex point("(not )?ok ([0-9]+) - ((?:[^#\\\\]|\\\\[#\\\\])*)(?: # TODO (.*))?");
  static const std::regex member("  [a-z_]+: (?:\"(?:[^\"\\\\]|\\\\[\"\\\\nrt]|\\\\u[0-9a-f]{4})*\"|[0-9]+)");
  while (std::getline(stream, line)) {
    CAPTURE(line);
    std::smatch match;
    if (std::regex_match(line, match, point)) {
      REQUIRE(std::stoul(match[2]) == out.size() + 1);
      out.push_back({!match[1].matched, match[3], match[4], {}});
    } else if (line == "  ---") {
      REQUIRE_FALSE(out.empty());
      while (std::getline(stream, line) && line != "  ...") {
        CHECK(std::regex_match(line, member));
        out.back().yaml.push_back(line);
      }
      REQUIRE(line == "  ...");
    } else {
      CHECK(line.starts_with("# "));
    }
  }
  CHECK(out.size() == planned);
  return out;
}

}  // namespace

TEST_CASE("JUnit keeps to the schema of Jenkins") {
  check_junit(parse_xml(written("junit", sample_run())), 5);
  check_junit(parse_xml(written("junit", hostile_run())), 5);
  check_junit(parse_xml(written("junit", {})), 0);
  const auto root = parse_xml(written("junit", sample_run()));
  REQUIRE(root.children.size() == 2);
  CHECK(root.children[0].attributes.at("name") == "workstation");
  CHECK(root.all("failure")[0]->attributes.at("type") == "device_memory");
  CHECK(root.all("failure")[0]->text.find("\nasked at: ci/models.json:9:5\n") != std::string::npos);
  CHECK(root.all("skipped").size() == 1);
  CHECK(root.all("error").size() == 2);
}

TEST_CASE("hostile text comes back from XML as it went in, as far as XML can hold it") {
  const auto root = parse_xml(written("junit", hostile_run()));
  const auto name = root.all("testcase")[0]->attributes.at("classname");
  CHECK(name.starts_with("\"q\" 'a' ]]> <b>&amp; a,b;c | d %0A::error:: # TODO \\ \r\n--- \t\uFFFD\uFFFD[31m"));
}

TEST_CASE("the XML reader itself refuses what is not well-formed") {
  const std::string head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  for (const auto* bad : {"<a>", "<a></b>", "<a x=\"1\" x=\"2\"/>", "<a>&nope;</a>", "<a>]]></a>", "<a x=\"<\"/>",
                          "<a/><b/>", "<a>\x01</a>", "<a>\xFF</a>"}) {
    CAPTURE(bad);
    CHECK_THROWS(parse_xml(head + bad));
  }
}

TEST_CASE("TAP numbers its points, and a waived one is to do") {
  const auto points = read_tap(written("tap", sample_run()));
  REQUIRE(points.size() == 5);
  CHECK(points[0].ok);
  CHECK(points[0].yaml.empty());
  CHECK_FALSE(points[1].ok);
  CHECK(points[1].yaml[0] == "  message: \"gpu0 needs 41.2 GiB, 11.6 GiB is usable: 29.6 GiB short\"");
  CHECK_FALSE(points[2].ok);
  CHECK(points[2].directive == "the new laptops come in spring");
  CHECK_FALSE(points[3].ok);
  CHECK(points[3].directive.empty());
  const auto hostile = read_tap(written("tap", hostile_run()));
  REQUIRE(hostile.size() == 5);
  CHECK(hostile[1].directive.empty());
  CHECK_FALSE(hostile[2].directive.empty());
  CHECK(read_tap(written("tap", {})).empty());
}

TEST_CASE("the HTML page asks for nothing and closes what it opens") {
  static const std::set<std::string> empty{"meta", "line", "circle", "rect", "polyline", "polygon"};
  static const std::regex tag("<(/?)([a-z][a-z0-9]*)((?:\\s+[a-zA-Z0-9-]+=\"[^\"<]*\")*)\\s*(/?)>");
  auto sweep = sample_run();
  for (const auto& o : sweep_run(6)) sweep.push_back(o);
  for (const auto& run : {sweep, hostile_run(), std::vector<Outcome>{}}) {
    const auto page = written("html", run);
    CHECK(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    for (const auto* word : {"<script", "src=", "href=", "url(", "@import", "http://", "https://"})
      CHECK(page.find(word) == page.npos);
    std::vector<std::string> open;
    const auto body = page.substr(page.find("<html"));
    std::size_t tags = 0;
    for (auto it = std::sregex_iterator(body.begin(), body.end(), tag); it != std::sregex_iterator(); ++it, ++tags) {
      const auto name = (*it)[2].str();
      if ((*it)[1].length() > 0) {
        REQUIRE_FALSE(open.empty());
        CHECK(open.back() == name);
        open.pop_back();
      } else if ((*it)[4].length() == 0 && empty.count(name) == 0) {
        open.push_back(name);
      }
    }
    CHECK(open.empty());
    CHECK(static_cast<std::size_t>(std::count(body.begin(), body.end(), '<')) == tags);
  }
}

TEST_CASE("the HTML page says each verdict in words and draws a curve of three contexts or more") {
  const auto page = written("html", sample_run());
  CHECK(page.find("</span> won't run</span> <span class=\"tag failed\">failed</span>") != page.npos);
  CHECK(page.find("aria-label=\"355 % of usable GPU memory\"") != page.npos);
  CHECK(page.find("<td><span class=\"dim\">not checked</span></td>") != page.npos);
  CHECK(page.find("<svg") == page.npos);
  CHECK(written("html", sweep_run(2)).find("<svg") == std::string::npos);
  const auto curves = written("html", sweep_run(8));
  CHECK(curves.find("<title id=\"memory1\">GPU memory over context: 4.8 GiB at 1024 tokens, 20.7 GiB at 131072;") !=
        curves.npos);
  static const std::regex polyline("<polyline class=\"path\" points=\"([0-9.]+,[0-9.]+ ){7}[0-9.]+,[0-9.]+\"/>");
  CHECK(std::distance(std::sregex_iterator(curves.begin(), curves.end(), polyline), std::sregex_iterator()) == 2);
}
