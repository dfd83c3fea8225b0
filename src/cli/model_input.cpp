#include "cli/model_input.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "willitrun/catalog.hpp"
#include "willitrun/quant.hpp"

namespace willitrun::cli {
namespace {

constexpr std::string_view default_quant = "q4_k_m";  // what Ollama and LM Studio download when none is named

/// The preset to use: as typed, as named along with the model, as the model is published when that is already
/// quantised, else the usual one.
Result<QuantPreset> choose_quant(const std::optional<std::string>& typed, const Found<ModelEntry>& found,
                                 std::vector<Assumption>& assumptions) {
  if (typed) return find_quant(*typed);
  if (!found.quant.empty()) return find_quant(found.quant);
  if (const auto native = find_quant(found.entry.native_quant); native && is_block_quantized(native->type)) {
    assumptions.push_back({"native_quant", fmt::format("{}, as it is published", native->name)});
    return native;
  }
  auto preset = find_quant(default_quant);
  if (preset) assumptions.push_back({"default_quant", fmt::format("{}, as no --quant was given", preset->name)});
  return preset;
}

Result<LoadedModel> at_quant(Model unquantized, const QuantPreset& preset) {
  LoadedModel out;
  out.quant_id = preset.id;
  out.quant_name = preset.name;
  auto model = unquantized;
  apply_quant(preset, model.spec, model.tensors);
  out.weighed = weigh_model(std::move(model));
  out.unquantized = std::make_shared<const Model>(std::move(unquantized));
  return out;
}

Result<LoadedModel> load_from_catalog(const std::string& name, const std::optional<std::string>& quant) {
  const auto found = find_model(name);
  if (!found) return found.error();
  std::vector<Assumption> assumptions;
  const auto preset = choose_quant(quant, *found, assumptions);
  if (!preset) return preset.error();
  auto model = model_from_entry(found->entry);
  if (!model) return model.error();
  auto out = at_quant(std::move(*model), *preset);
  if (out) out->assumptions = std::move(assumptions);
  return out;
}

}  // namespace

bool names_a_file(const std::string& name) {
  std::error_code ignored;
  return name == "-" || name.ends_with(".gguf") || name.ends_with(".json") || std::filesystem::exists(name, ignored);
}

Result<LoadedModel> load_model(const std::string& name, const std::optional<std::string>& quant) {
  return load_from_catalog(name, quant);
}

}  // namespace willitrun::cli
