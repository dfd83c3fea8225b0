#include "willitrun/catalog.hpp"

#include <algorithm>

#include "support/catch.hpp"
#include "willitrun/name_match.hpp"

using namespace willitrun;

namespace {

using Names = std::vector<std::string>;

Found<DeviceSpec> device(std::string_view name) {
  auto found = find_device(name);
  if (!found) FAIL(found.error().message);
  return *std::move(found);
}

std::string device_error(std::string_view name) {
  const auto found = find_device(name);
  return found ? "found " + found->entry.id : found.error().message;
}

std::string model_error(std::string_view name) {
  const auto found = find_model(name);
  return found ? "found " + found->entry.id : found.error().message;
}

}  // namespace

TEST_CASE("names normalise to letters and digits") {
  CHECK(normalize_name("RTX 3060-12GB") == "rtx306012gb");
  CHECK(normalize_name(" Command R+ ") == "commandrplus");
  CHECK(normalize_name("\xE2\x84\xA2") == "");
}

TEST_CASE("keys keep apart what digits alone would run together") {
  CHECK(spelled_key("Llama 3.1 8B") == "llama3.1-8b");
  CHECK(spelled_key("llama-3-18b") == "llama3-18b");
  CHECK(spelled_key("Llama-3_1-8B") == "llama3.1-8b");
  CHECK(spelled_key("RTX 3060 12GB") == "rtx3060-12gb");
  CHECK(match_keys("llama3.1-8b", "llama3.1-8b") == KeyMatch::same);
  CHECK(match_keys("llama3-1-8b", "llama3.1-8b") == KeyMatch::same_places);
  CHECK(match_keys("llama31-8b", "llama3.1-8b") == KeyMatch::marks_dropped);
  CHECK(match_keys("llama3-18b", "llama3.1-8b") == KeyMatch::none);
  CHECK(match_keys("rtx30-60", "rtx3060") == KeyMatch::none);
  CHECK(match_keys("7b", "1.7b") == KeyMatch::none);
}

TEST_CASE("a device entry carries what the catalog knows") {
  const auto found = device("rtx3090");
  CHECK(found.entry.id == "rtx3090");
  CHECK(found.entry.name == "GeForce RTX 3090");
  CHECK(found.entry.vendor == "nvidia");
  CHECK(found.entry.kind == DeviceKind::discrete);
  CHECK(found.entry.memory_bytes == 24 * gib);
  CHECK(found.entry.bandwidth_gb_s == 936.2);
  CHECK(found.entry.compute_units == 82U);
  CHECK(found.entry.compute_capability == "8.6");
  CHECK(found.entry.pcie_gb_s == 1.969 * 16);
  CHECK_FALSE(found.entry.source.empty());
  CHECK(found.other_variants.empty());
  CHECK(found.count == 1);
}

TEST_CASE("a product stands for its default variant and names the others") {
  const auto found = device("RTX 3060");
  CHECK(found.entry.id == "rtx3060-12gb");
  CHECK(found.other_variants == Names{"rtx3060-8gb"});
  CHECK(device("rtx 3060 8gb").other_variants.empty());
  CHECK(device("a100 80gb").other_variants == Names{"a100-pcie-80gb"});
  CHECK(device("A100-SXM4-80GB").other_variants.empty());
}

TEST_CASE("chips sold with several memory sizes") {
  const auto found = device("m3 max 64gb");
  CHECK(found.entry.id == "m3-max-40core-64gb");
  CHECK(found.entry.name == "Apple M3 Max (40-core GPU), 64 GB");
  CHECK(found.entry.kind == DeviceKind::unified);
  CHECK(found.entry.memory_bytes == 64 * gib);
  CHECK(found.entry.bandwidth_gb_s == 409.6);
  CHECK(device("m3 max 96gb").entry.bandwidth_gb_s == 307.2);
  const auto bare = device("m3 max");
  CHECK(bare.entry.id == "m3-max-40core-48gb");
  CHECK(bare.other_variants.size() == 4);
  CHECK(device("strix halo").entry.memory_bytes == 128 * gib);
}

TEST_CASE("counts in device names") {
  CHECK(device("2x rtx 3090").count == 2);
  CHECK(device("4xA100-80GB").count == 4);
  CHECK(device("rtx3090 x2").count == 2);
  CHECK(device("2 \xC3\x97 rtx 3090").count == 2);
  CHECK(device_error("0x rtx 3090") == "GPU '0x rtx 3090': the count must be between 1 and 1024");
  CHECK(device_error("9999x rtx 3090") == "GPU '9999x rtx 3090': the count must be between 1 and 1024");
}

TEST_CASE("a memory size the product does not come in is refused with those it has") {
  CHECK(device_error("rtx 3060 24gb") == "GPU 'rtx 3060 24gb': rtx3060 comes with 8 or 12 GB, not 24 GB");
  CHECK(device_error("m3 max 50gb") == "GPU 'm3 max 50gb': m3-max comes with 36, 48, 64, 96 or 128 GB, not 50 GB");
  CHECK(find_device("rtx 3060 24gb").error().suggestions == Names{"rtx3060-12gb", "rtx3060-8gb"});
}

TEST_CASE("a laptop chip is never its desktop namesake") {
  const auto laptop = device("NVIDIA GeForce RTX 4070 Laptop GPU"), desktop = device("RTX 4070");
  CHECK(laptop.entry.id == "rtx4070-laptop");
  CHECK(laptop.entry.bandwidth_gb_s == 256.0);
  CHECK(desktop.entry.bandwidth_gb_s == 504.2);
  for (const auto* name : {"rtx 4070 (notebook)", "RTX 4070 mobile", "4070 laptop"})
    CHECK(device(name).entry.id == "rtx4070-laptop");
  CHECK_FALSE(find_device("rtx 3090 laptop"));
}

TEST_CASE("a vendor's name rules out other vendors") {
  CHECK(device("Tesla M40").entry.vendor == "nvidia");
  CHECK(device("Tesla M4").entry.id == "tesla-m4");
  CHECK(device("m4").entry.vendor == "apple");
  CHECK_FALSE(find_device("nvidia m4"));
  CHECK_FALSE(find_device("amd rtx 3090"));
}

TEST_CASE("unknown devices: near misses, digits weighing more than letters") {
  CHECK(device_error("rtx 9999") == "unknown GPU 'rtx 9999'; `willitrun list gpus` shows all");
  CHECK(device_error("rtx3600") == "unknown GPU 'rtx3600'; did you mean rtx3060-12gb?");
  CHECK(device_error("gtx 3090") == "unknown GPU 'gtx 3090'; did you mean rtx3090?");
  const auto error = find_device("rtx3600").error();
  CHECK(error.code == "unknown_gpu");
  CHECK(error.exit_status == 2);
  CHECK(error.suggestions == Names{"rtx3060-12gb"});
  CHECK(device_error("") == "a GPU name is empty");
  CHECK(device_error(" - ") == "unknown GPU ' - '; `willitrun list gpus` shows all");
  CHECK_FALSE(find_device(std::string(100'000, 'a')));
  CHECK_FALSE(find_device(std::string(100'000, '1')));
  CHECK_FALSE(find_device(std::string(10'000, '(')));
}

TEST_CASE("names of several products are refused with the candidates") {
  const auto gpu = find_device("rtx 6000").error();
  CHECK(gpu.code == "ambiguous_gpu");
  CHECK(gpu.message ==
        "GPU 'rtx 6000' could be any of quadro-rtx-6000, rtx-a6000, rtx-pro-6000-workstation, rtx6000-ada");
  const auto many = find_device("rtx").error();
  CHECK(many.suggestions.size() == 6);
  CHECK(many.message.find(" more") != std::string::npos);
  CHECK(find_model("llama").error().code == "ambiguous_model");
  CHECK(model_error("7b").find("1.7b") == std::string::npos);
}

TEST_CASE("models by file, repository and registry names") {
  const auto found = find_model("llama3.1:8b-instruct-q4_K_M");
  REQUIRE(found);
  CHECK(found->entry.id == "llama3.1-8b");
  CHECK(found->quant == "q4_K_M");
  CHECK(found->entry.architecture == "llama");
  CHECK(found->entry.hparams.count("block_count") == 32U);
  CHECK(found->entry.parameters > 8'000'000'000U);
  const auto file = find_model("models/Meta-Llama-3.1-8B-Instruct-Q4_K_M-00001-of-00002.gguf");
  REQUIRE(file);
  CHECK(file->entry.id == "llama3.1-8b");
  CHECK(file->quant == "Q4_K_M");
  CHECK(model_error("llama3.1-8bb").starts_with("unknown model 'llama3.1-8bb'; did you mean llama3.1-8b"));
  CHECK(model_error("llama3-18b").starts_with("unknown model"));
  CHECK(model_error("") == "a model name is empty");
  CHECK_FALSE(find_model(std::string(100'000, '/')));
}

TEST_CASE("a fine-tune is computed with its entry's shapes and what it changed") {
  struct Case {
    const char* spelling;
    const char* name;
    std::uint64_t vocabulary, context;
  };
  constexpr Case cases[] = {
      {"dolphin3", "Dolphin 3.0 Llama 3.1 8B", 128258, 131072},
      {"deepcoder:14b-preview-q8_0", "DeepCoder 14B Preview", 152064, 131072},
      {"openchat_3.5", "OpenChat 3.5 7B", 32002, 8192},
      {"llama3-gradient", "Llama 3 8B Gradient 1048k", 128256, 1048576},
      {"zai-org/GLM-4.6V", "GLM-4.6V", 151552, 131072},
      {"bartowski/Yarn-Llama-2-7b-128k-GGUF", "Yarn Llama 2 7B 128k", 32000, 131072},
  };
  for (const auto& [spelling, name, vocabulary, context] : cases) {
    INFO(spelling);
    const auto found = find_model(spelling);
    REQUIRE(found);
    REQUIRE(found->fine_tune);
    CHECK(found->fine_tune->name == name);
    CHECK(found->entry.hparams.count("vocab_size") == vocabulary);
    CHECK(found->entry.hparams.count("context_length") == context);
  }
  CHECK_FALSE(find_model("llama3.1:8b")->fine_tune);
}

TEST_CASE("every fine-tune is found by its names and builds") {
  for (const auto& entry : all_models())
    for (const auto& tune : entry.fine_tunes) {
      INFO(tune.name);
      const auto found = find_model(tune.name);
      REQUIRE(found);
      CHECK(found->entry.id == entry.id);
      REQUIRE(found->fine_tune);
      CHECK(found->fine_tune->name == tune.name);
      CHECK_FALSE(tune.source.empty());
      CHECK(model_from_entry(found->entry));
    }
}

TEST_CASE("a name that says the weights were changed leads to the model, with the word") {
  CHECK(find_model("huihui-ai/Qwen2.5-7B-Instruct-abliterated-v3")->retrained == "abliterated");
  CHECK(find_model("p-e-w/gpt-oss-20b-heretic")->retrained == "heretic");
  CHECK(find_model("unsloth/Qwen3-8B-128K-GGUF")->retrained == "128k");
  // Where that is a model's own name, it is found as such.
  CHECK(find_model("llama2-uncensored:7b")->retrained.empty());
  CHECK(find_model("qwen3-8b")->retrained.empty());
  CHECK(find_model("abliterated").error().code == "unknown_model");
}

TEST_CASE("what a model's GGUF is used at") {
  CHECK(find_model("gemma3:12b-it-qat")->entry.usual_quant == "q4_0");
  CHECK(find_model("gemma3:12b")->entry.usual_quant.empty());
  CHECK(find_model("bge-m3")->entry.usual_quant == "f16");
  CHECK(find_model("whisper large v3")->entry.usual_quant == "f16");
}

TEST_CASE("an unknown size: the nearest ones of its family first") {
  CHECK(find_model("qwen3-9b").error().suggestions == Names{"qwen3-8b", "qwen3-14b", "qwen3-4b"});
  CHECK(find_model("llama3.2-2b").error().suggestions.front() == "llama3.2-3b");
}

TEST_CASE("every catalog model builds, and its tensors add up") {
  for (const auto& entry : all_models()) {
    INFO(entry.id);
    const auto model = model_from_entry(entry);
    if (!model) FAIL_CHECK(model.error().message);
    if (!model) continue;
    CHECK(model->spec.id == entry.id);
    CHECK(model->source == "catalog");
    const auto larger = std::max(model->parameters, entry.parameters),
               smaller = std::min(model->parameters, entry.parameters);
    CHECK(larger - smaller <= entry.parameters / 500);
  }
}

TEST_CASE("processors and memory platforms") {
  const auto cpu = find_cpu("AMD Ryzen 9 7950X3D 16-Core Processor (znver4)");
  REQUIRE(cpu);
  CHECK(cpu->id == "ryzen-9-7950x3d");
  CHECK(cpu->memory_type == "DDR5-5200");
  CHECK(cpu->channels == 2U);
  CHECK(cpu->cores == 16U);
  CHECK_FALSE(cpu->efficient_cores);
  CHECK(cpu->base_ghz == 4.2);
  CHECK(cpu->boost_ghz == 5.7);
  CHECK(cpu->vector_extension == "avx512");
  CHECK(find_cpu("i5-1335u")->efficient_cores == 8U);
  CHECK(cpu->bandwidth_gb_s == 83.2);
  CHECK_FALSE(cpu->measured_bandwidth_gb_s);
  CHECK(find_cpu("epyc 9274f")->measured_bandwidth_gb_s == 173.0);
  CHECK(find_cpu("epyc genoa")->channels == 12U);
  CHECK_FALSE(find_cpu("eswin eic7702")->bandwidth_gb_s);
  CHECK(find_cpu("i9-9999k").error().code == "unknown_cpu");
}

TEST_CASE("the catalog dates and fingerprints itself") {
  CHECK(catalog_version().size() == 10);
  CHECK(catalog_sha256().size() == 64);
}

TEST_CASE("a name of many publishers and many words of tuning is refused at once") {
  std::string name;
  for (int i = 0; i < 40; ++i) name += "qwen ";
  name += "zzz";
  for (int i = 0; i < 40; ++i) name += " pt";
  CHECK(find_model(name).error().code == "unknown_model");
}
