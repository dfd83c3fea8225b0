// A catalog entry made into a model. Apart from the lookups, so that those need no architecture rules.
#include "willitrun/architecture.hpp"
#include "willitrun/catalog.hpp"

namespace willitrun {

Result<Model> model_from_entry(const ModelEntry& entry) {
  auto spec = spec_from_metadata(entry.hparams, entry.architecture, "");
  if (!spec) return spec.error();
  spec->id = entry.id;
  spec->name = entry.name;
  spec->optional = entry.optional;
  auto tensors = tensor_inventory(*spec);
  if (!tensors) return tensors.error();
  Model model;
  model.spec = *std::move(spec);
  model.tensors = *std::move(tensors);
  model.source = "catalog";
  for (const auto& tensor : model.tensors) {
    const auto elements = element_count(tensor.shape);
    const auto sum = elements ? checked_add(model.parameters, *elements) : std::nullopt;
    if (!sum) return Error{"bad_catalog", "catalog entry " + entry.id + ": tensor " + tensor.name + " is too large"};
    model.parameters = *sum;
  }
  return model;
}

}  // namespace willitrun
