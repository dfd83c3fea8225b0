// The hardware files themselves: sorted, complete, in range, with a source for what they say.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "support/catch.hpp"
#include "willitrun/catalog.hpp"

using namespace willitrun;
using nlohmann::json;

namespace {

struct File {
  std::string name;
  json root;
};

const std::vector<File>& files() {
  static const auto all = [] {
    std::vector<File> list;
    for (const auto& item : std::filesystem::directory_iterator(WILLITRUN_DATA "/hardware")) {
      std::ifstream in(item.path());
      list.push_back({item.path().filename().string(), json::parse(in)});
    }
    std::sort(list.begin(), list.end(), [](const File& a, const File& b) { return a.name < b.name; });
    return list;
  }();
  return all;
}

template <class Check>
void each(Check check) {
  for (const auto& file : files())
    for (const auto& entry : file.root.at("devices")) {
      INFO(file.name << ": " << entry.value("id", ""));
      check(entry);
    }
}

bool is_cpu(const json& entry) { return entry.at("kind") == "system-memory"; }

const std::set<std::string> device_keys{"id",
                                        "name",
                                        "product",
                                        "default_variant",
                                        "vendor",
                                        "kind",
                                        "architecture",
                                        "compute_capability",
                                        "gfx_id",
                                        "arch_id",
                                        "memory_gib",
                                        "memory_options_gib",
                                        "memory_default_gib",
                                        "memory_type",
                                        "bus_width_bits",
                                        "data_rate_gbit_s",
                                        "bandwidth_gb_s",
                                        "fp16_matrix_tflops",
                                        "fp16_tflops",
                                        "fp32_tflops",
                                        "compute_units",
                                        "cpu_cores",
                                        "pcie",
                                        "tdp_w",
                                        "release_year",
                                        "msrp_usd",
                                        "aliases",
                                        "sources",
                                        "note"};
const std::set<std::string> cpu_keys{"id",
                                     "name",
                                     "kind",
                                     "memory_type",
                                     "channels",
                                     "bandwidth_gb_s",
                                     "measured_bandwidth_gb_s",
                                     "cores",
                                     "efficient_cores",
                                     "base_ghz",
                                     "boost_ghz",
                                     "vector_extension",
                                     "aliases",
                                     "sources",
                                     "note"};

}  // namespace

TEST_CASE("hardware files are sorted and name their schema and source") {
  for (const auto& file : files()) {
    INFO(file.name);
    CHECK(file.root.at("schema") == "willitrun.hardware/1");
    CHECK(file.root.at("source_note").get<std::string>().size() > 20);
    const auto& devices = file.root.at("devices");
    CHECK(std::is_sorted(devices.begin(), devices.end(), [](const json& a, const json& b) {
      return a.at("id").get<std::string>() < b.at("id").get<std::string>();
    }));
  }
}

TEST_CASE("hardware entries use known keys and carry sources") {
  std::set<std::string> ids[2];
  each([&](const json& entry) {
    for (const auto& [key, value] : entry.items()) {
      INFO(key);
      CHECK((is_cpu(entry) ? cpu_keys : device_keys).count(key) == 1);
      CHECK_FALSE(value.is_null());
    }
    CHECK(ids[is_cpu(entry) ? 1 : 0].insert(entry.at("id")).second);
    REQUIRE_FALSE(entry.at("sources").empty());
    for (const auto& source : entry.at("sources")) {
      CHECK_FALSE(source.at("what").get<std::string>().empty());
      CHECK_FALSE(source.at("source").get<std::string>().empty());
      // A value settled against another source says how.
      if (source.at("source") == "settled, see note") CHECK_FALSE(entry.value("note", "").empty());
    }
  });
}

TEST_CASE("hardware figures are in range and agree with each other") {
  each([](const json& entry) {
    if (is_cpu(entry)) return;
    const auto vendor = entry.at("vendor").get<std::string>();
    CHECK(std::set<std::string>{"nvidia", "amd", "intel", "apple", "qualcomm", "other"}.count(vendor) == 1);
    const auto kind = entry.at("kind").get<std::string>();
    CHECK((kind == "discrete" || kind == "unified"));
    const double bandwidth = entry.at("bandwidth_gb_s");
    CHECK(bandwidth >= 10);
    CHECK(bandwidth <= 10'000);
    if (entry.contains("bus_width_bits") && entry.contains("data_rate_gbit_s")) {
      const double computed = entry["bus_width_bits"].get<double>() * entry["data_rate_gbit_s"].get<double>() / 8;
      CHECK(std::abs(computed - bandwidth) <= 0.01 * bandwidth);
    }
    if (entry.contains("fp16_matrix_tflops") && entry.contains("fp16_tflops"))
      CHECK(entry["fp16_matrix_tflops"].get<double>() >= entry["fp16_tflops"].get<double>());
    if (entry.contains("release_year")) {
      CHECK(entry["release_year"].get<int>() >= 2012);
      CHECK(entry["release_year"].get<int>() <= 2026);
    }
    if (entry.contains("memory_options_gib")) {
      const auto options = entry["memory_options_gib"].get<std::vector<double>>();
      CHECK(options.size() >= 2);
      CHECK(std::is_sorted(options.begin(), options.end()));
      CHECK(std::count(options.begin(), options.end(), entry.at("memory_default_gib").get<double>()) == 1);
    }
    // Cards with CUDA need their capability: kernels and context size depend on it.
    if (vendor == "nvidia") CHECK(entry.contains("compute_capability"));
    if (vendor == "apple") CHECK(entry.contains("compute_units"));
  });
}

TEST_CASE("system memory bandwidth is transfers times width") {
  each([](const json& entry) {
    if (!is_cpu(entry)) return;
    const auto type = entry.value("memory_type", "");
    const auto dash = type.rfind('-');
    if (dash == std::string::npos || !entry.contains("channels") || !entry.contains("bandwidth_gb_s")) return;
    const double computed = std::stod(type.substr(dash + 1)) * 8 * entry["channels"].get<double>() / 1000;
    CHECK(std::abs(computed - entry["bandwidth_gb_s"].get<double>()) <= 0.01 * computed);
  });
}

TEST_CASE("every product has one default variant") {
  std::map<std::string, int> defaults;
  each([&](const json& entry) {
    if (!is_cpu(entry)) defaults[entry.at("product")] += entry.value("default_variant", false) ? 1 : 0;
  });
  for (const auto& [product, count] : defaults) {
    INFO(product);
    CHECK(count == 1);
  }
}

TEST_CASE("the hardware catalog keeps its size") {
  std::size_t devices = 0, cpus = 0;
  each([&](const json& entry) { ++(is_cpu(entry) ? cpus : devices); });
  CHECK(devices >= 415);
  CHECK(cpus >= 170);
  CHECK(all_devices().size() >= 500);
  CHECK(all_cpus().size() == cpus);
}
