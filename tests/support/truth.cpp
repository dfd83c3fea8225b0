#include "support/truth.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "willitrun/catalog.hpp"
#include "willitrun/quant.hpp"

namespace willitrun::test {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) out.push_back(part);
  return out;
}

std::uint32_t number(const std::string& text) { return static_cast<std::uint32_t>(std::stoul(text)); }

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

Sizes sizes_of(const std::string& text) {
  const auto parts = split(text, '/');
  return {std::stoull(parts.at(0)), std::stoull(parts.at(1)), std::stoull(parts.at(2))};
}

void read_arguments(const std::string& text, MemoryTruth& out) {
  auto& p = out.params;
  out.gpu_layers = std::numeric_limits<std::uint32_t>::max();
  for (const auto& argument : split(text, ',')) {
    const auto equals = argument.find('=');
    const auto key = argument.substr(0, equals);
    const auto value = argument.substr(equals + 1);
    if (key == "c")
      p.n_ctx = number(value);
    else if (key == "nout")
      p.n_outputs = value == "0" ? std::numeric_limits<std::uint32_t>::max() : number(value);
    else if (key == "ctk")
      p.type_k = value_of(find_cache_type(value));
    else if (key == "ctv")
      p.type_v = value_of(find_cache_type(value));
    else if (key == "fa")
      p.flash_attn = value != "0";
    else if (key == "ub")
      p.n_ubatch = number(value);
    else if (key == "np")
      p.n_seq_max = number(value);
    else if (key == "kvu")
      p.kv_unified = value != "0";
    else if (key == "ngl")
      out.gpu_layers = number(value);
    else if (key == "ncmoe")
      out.cpu_moe_layers = number(value);
    else if (key == "nkvo")
      p.offload_kqv = value == "0";
    else if (key == "swafull")
      p.swa_full = value != "0";
    else if (key == "sm")
      for (const auto& share : split(value, ':')) out.slices.push_back(std::stod(share));
    else if (key != "cpu" && key != "emb")
      throw std::runtime_error("unknown argument in truth: " + key);
  }
}

}  // namespace

std::vector<std::map<std::string, std::string>> read_table(const std::string& file) {
  std::ifstream stream(std::string(WILLITRUN_TEST_DATA) + "/oracle/truth/" + file);
  if (!stream) throw std::runtime_error("cannot read " + file);
  std::vector<std::string> columns;
  std::vector<std::map<std::string, std::string>> rows;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with('#')) continue;
    auto cells = split(line, '\t');
    if (columns.empty()) {
      columns = std::move(cells);
      continue;
    }
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i) row[columns[i]] = cells.at(i);
  }
  return rows;
}

std::shared_ptr<const WeighedModel> catalog_model(const std::string& name, const std::string& quant) {
  static std::map<std::string, std::shared_ptr<const WeighedModel>> known;
  auto& entry = known[name + ' ' + quant];
  if (!entry) {
    auto model = value_of(model_from_entry(value_of(find_model(name)).entry));
    apply_quant(value_of(find_quant(quant)), model.spec, model.tensors);
    entry = weigh_model(std::move(model));
  }
  return entry;
}

std::vector<MemoryTruth> memory_truth() {
  std::vector<MemoryTruth> out;
  for (const auto& row : read_table("memory.tsv")) {
    auto& truth = out.emplace_back();
    truth.model = row.at("model");
    truth.quant = row.at("quant");
    truth.config = row.at("config");
    truth.n_ctx = number(row.at("n_ctx"));
    truth.n_device = number(row.at("gpus"));
    read_arguments(row.at("args"), truth);
    for (const auto& load : split(row.at("loads"), ' ')) truth.sizes.push_back(sizes_of(load));
    if (truth.n_device == 0) truth.sizes.erase(truth.sizes.begin(), truth.sizes.end() - 1);
  }
  return out;
}

std::vector<Sizes> predict(const MemoryTruth& truth, ResolvedContext* context) {
  const auto footprint = measure(catalog_model(truth.model, truth.quant), truth.params);
  if (context != nullptr) *context = footprint.context;
  const auto layers = std::min(truth.gpu_layers, footprint.spec().n_layer + 1);
  const auto& params = truth.params;
  const auto split =
      truth.slices.empty()
          ? make_split(footprint.spec().n_layer, layers, std::vector<double>(truth.n_device, 1.0), truth.cpu_moe_layers,
                       params.offload_kqv)
          : make_sliced_split(footprint.spec().n_layer, layers, truth.slices, truth.cpu_moe_layers, params.offload_kqv);
  const auto loads = distribute(footprint, split);
  // llama.cpp makes the buffers that sums meet in later, and does not count them.
  const auto uncounted = reduction_bytes(footprint.spec(), footprint.context, split);
  std::vector<Sizes> out;
  const auto add = [&](const Load& load) { out.push_back({load.weights, load.kv_cache + load.state, load.compute}); };
  for (const auto& load : loads.devices) {
    add(load);
    out.back().compute -= uncounted;
  }
  add(loads.host);
  return out;
}

std::vector<PlacementTruth> placement_truth() {
  std::vector<PlacementTruth> out;
  for (const auto& row : read_table("placement.tsv"))
    out.push_back({row.at("model"), row.at("quant"), number(row.at("vram_mib")) * mib,
                   number(row.at("margin_mib")) * mib, number(row.at("gpus")), number(row.at("ctx")),
                   number(row.at("n_ctx")), number(row.at("overrides")), std::stoi(row.at("n_gpu_layers"))});
  return out;
}

Placement predict(const PlacementTruth& truth) {
  Machine machine;
  for (std::uint32_t i = 0; i < truth.n_device; ++i) {
    Device device;
    device.memory_bytes = device.visible_bytes = truth.vram;
    device.reserve_bytes = truth.margin;
    machine.devices.push_back(device);
  }
  const auto model = catalog_model(truth.model, truth.quant);
  ContextParams params;
  // The table was measured through the library's defaults, where sliding layers keep a full-size cache.
  params.swa_full = true;
  params.n_ctx = truth.ctx;
  if (truth.ctx == 0) params.n_ctx = chosen_context(measure(model, params), machine, {});
  return solve_placement(measure(model, params), machine, {});
}

}  // namespace willitrun::test
