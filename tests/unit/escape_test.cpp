#include "willitrun/escape.hpp"

#include "support/catch.hpp"
#include "willitrun/utf8.hpp"

using namespace willitrun;

TEST_CASE("characters are read as Unicode writes them") {
  CHECK(first_character("a").code_point == U'a');
  CHECK(first_character("é").code_point == 0xE9);
  CHECK(first_character("€uro").code_point == 0x20AC);
  CHECK(first_character("😀").code_point == 0x1F600);
  CHECK(first_character("😀").length == 4);
  CHECK(first_character("\xC0\xAF").length == 0);
  CHECK(first_character("\xED\xA0\x80").length == 0);
}

TEST_CASE("text becomes one harmless line") {
  CHECK(one_line("a\r\nb\tc") == "a  b c");
  CHECK(one_line("\x1b[2J\x7f\xC2\x9B\xFF") == "\uFFFD[2J\uFFFD\uFFFD\uFFFD");
}

TEST_CASE("JSON strings") {
  CHECK(json_quoted("a\"b\\c/\n\t\r\x01") == R"("a\"b\\c/\n\t\r\u0001")");
  CHECK(json_quoted("\x7f\xC2\x85\u2028\uFFFF") == R"("\u007f\u0085\u2028\uffff")");
  CHECK(json_quoted("é😀\xC3") == "\"é😀\uFFFD\"");
}

TEST_CASE("XML text and attributes") {
  CHECK(xml_escaped("<a b=\"c\" d='e'>&]]>") == "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;]]&gt;");
  CHECK(xml_escaped(std::string_view("1\n2\t3\0\x0C\uFFFE", 10)) == "1&#10;2&#9;3\uFFFD\uFFFD\uFFFD");
}

TEST_CASE("CSV fields are quoted where they have to be") {
  CHECK(csv_field("plain text") == "plain text");
  CHECK(csv_field("a,b") == "\"a,b\"");
  CHECK(csv_field("say \"hi\"") == "\"say \"\"hi\"\"\"");
  CHECK(csv_field("two\nlines") == "\"two\nlines\"");
  CHECK(csv_field(" padded") == "\" padded\"");
  CHECK(csv_field("\x1b") == "\uFFFD");
  CHECK(csv_field("").empty());
}

TEST_CASE("Markdown cells hold no markup") {
  CHECK(markdown_cell("a|b\\|c") == "a&#124;b\\\\&#124;c");
  CHECK(markdown_cell("<img src=x> & *bold* `code` [a](b)") == "&lt;img src=x> &amp; \\*bold\\* \\`code\\` \\[a\\](b)");
  CHECK(markdown_cell("q4_k_m and _it_") == "q4_k_m and \\_it\\_");
}

TEST_CASE("workflow commands") {
  CHECK(workflow_escaped("50%0A: a,b\r\n\tc", false) == "50%250A: a,b%0D%0A c");
  CHECK(workflow_escaped("50%0A: a,b\n", true) == "50%250A%3A a%2Cb%0A");
}

TEST_CASE("TAP descriptions") { CHECK(tap_escaped("a # TODO \\ b\nok 1") == "a \\# TODO \\\\ b ok 1"); }

TEST_CASE("paths as URIs") {
  CHECK(uri_of_path("ci/my models.json") == "ci/my%20models.json");
  CHECK(uri_of_path("/srv/a#b?c%d") == "file:///srv/a%23b%3Fc%25d");
  CHECK(uri_of_path("C:\\ci\\m.json") == "file:///C:/ci/m.json");
  CHECK(uri_of_path("x:y.json") == "x%3Ay.json");
  CHECK(uri_of_path("é") == "%C3%A9");
}

TEST_CASE("words of a shell are quoted where they have to be") {
  CHECK(shell_word("llama3.1-8b-Q4_K_M.gguf") == "llama3.1-8b-Q4_K_M.gguf");
  CHECK(shell_word("sp ace/$(id).gguf") == "'sp ace/$(id).gguf'");
  CHECK(shell_word("it's.gguf") == R"('it'\''s.gguf')");
  CHECK(shell_word("-x.gguf") == "./-x.gguf");
  CHECK(shell_word("~/é.gguf") == "'~/é.gguf'");
  CHECK(shell_word("") == "''");
  CHECK(powershell_word(R"(C:\models\a.gguf)") == R"(C:\models\a.gguf)");
  CHECK(powershell_word("it's $x.gguf") == "'it''s $x.gguf'");
}
