// What vLLM takes besides weights and cache, against what it logged.
#include <algorithm>
#include <cmath>

#include "support/catch.hpp"
#include "support/truth.hpp"
#include "willitrun/placement.hpp"
#include "willitrun/vllm_memory.hpp"

using namespace willitrun;

namespace {

using Row = std::map<std::string, std::string>;

std::optional<double> logged(const Row& row, const char* column) {
  const auto& text = row.at(column);
  return text == "-" ? std::nullopt : std::optional(std::stod(text));
}

double gibibytes(Bytes bytes) { return static_cast<double>(bytes) / static_cast<double>(gib); }

/// The first GPU of a row's machine. `share` of what the driver reports is usable.
struct Answer {
  ProfiledMemory profiled;
  Load load;
};

Answer answer(const Row& row) {
  Machine machine;
  Device device;
  device.memory_bytes = 80 * gib;
  const auto count = std::stoul(row.at("count"));
  machine.devices.assign(count, device);
  ContextParams params;
  params.served = ServedBatch{static_cast<std::uint32_t>(std::stoul(row.at("tokens"))),
                              static_cast<std::uint32_t>(std::stoul(row.at("seqs")))};
  params.input_on_device = true;
  const auto footprint = measure(test::catalog_model(row.at("model"), row.at("quant")), params);
  const auto n_layer = footprint.spec().n_layer;
  const auto split = count > 1 && row.at("mode") == "tp"
                         ? make_sliced_split(n_layer, n_layer + 1, std::vector<double>(count), 0, true)
                         : make_split(n_layer, n_layer + 1, std::vector<double>(count, 1.0), 0, true);
  return {profiled_memory(footprint, split, 0, machine), place(footprint, machine, split).devices[0]};
}

}  // namespace

TEST_CASE("vLLM's peak is within 8 % of what it logged, and 3 % in the median") {
  std::vector<double> errors;
  for (const auto& row : test::read_table("vllm.tsv")) {
    const auto peak = logged(row, "peak");
    if (!peak) continue;
    CAPTURE(row.at("model"), row.at("quant"), row.at("count"), row.at("mode"));
    const auto ours = answer(row).profiled;
    const auto error = gibibytes(ours.activations + ours.expert_rows) / *peak - 1;
    CAPTURE(gibibytes(ours.activations), gibibytes(ours.expert_rows), *peak);
    CHECK(std::abs(error) < 0.08);
    errors.push_back(std::abs(error));
  }
  REQUIRE(errors.size() > 25);
  std::sort(errors.begin(), errors.end());
  CHECK(errors[errors.size() / 2] < 0.03);
}

TEST_CASE("vLLM's CUDA graphs are known within a factor of two and a half") {
  for (const auto& row : test::read_table("vllm.tsv")) {
    const auto graphs = logged(row, "graphs");
    if (!graphs) continue;
    CAPTURE(row.at("model"), row.at("count"), row.at("mode"), *graphs);
    const auto ours = gibibytes(answer(row).profiled.graphs);
    CAPTURE(ours);
    CHECK(ours < 2.5 * *graphs);
    CHECK(*graphs < 2.5 * ours);
  }
}
