#include "willitrun/sweep.hpp"

#include "support/catch.hpp"
#include "support/model_case.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/check.hpp"

using namespace willitrun;

namespace {

std::shared_ptr<const WeighedModel> at(const Model& model, std::string_view id) {
  auto copy = model;
  apply_quant(*find_quant(id), copy.spec, copy.tensors);
  return weigh_model(std::move(copy));
}

CheckRequest question() {
  const auto base = *model_from_entry(find_model("llama3.1-8b")->entry);
  CheckRequest request;
  request.model = at(base, "q4_k_m");
  request.at_quant = [base](std::string_view id) { return at(base, id); };
  request.quant = "Q4_K_M";
  MachineRequest machine;
  machine.devices = {find_device("rtx3060-12gb")->entry};
  machine.ram = 64 * gib;
  request.machine = assemble_machine(machine);
  return request;
}

}  // namespace

TEST_CASE("a sweep over context goes to the model's own in powers of two, and memory never falls") {
  const auto swept = sweep(question(), SweepKind::ctx);
  REQUIRE(swept);
  REQUIRE(swept->points.size() == 8);
  CHECK(swept->points.front().n_ctx == 1024);
  CHECK(swept->points.back().n_ctx == 131072);
  for (std::size_t i = 1; i < swept->points.size(); ++i)
    CHECK(swept->points[i].total_bytes > swept->points[i - 1].total_bytes);
}

TEST_CASE("a sweep over quants is sorted by size, one over layers reaches all") {
  const auto quants = sweep(question(), SweepKind::quant);
  REQUIRE(quants);
  CHECK(quants->points.size() == 11);
  for (std::size_t i = 1; i < quants->points.size(); ++i)
    CHECK(quants->points[i].weights_bytes >= quants->points[i - 1].weights_bytes);
  const auto layers = sweep(question(), SweepKind::gpu_layers);
  REQUIRE(layers);
  CHECK(layers->points.front().gpu_layers == 0);
  CHECK(layers->points.back().gpu_layers == 33);
  CHECK(layers->points.size() <= 14);
}

TEST_CASE("a point of a sweep is what a check of it says") {
  const auto swept = sweep(question(), SweepKind::ctx);
  REQUIRE(swept);
  auto request = question();
  request.context.n_ctx = request.requested_ctx = 32768;
  const auto report = check(request);
  REQUIRE(report);
  const auto& point = swept->points[5];
  CHECK(point.name == "--ctx 32768");
  CHECK(point.total_bytes == report->total_bytes());
  CHECK(point.decode_tokens_per_s->mid == report->speed.decode_tokens_per_s->mid);
}

TEST_CASE("the chart keeps its width") {
  const auto swept = sweep(question(), SweepKind::gpu_layers);
  REQUIRE(swept);
  for (const unsigned width : {60U, 80U, 120U}) {
    TextStyle style;
    style.width = width;
    style.unicode = false;
    const auto text = to_text(*swept, style);
    std::size_t from = 0;
    for (auto end = text.find('\n'); end != std::string::npos; from = end + 1, end = text.find('\n', from)) {
      CAPTURE(width, text.substr(from, end - from));
      CHECK(end - from <= width);
    }
  }
}

TEST_CASE("a sweep that cannot be is an error") {
  auto request = question();
  request.at_quant = {};
  CHECK(sweep(request, SweepKind::quant).error().message ==
        "--sweep quant: a file fixes the types of this model; name the model instead");
  request.machine.devices.clear();
  CHECK(sweep(request, SweepKind::gpu_layers).error().message ==
        "--sweep gpu-layers: there is no GPU to put layers on");
  CHECK(find_sweep("layers").error().message.starts_with("--sweep 'layers': must be ctx, quant, gpu-layers"));
}
