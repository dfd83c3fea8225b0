// Printed commands: what a shell makes of foreign names in them.
#include "support/catch.hpp"
#include "support/truth.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/check.hpp"
#include "willitrun/machine.hpp"

using namespace willitrun;
using namespace willitrun::test;

namespace {

/// The commands for a file of that name, whose model has that id.
std::string commands_for(const std::string& file, const std::string& id) {
  auto model = catalog_model("llama3.2-1b", "q4_0")->model;
  model.spec.id = id;
  MachineRequest machine;
  machine.devices.push_back(find_device("rtx3060")->entry);
  CheckRequest request;
  request.machine = assemble_machine(machine);
  request.model = weigh_model(std::move(model));
  request.model_file = file;
  request.quant = "Q4_0";
  const auto report = check(request);
  REQUIRE(report);
  std::string out;
  for (const auto& [engine, command] : report->commands) out += command + '\n';
  return out;
}

}  // namespace

TEST_CASE("names that a shell would read are quoted, those for Ollama and LM Studio respelled") {
  CHECK(commands_for("sp ace/$(id).gguf", "-$(id) x") ==
        "llama-server -m 'sp ace/$(id).gguf' -c 8192 -ngl 99 -np 1\n"
        "(echo FROM './sp ace/$(id).gguf'; echo PARAMETER num_ctx 8192; echo PARAMETER num_gpu 17) > id-x.Modelfile && "
        "ollama create id-x -f id-x.Modelfile && ollama run id-x\n"
        "lms load id-x --context-length 8192 --gpu max\n");
  CHECK(commands_for("/data/it's.gguf", "it's") ==
        "llama-server -m '/data/it'\\''s.gguf' -c 8192 -ngl 99 -np 1\n"
        "(echo FROM '/data/it'\\''s.gguf'; echo PARAMETER num_ctx 8192; echo PARAMETER num_gpu 17) > it-s.Modelfile && "
        "ollama create it-s -f it-s.Modelfile && ollama run it-s\n"
        "lms load it-s --context-length 8192 --gpu max\n");
}
