#include "willitrun/table.hpp"

#include "support/catch.hpp"

using namespace willitrun;

namespace {

Table sample() {
  return {{{"NAME"}, {"MEMORY", Align::right}, {"SPEED", Align::right, 1}},
          {{"llama3.1-8b on rtx3060", "5.7 GiB", "55 tok/s"}, {"phi-4", "12 GiB", ""}},
          {}};
}

TextStyle style_of(unsigned width) {
  TextStyle style;
  style.width = width;
  return style;
}

}  // namespace

TEST_CASE("a table is aligned and ends no line in a space") {
  CHECK(to_text(sample(), style_of(80)) ==
        "NAME                     MEMORY     SPEED\n"
        "llama3.1-8b on rtx3060  5.7 GiB  55 tok/s\n"
        "phi-4                    12 GiB\n");
}

TEST_CASE("a narrow table leaves out what it may, then wraps") {
  CHECK(to_text(sample(), style_of(40)) ==
        "NAME                     MEMORY\n"
        "llama3.1-8b on rtx3060  5.7 GiB\n"
        "phi-4                    12 GiB\n");
  CHECK(to_text(sample(), style_of(22)) ==
        "NAME            MEMORY\n"
        "llama3.1-8b    5.7 GiB\n"
        "on rtx3060\n"
        "phi-4           12 GiB\n");
}

TEST_CASE("a word too long for its column breaks after a hyphen, or anywhere") {
  const Table table{{{"NAME"}, {"N"}}, {{"deepseek-coder-v2-lite", "1"}, {"abcdefghijklmno", "2"}}, {}};
  CHECK(to_text(table, style_of(14)) == "NAME         N\ndeepseek-    1\ncoder-v2-\nlite\nabcdefghijk  2\nlmno\n");
}

TEST_CASE("width counts characters, and colour takes none") {
  Table table{{{"A"}, {"B"}}, {{"é", "x"}}, {Color::green}};
  auto style = style_of(80);
  CHECK(to_text(table, style) == "A  B\né  x\n");
  style.color = true;
  CHECK(to_text(table, style) == "\x1b[1mA\x1b[0m  B\n\x1b[32mé\x1b[0m  x\n");
}

TEST_CASE("cells cannot leave their place in any form") {
  const Table table{{{"a"}, {"b"}}, {{"x|y\n\x1b[31m\"z\"", "1,\t2\\"}}, {}};
  CHECK(to_text(table, style_of(80)) == "a             b\nx|y \xEF\xBF\xBD[31m\"z\"  1, 2\\\n");
  CHECK(to_csv(table) == "a,b\n\"x|y\n\xEF\xBF\xBD[31m\"\"z\"\"\",\"1,\t2\\\"\n");
  CHECK(to_tsv(table) == "x|y\\n\xEF\xBF\xBD[31m\"z\"\t1,\\t2\\\\\n");
  // A pattern stays as a shell takes it; what would be read as a tab does not.
  CHECK(to_tsv(Table{{{"a"}}, {{"blk\\.(1|2)", "\\t"}}, {}}) == "blk\\.(1|2)\t\\\\t\n");
  CHECK(to_markdown(table) == "| a | b |\n| --- | --- |\n| x&#124;y \xEF\xBF\xBD\\[31m\"z\" | 1, 2\\\\ |\n");
}
