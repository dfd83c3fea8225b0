#include "willitrun/fits.hpp"

#include <algorithm>
#include <map>

#include "support/catch.hpp"
#include "support/truth.hpp"
#include "willitrun/machine.hpp"
#include "willitrun/quality.hpp"

using namespace willitrun;

namespace {

Machine machine_with(Bytes vram, std::optional<Bytes> ram, double bandwidth_gb_s = 360) {
  DeviceSpec card;
  card.name = "a card";
  card.vendor = "nvidia";
  card.architecture = "Ampere";
  card.memory_bytes = vram;
  card.bandwidth_gb_s = bandwidth_gb_s;
  MachineRequest request;
  if (vram > 0) request.devices = {card};
  request.ram = ram;
  request.ram_bandwidth_gb_s = 60;
  return assemble_machine(request);
}

/// Models of a few sizes, dense and with experts; the whole catalog would take long unoptimised.
FitsRequest few_models(Machine machine) {
  FitsRequest request;
  request.machine = std::move(machine);
  request.filter.min_parameters = 20'500'000'000;
  request.filter.max_parameters = 27'000'000'000;
  return request;
}

bool same(const std::optional<Range>& a, const std::optional<Range>& b) {
  return a.has_value() == b.has_value() && (!a || (a->low == b->low && a->mid == b->mid && a->high == b->high));
}

}  // namespace

TEST_CASE("a row shown equals the verdict on its model and quant") {
  for (auto machine :
       {machine_with(12 * gib, std::nullopt), machine_with(24 * gib, 64 * gib), machine_with(0, 64 * gib)}) {
    auto request = few_models(machine);
    request.limit = 4;
    const auto list = rank_fits(request);
    REQUIRE_FALSE(list.rows.empty());
    for (const auto& row : list.rows) {
      CAPTURE(row.id, row.quant_id);
      CheckRequest question;
      question.model = test::catalog_model(row.id, row.quant_id);
      question.quant = row.outcome.quant;
      question.context.n_ctx = question.requested_ctx = 8192;
      question.machine = machine;
      question.speed.quant = row.quant_id;
      const auto report = check(question);
      REQUIRE(report);
      const auto outcome = outcome_of(*report);
      CHECK(row.outcome.verdict == outcome.verdict);
      CHECK(row.outcome.gpu_bytes == outcome.gpu_bytes);
      CHECK(row.outcome.total_bytes == outcome.total_bytes);
      CHECK(row.outcome.weights_bytes == outcome.weights_bytes);
      CHECK(row.outcome.n_ctx == outcome.n_ctx);
      CHECK(row.outcome.max_ctx == outcome.max_ctx);
      CHECK(same(row.outcome.decode_tokens_per_s, outcome.decode_tokens_per_s));
    }
  }
}

TEST_CASE("a model's one row is the best of all its rows") {
  for (const auto& machine : {machine_with(12 * gib, 48 * gib), machine_with(16 * gib, std::nullopt)}) {
    auto request = few_models(machine);
    if (!machine.host.memory_bytes) request.requirement.level = Requirement::Level::gpu;
    const auto one_each = rank_fits(request);
    request.every_preset = true;
    const auto all = rank_fits(request);
    std::map<std::string, FitRow> best;
    for (const auto& row : all.rows) best.emplace(row.id, row);  // rows come best first
    REQUIRE(best.size() == one_each.rows.size());
    for (const auto& row : one_each.rows) {
      CAPTURE(row.id, row.quant_id, best.at(row.id).quant_id, static_cast<int>(row.tier));
      CHECK(row.tier == best.at(row.id).tier);
      CHECK(row.effective == best.at(row.id).effective);
    }
  }
}

TEST_CASE("a limit shows the first of the same rows and says that there are more") {
  auto request = few_models(machine_with(24 * gib, std::nullopt));
  request.requirement.level = Requirement::Level::gpu;
  const auto all = rank_fits(request);
  CHECK_FALSE(all.more);
  REQUIRE(all.rows.size() > 3);
  request.limit = 3;
  const auto first = rank_fits(request);
  CHECK(first.more);
  REQUIRE(first.rows.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(first.rows[i].id == all.rows[i].id);
}

TEST_CASE("rows come by tier, then by effective size, then by speed") {
  const auto list = rank_fits(few_models(machine_with(12 * gib, 48 * gib)));
  for (std::size_t i = 1; i < list.rows.size(); ++i) {
    const auto& a = list.rows[i - 1];
    const auto& b = list.rows[i];
    CAPTURE(a.id, b.id);
    CHECK(a.tier <= b.tier);
    if (a.tier == b.tier) CHECK(a.effective >= b.effective);
  }
}

TEST_CASE("requirements leave rows out") {
  auto request = few_models(machine_with(24 * gib, std::nullopt));
  request.requirement.level = Requirement::Level::fits;
  request.requirement.min_tokens_per_s = 30;
  request.requirement.min_ctx = 16384;
  const auto list = rank_fits(request);
  REQUIRE_FALSE(list.rows.empty());
  for (const auto& row : list.rows) {
    CAPTURE(row.id);
    CHECK(row.outcome.verdict == VerdictCode::fits);
    CHECK(row.outcome.decode_tokens_per_s->mid >= 30);
    CHECK(*row.outcome.max_ctx >= 16384);
  }
}

TEST_CASE("no file is smaller than a preset's least bits") {
  for (const auto* id : {"llama3.1-8b", "qwen3-30b-a3b", "gemma3-4b", "mixtral-8x7b", "falcon-7b"})
    for (const auto& preset : quant_presets()) {
      CAPTURE(id, preset.id);
      const auto model = test::catalog_model(id, std::string(preset.id));
      std::uint64_t elements = 0;
      for (const auto& tensor : model->model.tensors)
        if (tensor.place == TensorPlace::layer) elements += element_count(tensor.shape).value_or(0);
      Bytes bytes = 0;
      for (const auto& layer : model->weights.layers) bytes += layer.total().file;
      CHECK(8.0 * static_cast<double>(bytes) >= least_bits(preset) * static_cast<double>(elements) * 0.999999);
    }
}

TEST_CASE("tasks follow from the entry") {
  const auto tasks = [](const char* name) { return tasks_of(find_model(name)->entry); };
  using Tasks = std::vector<std::string_view>;
  CHECK(tasks("llama3.1-8b") == Tasks{"text"});
  CHECK(tasks("qwen2.5-coder-7b") == Tasks{"text", "code"});
  CHECK(tasks("codestral-22b") == Tasks{"text", "code"});
  CHECK(tasks("mistral-7b-v0.3") == Tasks{"text"});
  CHECK(tasks("gemma3-4b") == Tasks{"text", "vision"});
  CHECK(tasks("bge-m3") == Tasks{"embedding"});
  CHECK(tasks("qwen3-embedding-8b") == Tasks{"embedding"});
  CHECK(tasks("bge-reranker-v2-m3") == Tasks{"reranking"});
  CHECK(find_task("chat").value() == "text");
  CHECK(find_task("visoin").error().message ==
        "unknown task 'visoin': must be text, code, vision, embedding, reranking, speech");
}

TEST_CASE("large models are nearly all layers") {
  for (const auto& entry : all_models()) {
    if (entry.parameters < 20'000'000'000) continue;
    CAPTURE(entry.id);
    const auto model = model_from_entry(entry);
    REQUIRE(model);
    std::uint64_t elements = 0;
    for (const auto& tensor : model->tensors)
      if (tensor.place == TensorPlace::layer && tensor.layer < static_cast<std::int32_t>(model->spec.n_layer_trunk()))
        elements += element_count(tensor.shape).value_or(0);
    CHECK(static_cast<double>(elements) >= 0.9 * static_cast<double>(entry.parameters));
  }
}
