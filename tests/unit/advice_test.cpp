// Advice holds when it is followed: every change offered is typed again, and the longest context is the longest.
#include <sstream>

#include "support/catch.hpp"
#include "support/sample.hpp"
#include "willitrun/catalog.hpp"

using namespace willitrun;
using namespace willitrun::test;

namespace {

/// The device in place of the present one; what else was said of the machine stays.
Machine with_device(const Machine& machine, const std::string& name) {
  const auto found = find_device(name);
  REQUIRE(found);
  MachineRequest request;
  request.devices.assign(found->count, found->entry);
  request.os = machine.os;
  request.backend = machine.backend;
  request.vllm = machine.share.has_value();
  const auto& present = machine.devices[0];
  if (machine.reserve_share > 0)
    request.reserve = {Reserve::Kind::percent, 0, 100 * machine.reserve_share};
  else if (!machine.share)
    request.reserve = {Reserve::Kind::bytes, present.reserve_bytes, 0};
  auto out = assemble_machine(request);
  if (machine.share) claim_share(out, *machine.share);
  out.host = machine.host;
  return out;
}

void apply(const std::string& option, const std::string& value, CheckRequest& request) {
  if (option == "--kv") {
    request.context.type_k = request.context.type_v = *find_cache_type(value);
  } else if (option == "--parallel") {
    request.context.n_seq_max = static_cast<std::uint32_t>(std::stoul(value));
  } else if (option == "--ubatch") {
    request.context.n_ubatch = static_cast<std::uint32_t>(std::stoul(value));
  } else if (option == "--ctx") {
    request.context.n_ctx = request.requested_ctx = static_cast<std::uint32_t>(std::stoul(value));
    request.longest_ctx = false;
  } else if (option == "--quant") {
    request.model = request.at_quant(value);
    request.quant = value;
  } else if (option == "--gpu") {
    request.machine = with_device(request.machine, value);
  } else if (option == "--vram") {
    auto& device = request.machine.devices[0];
    device.memory_bytes = device.visible_bytes = *parse_size(value, "--vram");
  } else if (option == "--reserve") {
    claim_share(request.machine, 1 - std::stod(value) / 100);
  } else if (option == "--ram") {
    MachineRequest machine;
    machine.ram = *parse_size(value, "--ram");
    machine.reserve = {Reserve::Kind::percent, 0, 100 * request.machine.reserve_share};
    request.machine.host.memory_bytes = machine.ram;
    if (request.machine.reserve_share > 0 && request.machine.devices.empty())
      request.machine.host = assemble_machine(machine).host;
  } else if (option == "--gpu-layers" && value == "auto") {
    request.placement.gpu_layers.reset();
  } else if (option == "--cpu-moe-layers" && value == "auto") {
    request.placement.cpu_moe_layers.reset();
  } else {
    FAIL("unknown advice: " << option << ' ' << value);
  }
}

CheckRequest followed(const CheckRequest& request, const std::string& change) {
  auto out = request;
  out.advise = false;
  std::istringstream words(change);
  for (std::string option, value; words >> option >> value;) apply(option, value, out);
  return out;
}

/// Checks every alternative of a question; returns how many there were.
std::size_t check_advice(const CheckRequest& request) {
  INFO(describe(request));
  const auto report = check(request);
  REQUIRE(report);
  for (const auto& alternative : report->alternatives) {
    INFO(alternative.change << " for " << name_of(alternative.verdict));
    CHECK(static_cast<int>(alternative.verdict) < static_cast<int>(report->verdict.code));
    const auto after = check(followed(request, alternative.change));
    REQUIRE(after);
    // What is said of another device allows for as much overhead as the present one has.
    if (alternative.change.starts_with("--gpu ") || alternative.change.starts_with("--vram "))
      CHECK(static_cast<int>(after->verdict.code) <= static_cast<int>(alternative.verdict));
    else
      CHECK(name_of(after->verdict.code) == name_of(alternative.verdict));
  }
  return report->alternatives.size();
}

/// A question to vLLM, at 16 bits.
CheckRequest served_question(const std::string& model, const std::string& gpus, std::uint32_t n_ctx) {
  const auto devices = find_device(gpus);
  REQUIRE(devices);
  MachineRequest machine;
  machine.vllm = true;
  machine.devices.assign(devices->count, devices->entry);
  CheckRequest out;
  out.machine = assemble_machine(machine);
  out.at_quant = [model](std::string_view quant) { return catalog_model(model, std::string(quant)); };
  out.quant = model.starts_with("gpt-oss") ? "mxfp4_moe" : "bf16";
  out.model = out.at_quant(out.quant);
  out.speed.engine = Engine::vllm;
  out.context.served = ServedBatch{};
  out.context.input_on_device = true;
  out.context.n_ctx = out.requested_ctx = n_ctx;
  out.placement.split_mode = SplitMode::parallel;
  out.placement.gpu_layers = 999;
  return out;
}

CheckRequest at_context(CheckRequest request, std::uint32_t n_ctx) {
  request.context.n_ctx = request.requested_ctx = n_ctx;
  request.advise = false;
  return request;
}

bool resident(VerdictCode code) { return code == VerdictCode::fits || code == VerdictCode::tight; }

}  // namespace

TEST_CASE("advice holds when it is followed") {
  Sampler sampler(11);
  std::size_t offered = 0;
  for (int i = 0; i < 300; ++i) offered += check_advice(sampler.question());
  CHECK(offered > 80);
}

TEST_CASE("advice holds where the longest context was asked for") {
  Sampler sampler(12);
  for (int i = 0; i < 40; ++i) {
    auto request = sampler.question();
    request.longest_ctx = true;
    (void)check_advice(request);
  }
}

TEST_CASE("advice holds where speed is required") {
  Sampler sampler(13);
  for (int i = 0; i < 40; ++i) {
    auto request = sampler.question();
    request.requirement.min_tokens_per_s = 10;
    (void)check_advice(request);
  }
}

TEST_CASE("advice of another device holds where a share of the memory is reserved") {
  std::size_t offered = 0;
  for (const auto* quant : {"q8_0", "q6_k", "q5_k_m", "q4_k_m"})
    for (const auto* model : {"qwen3-14b", "qwen2.5-32b", "gemma3-27b"}) {
      MachineRequest machine;
      machine.devices.push_back(find_device("rtx3060")->entry);
      machine.reserve = {Reserve::Kind::percent, 0, 10};
      CheckRequest request;
      request.machine = assemble_machine(machine);
      request.model = catalog_model(model, quant);
      request.context.n_ctx = request.requested_ctx = 8192;
      const auto report = check(request);
      REQUIRE(report);
      for (const auto& alternative : report->alternatives) {
        if (!alternative.change.starts_with("--gpu ")) continue;
        INFO(model << " at " << quant << ": " << alternative.change);
        ++offered;
        CHECK(name_of(check(followed(request, alternative.change))->verdict.code) == name_of(alternative.verdict));
      }
    }
  CHECK(offered > 5);
}

TEST_CASE("advice of more system memory holds where a share of it is reserved") {
  MachineRequest machine;
  machine.ram = 16 * gib;
  machine.reserve = {Reserve::Kind::percent, 0, 10};
  CheckRequest request;
  request.machine = assemble_machine(machine);
  request.context.n_ctx = request.requested_ctx = 8192;
  request.model = catalog_model("deepseek-r1", "q4_k_m");
  CHECK(check_advice(request) == 1);
}

TEST_CASE("advice holds for vLLM, and is of its own kind") {
  std::string all;
  for (const auto* gpus : {"rtx4090", "2xrtx3090", "h100-sxm5-80gb", "rtx5090"})
    for (const std::uint32_t n_ctx : {8192U, 32768U, 45000U, 131072U})
      for (const auto* model : {"llama3.1-8b", "qwen3-32b", "gpt-oss-20b"}) {
        const auto request = served_question(model, gpus, n_ctx);
        (void)check_advice(request);
        const auto report = check(request);
        for (const auto& alternative : report->alternatives) all += alternative.change + '\n';
      }
  for (const auto* change : {"--kv fp8", "--reserve 5%", "--ctx", "--quant fp8", "--quant awq", "--gpu 2x"}) {
    CAPTURE(change, all);
    CHECK(all.find(change) != std::string::npos);
  }
  CHECK(all.find("q8_0") == std::string::npos);
}

TEST_CASE("a larger quant that is said to fit does") {
  Sampler sampler(15);
  std::size_t offered = 0;
  for (int i = 0; i < 60; ++i) {
    auto request = sampler.question();
    INFO(describe(request));
    const auto report = check(request);
    REQUIRE(report);
    if (!report->larger_quant) continue;
    ++offered;
    const auto after = check(followed(request, "--quant " + report->larger_quant->quant));
    REQUIRE(after);
    CHECK(after->verdict.code == VerdictCode::fits);
    CHECK(after->model.weights_bytes > report->model.weights_bytes);
  }
  CHECK(offered > 3);
}

TEST_CASE("the longest context is the longest") {
  Sampler sampler(14);
  for (int i = 0; i < 80; ++i) {
    auto request = sampler.question();
    INFO(describe(request));
    const auto report = check(request);
    REQUIRE(report);
    const auto own = request.model->model.spec.n_ctx_train / 256 * 256;
    const auto code_at = [&](std::uint32_t n_ctx) { return check(at_context(request, n_ctx))->verdict.code; };
    if (const auto longest = report->context.max_on_gpu.value_or(0); longest > 0) {
      INFO("on the device " << longest);
      CHECK(longest <= own);
      CHECK(resident(code_at(longest)));
      if (longest < own) CHECK_FALSE(resident(code_at(longest + 256)));
    }
    if (const auto longest = report->context.max.value_or(0); longest > 0) {
      INFO("anywhere " << longest);
      CHECK(longest >= report->context.max_on_gpu.value_or(0));
      CHECK(code_at(longest) != VerdictCode::wont_run);
      if (longest < own) CHECK(code_at(longest + 256) == VerdictCode::wont_run);
    }
    if (resident(report->verdict.code) && report->context.max_on_gpu)
      CHECK(*report->context.max_on_gpu >= std::min(request.context.n_ctx / 256 * 256, own));
  }
}
