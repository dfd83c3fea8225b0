// Exact scratch sizes that llama.cpp 0.7.0 reports for known shapes.
#include "willitrun/compute.hpp"

#include "support/catch.hpp"
#include "willitrun/architecture.hpp"

using namespace willitrun;

namespace {

struct Subject {
  ModelSpec spec;
  std::vector<TensorInfo> tensors;
};

Subject llama_8b() {
  Metadata keys;
  const std::pair<const char*, std::uint64_t> values[] = {{"block_count", 32},          {"context_length", 131072},
                                                          {"embedding_length", 4096},   {"feed_forward_length", 14336},
                                                          {"attention.head_count", 32}, {"attention.head_count_kv", 8},
                                                          {"vocab_size", 128256},       {"rope.dimension_count", 128}};
  for (const auto& [key, value] : values) keys.set(key, value);
  auto spec = spec_from_metadata(keys, "llama", "");
  REQUIRE(spec.has_value());
  spec->optional.rope_freqs = true;
  auto tensors = tensor_inventory(*spec);
  REQUIRE(tensors.has_value());
  return {*spec, *tensors};
}

ComputeBuffers measure_scratch(const ContextParams& params, std::vector<double> devices = {1.0}) {
  const Subject model = llama_8b();
  const auto n = static_cast<std::uint32_t>(devices.size());
  const Split split =
      make_split(model.spec.n_layer, n == 0 ? 0 : model.spec.n_layer + 1, devices, 0, params.offload_kqv);
  return compute_buffers(model.spec, model.tensors, params, resolve_context(model.spec, params), split);
}

ContextParams context(std::uint32_t n_ctx) {
  ContextParams params;
  params.n_ctx = n_ctx;
  params.n_outputs = 1;
  return params;
}

}  // namespace

TEST_CASE("scratch of an 8B model on one device is exact") {
  const auto small = measure_scratch(context(4096));
  CHECK(small.devices.at(0) == 125843584);
  CHECK(small.host == 37767200);
  CHECK(measure_scratch(context(131072)).devices.at(0) == 255867008);
}

TEST_CASE("scratch without flash attention holds a layer's scores") {
  auto params = context(8192);
  params.flash_attn = false;
  const auto scratch = measure_scratch(params);
  CHECK(scratch.devices.at(0) == 599795840);
  CHECK(scratch.host == 54540320);
}

TEST_CASE("a quantised cache is converted to f16 beside the attention") {
  auto params = context(32768);
  params.type_k = params.type_v = TensorType::q8_0;
  const auto scratch = measure_scratch(params);
  CHECK(scratch.devices.at(0) == 209811584);
  CHECK(scratch.host == 67209248);
}

TEST_CASE("without a device everything is host scratch") {
  const auto scratch = measure_scratch(context(8192), {});
  CHECK(scratch.devices.empty());
  CHECK(scratch.host == 138430496);
}

TEST_CASE("pipeline parallelism keeps four copies of what crosses devices") {
  const auto scratch = measure_scratch(context(8192), {1.0, 1.0});
  REQUIRE(scratch.devices.size() == 2);
  CHECK(scratch.devices.at(0) == 255909888);
  CHECK(scratch.devices.at(1) == 213950976);
}
