#include "willitrun/catalog_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "willitrun/architecture.hpp"
#include "willitrun/catalog_reader.hpp"
#include "willitrun/units.hpp"

namespace willitrun {
namespace {

constexpr double most_deviation = 0.001;  // the bundled catalog's own bound

const CatalogTables& embedded_tables() {
  static const CatalogTables tables{catalog_data::models(), catalog_data::devices(), catalog_data::cpus()};
  return tables;
}

struct Layer {
  std::string name;
  std::vector<std::unique_ptr<LayeredTable>> parts;
  CatalogTables tables;
};
std::vector<std::unique_ptr<Layer>>& layers() {
  static std::vector<std::unique_ptr<Layer>> all;
  return all;
}

void lay(Layer& layer, catalog_data::Table& table, const AddedTable& added) {
  if (added.entries.empty()) return;
  layer.parts.push_back(std::make_unique<LayeredTable>(table, added.entries, added.rows));
  table = layer.parts.back()->table();
}

/// Whether the shapes can be read and make up the stated total.
void check_shapes(const PlacedEntry<ModelEntry>& placed, std::vector<Error>& problems) {
  const auto& entry = placed.entry;
  const auto hparams = placed.value.find("hparams");
  const auto architecture = placed.value.find("architecture");
  if (!hparams || !architecture || entry.architecture.empty()) return;
  if (!is_known_architecture(entry.architecture)) {
    ModelSpec nothing;
    nothing.architecture = entry.architecture;
    const auto unknown = tensor_inventory(nothing);
    if (unknown) return;
    problems.push_back(architecture->error(unknown.error().message));
    problems.back().suggestions = unknown.error().suggestions;
    return;
  }
  if (!placed.readable) return;
  const auto model = model_from_entry(entry);
  if (!model) {
    problems.push_back(hparams->error(model.error().message));
    return;
  }
  const auto total = placed.value.find("parameters");
  if (!total || entry.parameters == 0) return;
  const auto stated = static_cast<double>(entry.parameters);
  const auto off = (static_cast<double>(model->parameters) - stated) / stated;
  if (std::abs(off) > most_deviation)
    problems.push_back(
        total->error(fmt::format("the shapes make {} parameters, {:+.2f} % off the {} stated",
                                 format_grouped(model->parameters), 100 * off, format_grouped(entry.parameters))));
}

CatalogProblem problem_of(const Error& error, std::string_view what) {
  auto parts = parts_of(error, what);
  return {parts.place.line,         parts.place.column, std::move(parts.path),
          std::move(parts.message), error.suggestions,  error.message};
}

}  // namespace

const CatalogTables& catalog_tables() { return layers().empty() ? embedded_tables() : layers().back()->tables; }

CatalogCheck check_catalog(std::string_view json, std::string_view what) {
  auto file = read_catalog_file(json, what);
  for (const auto& model : file.models) check_shapes(model, file.problems);
  CatalogCheck out{file.models.size(), file.devices.size(), file.cpus.size(), {}};
  for (const auto& problem : file.problems) out.problems.push_back(problem_of(problem, what));
  std::stable_sort(out.problems.begin(), out.problems.end(), [](const CatalogProblem& a, const CatalogProblem& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  return out;
}

std::optional<Error> add_catalog(std::string_view json, std::string_view what) {
  const auto file = read_catalog_file(json, what);
  if (!file.problems.empty()) {
    auto error = file.problems.front();
    error.code = "bad_catalog";
    return error;
  }
  auto layer = std::make_unique<Layer>();
  layer->name = what;
  layer->tables = catalog_tables();
  lay(*layer, layer->tables.models, file.model_table);
  lay(*layer, layer->tables.devices, file.device_table);
  lay(*layer, layer->tables.cpus, file.cpu_table);
  layers().push_back(std::move(layer));
  return std::nullopt;
}

std::vector<std::string> added_catalogs() {
  std::vector<std::string> out;
  for (const auto& layer : layers()) out.push_back(layer->name);
  return out;
}

void remove_added_catalogs() { layers().clear(); }

}  // namespace willitrun
