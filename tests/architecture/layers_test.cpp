// Includes point one way only: the order of the layers, held against the #include lines.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

// From the ground up. A header may include those of its own line and of earlier ones.
const std::vector<std::vector<std::string>> layers{
    {"result", "units", "version", "schema", "correction", "llama_bench"},
    {"tensor_type", "metadata"},
    {"model", "hardware", "embedding_tables", "probe"},
    {"architecture", "quant", "gguf", "model_spec", "catalog", "catalog_file", "safetensors", "hf_model"},
    {"kv_cache", "weights", "split", "machine", "detect"},
    {"compute"},
    {"footprint"},
    {"placement"},
    {"speed"},
    {"calibrate"},
    {"verdict"},
    {"report"},
    {"outcome", "quality"},
    {"fields"},
    {"formats"},
    {"check"},
    {"manifest", "lock", "budget", "fits", "needs", "cost", "sweep"},
    {"glossary", "troubleshoot"},
};

std::size_t layer_of(const std::string& header) {
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (std::find(layers[i].begin(), layers[i].end(), header) != layers[i].end()) return i;
  return layers.size();
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::filesystem::path> sources(const char* folder) {
  std::vector<std::filesystem::path> out;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(WILLITRUN_TEST_DATA).parent_path() / folder))
    if (entry.path().extension() == ".cpp" || entry.path().extension() == ".hpp") out.push_back(entry.path());
  return out;
}

}  // namespace

TEST_CASE("public headers include only their own layer and those below") {
  const std::regex include("#include \"willitrun/([a-z_]+)\\.hpp\"");
  for (const auto& path : sources("include")) {
    const auto own = layer_of(path.stem().string());
    CAPTURE(path.string());
    REQUIRE(own < layers.size());
    for (const auto& line : lines_of(path)) {
      std::smatch match;
      if (!std::regex_search(line, match, include)) continue;
      CAPTURE(line);
      CHECK(layer_of(match[1]) <= own);
    }
  }
}

TEST_CASE("public headers name no third party, and the library never sees the command line") {
  for (const auto& path : sources("include"))
    for (const auto& line : lines_of(path)) {
      CAPTURE(path.string(), line);
      CHECK_FALSE(std::regex_search(line, std::regex("#include <(fmt|nlohmann|CLI|catch2)/")));
    }
  for (const auto& path : sources("src/willitrun"))
    for (const auto& line : lines_of(path)) {
      CAPTURE(path.string(), line);
      CHECK_FALSE(std::regex_search(line, std::regex("#include (\"cli/|<CLI/|<iostream>|<fstream>|<cstdio>)")));
      CHECK_FALSE(std::regex_search(line, std::regex("getenv")));
    }
}

TEST_CASE("only one file sees the command line parser") {
  std::vector<std::string> seers;
  for (const auto& path : sources("src"))
    for (const auto& line : lines_of(path))
      if (line.find("#include <CLI/") != std::string::npos) seers.push_back(path.filename().string());
  CHECK(seers == std::vector<std::string>{"arguments.cpp"});
}

TEST_CASE("hand-written files stay short") {
  for (const auto* folder : {"src", "include", "tests"})
    for (const auto& path : sources(folder)) {
      CAPTURE(path.string());
      CHECK(lines_of(path).size() <= 400);
    }
}
