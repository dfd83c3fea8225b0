#include "willitrun/quality.hpp"
#include "support/catch.hpp"

using namespace willitrun;

TEST_CASE("a preset keeps what its measured perplexity leaves") {
  CHECK(kept_share("f16") == 1.0);
  CHECK(kept_share("bf16") == 1.0);
  CHECK(kept_share("q8_0") == 1.0);   // (1.829884 / 1.830064)^(1/0.076) = 0.9987
  CHECK(kept_share("q6_k") == 0.98);  // 0.9770
  CHECK(kept_share("q4_k_m") == 0.84);
  CHECK(kept_share("iq2_m") == 0.12);
  double above = 1;
  for (const auto* id : {"q8_0", "q6_k", "q5_k_m", "q5_k_s", "q4_k_m", "q4_k_s", "iq4_xs", "q3_k_l", "q3_k_m",
                         "iq3_xxs", "q2_k", "iq2_s", "iq2_xs", "iq2_xxs", "iq1_m", "iq1_s"}) {
    CAPTURE(id);
    const auto share = kept_share(id);
    REQUIRE(share);
    CHECK(*share <= above);
    CHECK(*share > 0);
    above = *share;
  }
}

TEST_CASE("what nobody measured has no share") {
  for (const auto* id : {"nf4", "mxfp4_moe", "tq2_0", "fp8", "no such preset"}) CHECK_FALSE(kept_share(id));
}

TEST_CASE("dates count from the start of what is not stated") {
  CHECK(months_of("2026") == 2026 * 12.0);
  CHECK(months_of("2026-04") == 2026 * 12.0 + 3);
  CHECK(*months_of("2026-04-15") == Approx(2026 * 12.0 + 3 + 14 / 31.0));
  CHECK_FALSE(months_of(""));
  CHECK_FALSE(months_of("soon"));
}

TEST_CASE("effective size: parameters, the geometric mean for experts, half every 16 months") {
  ModelEntry dense;
  dense.parameters = 8'000'000'000;
  dense.released = "2026-01";
  auto older = dense;
  older.released = "2024-09";
  CHECK(effective_parameters(dense) == Approx(2 * effective_parameters(older)));
  auto experts = dense;
  experts.parameters = 32'000'000'000;
  experts.active_parameters = 2'000'000'000;
  CHECK(effective_parameters(experts) == Approx(effective_parameters(dense)));
  auto undated = dense;
  undated.released.clear();
  auto oldest = dense;
  oldest.released = "2018";
  CHECK(effective_parameters(undated) == effective_parameters(oldest));
}
