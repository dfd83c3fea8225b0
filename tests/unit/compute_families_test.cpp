// Exact buffers that llama.cpp 0.7.0 reports for families the catalog has no model of, at made-up shapes and f16.
#include <algorithm>

#include "support/catch.hpp"
#include "willitrun/architecture.hpp"
#include "willitrun/footprint.hpp"

using namespace willitrun;

namespace {

struct Sizes {
  Bytes weights, cache, compute;
};
struct Run {
  Sizes device, host;
};
struct Subject {
  const char* architecture;
  std::vector<std::pair<const char*, std::uint64_t>> keys;
  Run on_device, on_host, cache_on_host;  ///< everything on the device; nothing; all but the cache
};

const Subject minimax{"minimax-01",
                      {{"block_count", 16},
                       {"context_length", 32768},
                       {"embedding_length", 1024},
                       {"feed_forward_length", 2048},
                       {"attention.head_count", 16},
                       {"attention.head_count_kv", 4},
                       {"attention.key_length", 128},
                       {"attention.value_length", 128},
                       {"expert_count", 8},
                       {"expert_used_count", 2},
                       {"rope.dimension_count", 64},
                       {"vocab_size", 32000}},
                      {{1991495680, 31457280, 83966336}, {65536000, 0, 29444224}},
                      {{0, 0, 99680384}, {2057031680, 31457280, 31541376}},
                      {{1991495680, 0, 85000320}, {65536000, 31457280, 31541376}}};
const Subject plamo3{"plamo3",
                     {{"block_count", 24},
                      {"context_length", 32768},
                      {"embedding_length", 2560},
                      {"feed_forward_length", 8192},
                      {"attention.head_count", 32},
                      {"attention.head_count_kv", 4},
                      {"attention.key_length", 128},
                      {"attention.value_length", 128},
                      {"attention.sliding_window", 2048},
                      {"vocab_size", 100000}},
                     {{4665378816, 135266304, 78141568}, {512000000, 0, 27813920}},
                     {{0, 0, 154669056}, {5177378816, 135266304, 27813920}},
                     {{4665378816, 0, 79173632}, {512000000, 135266304, 27813920}}};
const Subject bitnet{"bitnet",
                     {{"block_count", 30},
                      {"context_length", 4096},
                      {"embedding_length", 2560},
                      {"feed_forward_length", 6912},
                      {"attention.head_count", 20},
                      {"attention.head_count_kv", 5},
                      {"vocab_size", 128256}},
                     {{4169850880, 314572800, 67647616}, {656670720, 0, 25184288}},
                     {{0, 0, 94113792}, {4826521600, 314572800, 25184288}},
                     {{4169850880, 0, 72882176}, {656670720, 314572800, 25184288}}};
const Subject openelm{"openelm",
                      {{"block_count", 16},
                       {"context_length", 2048},
                       {"embedding_length", 1280},
                       {"feed_forward_length", 5120},
                       {"attention.head_count", 20},
                       {"attention.head_count_kv", 5},
                       {"attention.key_length", 64},
                       {"attention.value_length", 64},
                       {"vocab_size", 32000}},
                      {{842314752, 83886080, 46151808}, {81920000, 0, 14698528}},
                      {{0, 0, 51386624}, {842314752, 83886080, 14698528}},
                      {{842314752, 0, 48764928}, {81920000, 83886080, 14698528}}};

std::shared_ptr<const WeighedModel> build(const Subject& subject) {
  Metadata keys;
  for (const auto& [key, value] : subject.keys) keys.set(key, value);
  const auto spec = spec_from_metadata(keys, subject.architecture, "");
  REQUIRE(spec.has_value());
  auto tensors = tensor_inventory(*spec);
  REQUIRE(tensors.has_value());
  Model model;
  model.spec = *spec;
  model.tensors = *std::move(tensors);
  model.spec.optional.tied_embeddings = std::none_of(model.tensors.begin(), model.tensors.end(),
                                                     [](const TensorInfo& t) { return t.name == "output.weight"; });
  return weigh_model(std::move(model));
}

void check_run(const Subject& subject, std::uint32_t gpu_layers, bool offload_kqv, const Run& run) {
  ContextParams params;
  params.n_ctx = 4096;
  params.n_outputs = 1;
  params.offload_kqv = offload_kqv;
  const auto footprint = measure(build(subject), params);
  const auto split = make_split(footprint.spec().n_layer, gpu_layers, std::vector<double>{1.0}, 0, offload_kqv);
  const auto loads = distribute(footprint, split);
  const auto same = [](const Load& ours, const Sizes& theirs) {
    CHECK(ours.weights == theirs.weights);
    CHECK(ours.kv_cache + ours.state == theirs.cache);
    CHECK(ours.compute == theirs.compute);
  };
  same(loads.devices.at(0), run.device);
  same(loads.host, run.host);
}

}  // namespace

TEST_CASE("families without a model in the catalog take what llama.cpp takes") {
  for (const auto* subject : {&minimax, &plamo3, &bitnet, &openelm}) {
    CAPTURE(subject->architecture);
    const auto all = static_cast<std::uint32_t>(subject->keys.front().second) + 1;
    check_run(*subject, all, true, subject->on_device);
    check_run(*subject, 0, true, subject->on_host);
    check_run(*subject, all, false, subject->cache_on_host);
  }
}
