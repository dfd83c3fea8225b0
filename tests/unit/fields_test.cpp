#include "willitrun/fields.hpp"

#include "support/catch.hpp"
#include "support/json_schema.hpp"
#include "willitrun/formats.hpp"

using namespace willitrun;
using namespace willitrun::test;

namespace {

/// Two devices and everything optional there, so that its JSON has every key a result can have.
Report full_report() {
  Report report;
  report.id_json = "7";
  report.request = {
      {"model", std::string("m")}, {"gpu", std::vector<std::string>{"a", "b"}}, {"ctx", std::int64_t{8192}}};
  report.assumptions = {{"backend", "llama.cpp's cuda backend"}};
  report.model.name = "Tab\tand \"quotes\", 1";
  report.model.parameters = 42;
  report.machine.devices.resize(2);
  report.machine.devices[0].id = "gpu0";
  report.machine.devices[1].id = "gpu1";
  report.devices = {{.weights = 100}, {.weights = 50, .compute = 7}};
  report.usable = {200, 200};
  report.verdict = {VerdictCode::offload, true, {{"layers_on_host", "12 of 33 layers on the GPU"}}};
  const Range range{1, 2, 3};
  report.speed.decode_tokens_per_s = report.speed.prefill_tokens_per_s = report.speed.time_to_first_token_s = range;
  report.speed.measured_decode = MeasuredSpeed{};
  report.speed.measured_prefill = MeasuredSpeed{};
  report.speed.measured_prefill->tokens = 512;
  report.speed.parallel = ParallelSpeed{4, range, range};
  report.speed.notes = {"a note"};
  report.alternatives = {{"--quant q4_k_s", VerdictCode::fits}};
  report.commands = {{"llama.cpp", "llama-server"}, {"ollama", "ollama serve"}, {"lmstudio", "lms load"}};
  report.warnings = {{"code", "message"}};
  return report;
}

Fields fields(std::vector<std::string> texts) {
  const auto out = Fields::parse(texts);
  if (!out) FAIL(out.error().message);
  return *out;
}

std::string refusal(const std::string& text) {
  const auto out = Fields::parse(std::vector<std::string>{text});
  return out ? "taken" : out.error().message;
}

}  // namespace

TEST_CASE("the result schema names every key of a result, so that every path is known") {
  CHECK(schema_problems(to_json(full_report(), false), "result", {}, true) == std::vector<std::string>{});
  CHECK(schema_problems(to_json(Report{}, false), "result", {}, true) == std::vector<std::string>{});
}

TEST_CASE("fields keep the order and nesting of the result") {
  CHECK(to_json(full_report(), fields({"memory.total_bytes", "verdict.code,id"})) ==
        R"({"id":7,"verdict":{"code":"offload"},"memory":{"total_bytes":157}})");
  CHECK(to_json(full_report(), fields({"commands.llama.cpp,commands.ollama"})) ==
        R"({"commands":{"llama.cpp":"llama-server","ollama":"ollama serve"}})");
  CHECK(to_json(full_report(), fields({"verdict,verdict.code"})) == to_json(full_report(), fields({"verdict"})));
}

TEST_CASE("elements of a list keep their numbers") {
  CHECK(to_json(full_report(), fields({"memory.devices.1.compute_bytes"})) ==
        R"({"memory":{"devices":[null,{"compute_bytes":7}]}})");
  CHECK(to_json(full_report(), fields({"memory.devices.00.id,request.gpu.1"})) ==
        R"({"request":{"gpu":[null,"b"]},"memory":{"devices":[{"id":"gpu0"}]}})");
}

TEST_CASE("what a result can have and this one has not is null") {
  CHECK(to_json(Report{}, fields({"speed.decode_tokens_per_s.mid,request.vram,memory.devices.9.id"})) ==
        R"({"request":{"vram":null},"memory":{"devices":[]},"speed":{"decode_tokens_per_s":null}})");
  CHECK(values(Report{}, fields({"speed.decode_tokens_per_s.mid,request.vram,memory.devices.9.id"})) ==
        std::vector<std::string>{"", "", ""});
}

TEST_CASE("values come in the order asked, lists as JSON") {
  CHECK(values(full_report(), fields({"memory.total_bytes,verdict.met,request.gpu", "model.name"})) ==
        std::vector<std::string>{"157", "true", R"(["a","b"])", "Tab\tand \"quotes\", 1"});
}

TEST_CASE("each format writes fields its own way") {
  const auto written = [](std::string_view format) {
    return (*find_format(format, Subject::report))->fields(full_report(), fields({"model.name,model.parameters"}));
  };
  CHECK(written("text") == "Tab\\tand \"quotes\", 1\t42\n");
  CHECK(written("csv") == "model.name,model.parameters\n\"Tab\tand \"\"quotes\"\", 1\",42\n");
  CHECK(written("md") == "| model.name | model.parameters |\n| --- | --- |\n| Tab and \"quotes\", 1 | 42 |\n");
  CHECK(written("json") == "{\"model\":{\"name\":\"Tab\\tand \\\"quotes\\\", 1\",\"parameters\":42}}\n");
  CHECK(written("ndjson") == written("json"));
}

TEST_CASE("an unknown path is refused with what it may have meant") {
  CHECK(refusal("verdict.cod") ==
        "--fields 'verdict.cod': no such value in a result; did you mean verdict.code, verdict or verdict.met?");
  CHECK(refusal("memory.devices.total_bytes") ==
        "--fields 'memory.devices.total_bytes': no such value in a result; did you mean memory.devices.0.total_bytes?");
  CHECK(refusal("sha256") == "--fields 'sha256': no such value in a result; did you mean catalog.sha256?");
  CHECK(refusal("verdict.code,") == "--fields '': no such value in a result; `willitrun schema result` lists them");
  for (const auto* bad : {"verdict.", ".verdict", "verdict..code", "verdict.code.x", "memory.devices.-1.id", "id.x",
                          "memory.devices.99999999999999999999.id", "memory.devices.0x.id"}) {
    CAPTURE(bad);
    CHECK(refusal(bad).starts_with("--fields '"));
  }
  CHECK(refusal(std::string(5000, 'x')).size() < 6000);
}
