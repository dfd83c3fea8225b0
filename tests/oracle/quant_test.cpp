#include "willitrun/quant.hpp"

#include "support/catch.hpp"
#include "support/truth.hpp"

using namespace willitrun;

TEST_CASE("every preset of every measured model is exact to the byte") {
  for (const auto& row : test::read_table("quant_sizes.tsv")) {
    for (const auto& [quant, bytes] : row) {
      if (quant == "model") continue;
      CAPTURE(row.at("model"), quant);
      CHECK(test::catalog_model(row.at("model"), quant)->weights.file_bytes == std::stoull(bytes));
    }
  }
}
