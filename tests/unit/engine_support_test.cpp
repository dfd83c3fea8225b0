// Which quants, devices and architectures an engine runs, and what is said of the others.
#include "willitrun/engine_support.hpp"
#include "support/catch.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/machine.hpp"

using namespace willitrun;

namespace {

bool loads_id(Engine engine, std::string_view id) { return loads(engine, *find_quant(id)); }

}  // namespace

TEST_CASE("every GGUF preset loads in the engines built on llama.cpp, and no other's") {
  for (const auto engine : {Engine::llama_cpp, Engine::ollama, Engine::lmstudio, Engine::llamafile})
    for (const auto& preset : quant_presets()) {
      CAPTURE(name_of(engine), preset.id);
      CHECK(loads(engine, preset) == (preset.family == QuantFamily::ggml));
    }
}

TEST_CASE("16 bits and MXFP4 load everywhere") {
  for (const auto name : engine_names())
    for (const auto* id : {"f32", "f16", "bf16", "mxfp4_moe"}) CHECK(loads_id(*find_engine(name), id));
}

TEST_CASE("vLLM, Transformers and MLX load what they document") {
  for (const auto* id : {"fp8", "fp8-block", "nvfp4", "int8", "nf4", "gptq", "awq", "q4_k_m", "iq2_xs"})
    CHECK(loads_id(Engine::vllm, id));
  for (const auto* id : {"tq1_0", "tq2_0", "mlx-4bit", "exl-4.0bpw"}) CHECK_FALSE(loads_id(Engine::vllm, id));
  for (const auto* id : {"int8", "nf4", "gptq", "awq"}) CHECK(loads_id(Engine::transformers, id));
  for (const auto* id : {"q4_k_m", "mlx-4bit"}) CHECK_FALSE(loads_id(Engine::transformers, id));
  for (const auto* id : {"mlx-4bit", "mlx-8bit"}) CHECK(loads_id(Engine::mlx, id));
  for (const auto* id : {"q4_k_m", "q4_0", "awq", "gptq", "nf4"}) CHECK_FALSE(loads_id(Engine::mlx, id));
}

TEST_CASE("every preset that an engine is usually tried with loads in it") {
  for (const auto name : engine_names())
    for (const auto id : usual_presets(*find_engine(name))) {
      CAPTURE(name, id);
      CHECK(loads_id(*find_engine(name), id));
    }
}

TEST_CASE("a refused quant names the nearest that loads and an engine that runs it") {
  const auto message = [](Engine engine, std::string_view id) {
    const auto error = refused_quant(engine, *find_quant(id), "--quant " + std::string(id));
    REQUIRE(error);
    return error->message;
  };
  CHECK(message(Engine::llama_cpp, "awq-4bit-128g") ==
        "--quant awq-4bit-128g: llama.cpp reads GGUF quants only (nearest: q4_k_m); --engine vllm runs it");
  CHECK(message(Engine::mlx, "q8_0") ==
        "--quant q8_0: mlx reads MLX's own formats and 16 bits only (nearest: mlx-8bit); --engine llama.cpp runs it");
  CHECK(message(Engine::ollama, "exl-8.0bpw") ==
        "--quant exl-8.0bpw: ollama reads GGUF quants only (nearest: q8_0); no engine modelled here runs it");
  CHECK(refused_quant(Engine::llama_cpp, *find_quant("awq"), "")->suggestions == std::vector<std::string>{"q4_k_m"});
}

TEST_CASE("vLLM has kernels for the devices that its documentation lists") {
  const auto has = [](const char* name) {
    const auto found = find_device(name);
    REQUIRE(found);
    CHECK(has_kernels(Engine::llama_cpp, found->entry));
    return has_kernels(Engine::vllm, found->entry);
  };
  for (const auto* name :
       {"v100", "t4", "rtx2060", "rtx3090", "l4", "h100", "rtx5090", "mi250x", "rx7900xtx", "rx9070"})
    CHECK(has(name));
  for (const auto* name : {"k80", "m40", "gtx970", "gtx1080ti", "p40", "rx580", "rx5500xt", "rx6600", "mi50", "mi100"})
    CHECK_FALSE(has(name));
  CHECK(has_kernels(Engine::vllm, DeviceSpec{}));
}

TEST_CASE("a device without kernels is named, wherever among the others it is") {
  MachineRequest request;
  request.devices = {find_device("rtx3090")->entry, find_device("p40")->entry};
  const auto machine = assemble_machine(request);
  CHECK_FALSE(refused_device(Engine::llama_cpp, machine));
  const auto error = refused_device(Engine::vllm, machine);
  REQUIRE(error);
  CHECK(error->message == "--engine vllm: has no kernels for Tesla P40 (Pascal); --engine llama.cpp runs on it");
}
