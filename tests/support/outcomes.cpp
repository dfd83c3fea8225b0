#include "support/outcomes.hpp"

#include <array>

namespace willitrun::test {
namespace {

Outcome fitting(std::string model, std::string target, std::uint32_t line) {
  Outcome o;
  o.name = model + " on " + target;
  o.model = std::move(model);
  o.quant = "Q4_K_M";
  o.target = std::move(target);
  o.place = {"ci/models.json", line, 5, "/checks/" + std::to_string(line)};
  o.status = OutcomeStatus::passed;
  o.verdict = VerdictCode::fits;
  o.code = "fits";
  o.message = "5.90 GiB free on the fullest device";
  o.parameters = 8'030'261'312;
  o.weights_bytes = 4'912'898'304;
  o.kv_cache_bytes = 1'073'741'824;
  o.total_bytes = 6'456'435'104;
  o.gpu_bytes = 6'118'971'776;
  o.gpu_usable_bytes = 12'449'742'848;
  o.gpu_layers = o.total_layers = 33;
  o.n_ctx = 8192;
  o.max_ctx = 56'064;
  o.decode_tokens_per_s = Range{43.364, 55.347, 71.398};
  o.prefill_tokens_per_s = Range{984.415, 1393.369, 2159.722};
  o.time_to_first_token_s = Range{0.249, 0.386, 0.546};
  return o;
}

}  // namespace

std::vector<Outcome> sample_run() {
  auto passed = fitting("llama3.1-8b", "workstation", 4);

  auto failed = fitting("llama3.1-70b", "workstation", 9);
  failed.status = OutcomeStatus::failed;
  failed.verdict = VerdictCode::wont_run;
  failed.require = Requirement::Level::gpu;
  failed.code = "device_memory";
  failed.message = "gpu0 needs 41.2 GiB, 11.6 GiB is usable: 29.6 GiB short";
  failed.gpu_bytes = failed.total_bytes = 44'238'200'000;
  failed.max_ctx = std::nullopt;
  failed.decode_tokens_per_s = failed.prefill_tokens_per_s = failed.time_to_first_token_s = std::nullopt;

  auto waived = fitting("qwen3-32b", "laptop", 12);
  waived.status = OutcomeStatus::waived;
  waived.verdict = VerdictCode::offload;
  waived.code = "layers_on_host";
  waived.message = "27 of 65 layers on the GPU";
  waived.waiver = "the new laptops come in spring";

  auto unknown = fitting("phi-4", "laptop", 15);
  unknown.status = OutcomeStatus::unknown;
  unknown.verdict = VerdictCode::unknown;
  unknown.code = "min_tps";
  unknown.message = "decode speed is unknown here";
  unknown.decode_tokens_per_s = std::nullopt;

  Outcome error;
  error.name = "lama3 on laptop";
  error.model = "lama3";
  error.target = "laptop";
  error.place = {"ci/models.json", 18, 0, "/checks/18"};
  error.status = OutcomeStatus::error;
  error.code = "unknown_model";
  error.message = "unknown model 'lama3'; did you mean llama3-8b?";
  return {passed, failed, waived, unknown, error};
}

std::string hostile_text() {
  using namespace std::string_literals;
  return "\"q\" 'a' ]]> <b>&amp; a,b;c | d %0A::error:: # TODO \\ \r\n--- \t\x01\x1b[31m\0\x7f\xC2\x9B"s
         "\xFF\xC3\xED\xA0\x80 \xEF\xBF\xBE \xE2\x80\xA8 é😀 `x` [l](u) *b* =1+1"s;
}

std::vector<Outcome> hostile_run() {
  std::vector<Outcome> out;
  for (const auto status : {OutcomeStatus::passed, OutcomeStatus::failed, OutcomeStatus::waived, OutcomeStatus::unknown,
                            OutcomeStatus::error}) {
    auto o = fitting(hostile_text(), hostile_text(), 7);
    o.quant = o.code = o.message = o.place.file = o.place.pointer = hostile_text();
    o.status = status;
    if (status == OutcomeStatus::waived) o.waiver = hostile_text();
    if (status == OutcomeStatus::error) o.verdict = std::nullopt;
    out.push_back(o);
  }
  return out;
}

std::vector<Outcome> sweep_run(std::size_t n) {
  std::vector<Outcome> out;
  for (std::size_t i = 0; i < n; ++i) {
    auto o = fitting("llama3.1-8b", "workstation", 4);
    o.n_ctx = 1024U << i;
    o.kv_cache_bytes = Bytes{131'072} * o.n_ctx;
    o.gpu_bytes = 5'045'229'952 + o.kv_cache_bytes;
    o.total_bytes = o.gpu_bytes + 337'463'328;
    if (o.gpu_bytes > o.gpu_usable_bytes) {
      o.verdict = VerdictCode::offload;
      o.message = "20 of 33 layers on the GPU";
    }
    const auto mid = 60.0 / (1 + static_cast<double>(o.n_ctx) / 65'536);
    o.decode_tokens_per_s = Range{mid * 0.8, mid, mid * 1.3};
    out.push_back(o);
  }
  return out;
}

RunHeader sample_header() { return {"ci/models.json", "1.2.3", "2026-01-31", std::string(64, 'a'), {}}; }

}  // namespace willitrun::test
