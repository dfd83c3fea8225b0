#include "willitrun/units.hpp"

#include "support/catch.hpp"

using namespace willitrun;

TEST_CASE("sizes keep decimal and binary units apart") {
  CHECK(*parse_size("12GiB", "--vram") == 12884901888);
  CHECK(*parse_size("12GB", "--vram") == 12000000000);
  CHECK(*parse_size("12G", "--vram") == 12884901888);
  CHECK(*parse_size("1.5gib", "--vram") == 1610612736);
  CHECK(*parse_size("65536GiB", "--vram") == 70368744177664);
  CHECK(*parse_size("0", "--vram") == 0);
}

TEST_CASE("sizes without a unit, below zero or beyond 64 bits are refused") {
  CHECK(parse_size("12", "--vram").error().message ==
        "--vram '12': needs a number and a unit, such as 12GiB, 12GB or 512MiB");
  CHECK_FALSE(parse_size("-1GiB", "--vram"));
  CHECK_FALSE(parse_size("", "--vram"));
  CHECK_FALSE(parse_size("12 parsecs", "--vram"));
  CHECK(parse_size("99999999999TiB", "--ram").error().message == "--ram '99999999999TiB': is too large");
}

TEST_CASE("tokens are binary and rows decimal") {
  CHECK(*parse_tokens("32k", "--ctx") == 32768);
  CHECK(*parse_count("10M", "rows") == 10000000);
  CHECK(*parse_count("1.5B", "rows") == 1500000000);
  CHECK_FALSE(parse_tokens("many", "--ctx"));
  CHECK(*parse_tokens("1.5k", "--ctx") == 1536);
  CHECK(*parse_count("4.35M", "rows") == 4350000);
  CHECK(parse_tokens("8192.5", "--ctx").error().message ==
        "--ctx '8192.5': needs a number of tokens, such as 8192 or 32k");
  CHECK_FALSE(parse_count("1.5", "rows"));
}

TEST_CASE("bytes for people") {
  CHECK(format_bytes(4912898304) == "4.58 GiB");
  CHECK(format_bytes(17) == "17 B");
  CHECK(format_decimal_bytes(25600000) == "25.6 MB");
  CHECK(format_decimal_bytes(4000000000) == "4.00 GB");
  CHECK(format_grouped(51200) == "51,200");
  CHECK(format_grouped(512) == "512");
}
