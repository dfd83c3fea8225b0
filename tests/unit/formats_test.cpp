#include "willitrun/formats.hpp"

#include <set>

#include "support/catch.hpp"
#include "support/outcomes.hpp"
#include "willitrun/utf8.hpp"

using namespace willitrun;
using namespace willitrun::test;

namespace {

std::string written(std::string_view format, std::span<const Outcome> outcomes, unsigned width = 80) {
  TextStyle style;
  style.width = width;
  return (*find_format(format, Subject::run))->run(outcomes, sample_header(), style);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    out.push_back(text.substr(at, end - at));
    at = end == text.npos ? text.size() : end + 1;
  }
  return out;
}

/// A small strict reader of RFC 4180.
std::vector<std::vector<std::string>> read_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows{{""}};
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto& field = rows.back().back();
    if (quoted) {
      if (text[i] != '"')
        field += text[i];
      else if (i + 1 < text.size() && text[i + 1] == '"')
        field += text[i++];
      else
        quoted = false;
    } else if (text[i] == '"') {
      REQUIRE(field.empty());
      quoted = true;
    } else if (text[i] == ',') {
      rows.back().emplace_back();
    } else if (text[i] == '\n') {
      rows.push_back({""});
    } else {
      field += text[i];
    }
  }
  REQUIRE_FALSE(quoted);
  REQUIRE(rows.back() == std::vector<std::string>{""});
  rows.pop_back();
  return rows;
}

}  // namespace

TEST_CASE("every format has a name of its own and writes runs; those for one verdict write fields too") {
  std::set<std::string_view> names;
  for (const auto& format : formats()) {
    CAPTURE(format.name);
    CHECK(names.insert(format.name).second);
    CHECK(format.run != nullptr);
    CHECK((format.report == nullptr) == (format.fields == nullptr));
    CHECK_FALSE(format.what.empty());
  }
}

TEST_CASE("an unknown format names the nearest, one for runs alone what else there is") {
  CHECK(find_format("jnuit", Subject::run).error().suggestions == std::vector<std::string>{"junit"});
  CHECK(find_format("sarif", Subject::report).error().message ==
        "--format sarif: is for a run of checks; here it must be one of text, json, ndjson, csv, md");
  CHECK((*find_format("md", Subject::report))->name == "md");
}

TEST_CASE("every format writes valid UTF-8 without control characters, whatever comes in") {
  auto header = sample_header();
  header.title = header.tool_version = header.catalog_version = header.date = hostile_text();
  for (const auto& format : formats()) {
    CAPTURE(format.name);
    const auto text = format.run(hostile_run(), header, {});
    CHECK(is_valid_utf8(text));
    CHECK(text.ends_with('\n'));
    for (const char c : text) {
      const bool blank = c == '\n' || ((c == '\r' || c == '\t') && format.name == "csv");
      if (static_cast<unsigned char>(c) < 0x20 && !blank) FAIL("control character " << int{c});
      if (c == 0x7f) FAIL("DEL");
    }
  }
}

TEST_CASE("the same run gives the same bytes, and no run is one too") {
  for (const auto& format : formats()) {
    CAPTURE(format.name);
    CHECK(format.run(sample_run(), sample_header(), {}) == format.run(sample_run(), sample_header(), {}));
    CHECK(format.run({}, sample_header(), {}).empty() == (format.name == "ndjson"));
  }
}

TEST_CASE("text fits its width and says why and where") {
  for (const unsigned width : {60U, 80U}) {
    const auto text = written("text", sample_run(), width);
    for (const auto& line : lines_of(text)) {
      CAPTURE(line);
      CHECK(line.size() <= width);
      CHECK_FALSE(line.ends_with(' '));
    }
    CHECK(text.find("(ci/models.json:9:5)\n") != text.npos);
    CHECK(text.ends_with("\n5 checks: 1 passed, 1 failed, 1 waived, 1 unknown, 1 error\n"));
  }
  CHECK(written("text", {}) == "ci/models.json\n\n0 checks\n");
}

TEST_CASE("CSV has a header, as many fields in each row, and gives back what went in") {
  const auto rows = read_csv(written("csv", sample_run()));
  REQUIRE(rows.size() == 6);
  for (const auto& row : rows) CHECK(row.size() == rows[0].size());
  const auto field = [&](std::size_t row, std::string_view name) {
    const auto at = std::find(rows[0].begin(), rows[0].end(), name);
    REQUIRE(at != rows[0].end());
    return rows[row][static_cast<std::size_t>(at - rows[0].begin())];
  };
  CHECK(field(1, "gpu_bytes") == "6118971776");
  CHECK(field(1, "decode_tokens_per_s_mid") == "55.347");
  CHECK(field(2, "message") == "gpu0 needs 41.2 GiB, 11.6 GiB is usable: 29.6 GiB short");
  CHECK(field(2, "decode_tokens_per_s_mid").empty());
  CHECK(field(3, "waiver") == "the new laptops come in spring");
  CHECK(field(5, "verdict").empty());
  CHECK(field(5, "total_bytes").empty());
  CHECK(field(5, "column").empty());

  const auto hostile = read_csv(written("csv", hostile_run()));
  REQUIRE(hostile.size() == 6);
  for (const auto& row : hostile) CHECK(row.size() == rows[0].size());
  CHECK(hostile[1][1].starts_with("\"q\" 'a' ]]> <b>&amp; a,b;c | d %0A::error:: # TODO \\ \r\n--- \t"));
}

TEST_CASE("Markdown tables have as many cells in each row, even of hostile text") {
  for (const auto& run : {sample_run(), hostile_run()})
    for (const auto& line : lines_of(written("md", run)))
      if (line.starts_with('|')) CHECK(std::count(line.begin(), line.end(), '|') == 9);
}

TEST_CASE("workflow commands stay one to a line and ten to a kind") {
  CHECK(lines_of(written("github", sample_run()))[0] ==
        "::error file=ci/models.json,line=9,col=5,title=llama3.1-70b on workstation::gpu0 needs 41.2 GiB, 11.6 GiB is "
        "usable: 29.6 GiB short");
  std::vector<Outcome> many;
  for (int i = 0; i < 30; ++i)
    for (const auto& o : sample_run()) many.push_back(o);
  const auto lines = lines_of(written("github", many));
  const auto of = [&](std::string_view kind) {
    return std::count_if(lines.begin(), lines.end(), [&](const auto& line) { return line.starts_with(kind); });
  };
  CHECK(of("::error ") == 10);
  CHECK(of("::warning ") == 10);
  CHECK(of("::notice ") == 10);
  CHECK(lines[lines.size() - 2] == "::notice title=willitrun::91 more did not pass or are waived");

  const auto hostile = lines_of(written("github", hostile_run()));
  REQUIRE(hostile.size() == 5);
  for (std::size_t i = 0; i + 1 < hostile.size(); ++i) {
    CHECK(hostile[i].find("%250A%3A%3Aerror%3A%3A # TODO \\ %0D%0A--- ") != std::string::npos);
    CHECK(hostile[i].find("a%2Cb;c") != std::string::npos);
  }
}

TEST_CASE("the step summary puts problems first and keeps to its limit") {
  const auto whole = step_summary(sample_run(), sample_header());
  CHECK(whole.find("llama3.1-70b") < whole.find("<details><summary>1 passed</summary>"));
  std::vector<Outcome> many(500, sample_run()[1]);
  const auto cut = step_summary(many, sample_header(), 10'000);
  CHECK(cut.size() <= 10'000);
  const auto shown = static_cast<std::size_t>(std::count(cut.begin(), cut.end(), '|')) / 9 - 2;
  CHECK(cut.find("\n" + std::to_string(500 - shown) + " more left out for length.\n") != cut.npos);
}
