// Every spelling in spellings.txt must find exactly the entry it stands for.
#include <fstream>
#include <string>

#include "support/catch.hpp"
#include "willitrun/catalog.hpp"

using namespace willitrun;

namespace {

std::string answer(const std::string& kind, const std::string& spelling) {
  if (kind == "gpu") {
    const auto found = find_device(spelling);
    if (!found) return "!" + found.error().code;
    return found->entry.id + (found->count > 1 ? " x" + std::to_string(found->count) : "");
  }
  if (kind == "cpu") {
    const auto found = find_cpu(spelling);
    return found ? found->id : "!" + found.error().code;
  }
  const auto found = find_model(spelling);
  if (!found) return "!" + found.error().code;
  return found->entry.id + (found->quant.empty() ? "" : " " + found->quant);
}

}  // namespace

TEST_CASE("people's spellings find their entries") {
  std::ifstream in(WILLITRUN_TEST_DATA "/catalog/spellings.txt");
  REQUIRE(in);
  std::size_t gpus = 0, cpus = 0, models = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto colon = line.find(": ");
    const auto arrow = line.rfind(" -> ");
    REQUIRE(colon != std::string::npos);
    REQUIRE(arrow != std::string::npos);
    const auto kind = line.substr(0, colon);
    const auto spelling = line.substr(colon + 2, arrow - colon - 2);
    INFO(line);
    CHECK(answer(kind, spelling) == line.substr(arrow + 4));
    ++(kind == "gpu" ? gpus : kind == "cpu" ? cpus : models);
  }
  CHECK(gpus >= 400);
  CHECK(cpus >= 150);
  CHECK(models >= 100);
}

TEST_CASE("every entry is found by its own id and name") {
  for (const auto& device : all_devices()) {
    for (const auto& name : {device.id, device.name}) {
      INFO(name);
      const auto found = find_device(name);
      if (!found) FAIL_CHECK(found.error().message);
      if (found) CHECK(found->entry.id == device.id);
      if (found) CHECK(found->other_variants.empty());
    }
  }
  for (const auto& cpu : all_cpus()) {
    INFO(cpu.id);
    const auto found = find_cpu(cpu.name);
    CHECK((found && found->id == cpu.id));
  }
  for (const auto& model : all_models()) {
    INFO(model.id);
    const auto by_id = find_model(model.id), by_name = find_model(model.name);
    CHECK((by_id && by_id->entry.id == model.id));
    CHECK((by_name && by_name->entry.id == model.id));
  }
}
