#include "cli/manifest_models.hpp"

#include <filesystem>

namespace willitrun::cli {

ManifestModelLoader::ManifestModelLoader(const ManifestModel& model, std::string folder)
    : model_(model), folder_(std::move(folder)), in_file_(model_.spec || names_a_file(path())) {}

std::string ManifestModelLoader::path() const {
  const auto beside = (std::filesystem::path(folder_) / model_.model).string();
  return names_a_file(beside) ? beside : model_.model;
}

Result<LoadedModel> ManifestModelLoader::read(const QuantWish& wish) const {
  if (model_.spec) return model_of_spec(*model_.spec, wish, model_.name);
  return load_model(path(), wish);
}

const ManifestModelLoader::Loaded& ManifestModelLoader::at(const QuantWish& wish) {
  const auto key = wish.quant.value_or("") + '\n' + wish.engine;
  if (const auto it = loaded_.find(key); it != loaded_.end()) return it->second;
  auto model = read(wish);
  return loaded_
      .emplace(key, model ? Loaded(std::make_shared<const LoadedModel>(std::move(*model))) : Loaded(model.error()))
      .first->second;
}

const ManifestModelLoader::Loaded& ManifestModelLoader::load(const Options::Text& wished, const Options::Text& asked,
                                                             const Options::Text& engine) {
  const auto of_engine = engine.value_or("");
  if (asked) return at({asked, of_engine});
  if (wished && in_file_) {
    // Only what is inside it tells whether it fixes its types.
    const auto& plain = at({std::nullopt, of_engine});
    if (!plain || !(*plain)->unquantized) return plain;
  }
  return at({wished, of_engine});
}

}  // namespace willitrun::cli
