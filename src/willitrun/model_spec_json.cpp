#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "willitrun/architecture.hpp"
#include "willitrun/json_fields.hpp"
#include "willitrun/json_model.hpp"
#include "willitrun/model_spec.hpp"
#include "willitrun/suggest.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

constexpr std::array<std::string_view, 2> kinds{"llm", "recommender"};

// A count, or text such as "10M".
std::uint64_t rows_of(JsonFields& fields, const std::optional<JsonValue>& value) {
  if (!value) return 0;
  if (!value->is(JsonKind::text)) return fields.take(value->count(1));
  const auto count = parse_count(*value->text(), "count");
  if (count) return *count;
  fields.keep(value->error(count.error().message));
  return 0;
}

template <class T>
T named(JsonFields& fields, std::string_view key, Result<T> (*find)(std::string_view), T otherwise) {
  const auto value = fields.optional(key);
  if (!value) return otherwise;
  const auto text = value->text();
  if (!text) return fields.take(Result<T>(text.error()), otherwise);
  const auto found = find(*text);
  if (found) return *found;
  auto error = value->error(found.error().message);
  error.suggestions = found.error().suggestions;
  fields.keep(std::move(error));
  return otherwise;
}

Result<EmbeddingTable> table_from_json(const JsonValue& value) {
  JsonFields fields(value);
  EmbeddingTable table;
  if (const auto name = fields.required("name")) table.name = fields.take(name->text());
  table.rows = rows_of(fields, fields.required("rows"));
  if (const auto dim = fields.required("dim")) table.dim = fields.take(dim->count(1));
  table.dtype = named(fields, "dtype", &find_table_type, TableType::f32);
  table.row_scales = fields.flag("row_scales", false);
  if (const auto buckets = fields.optional("buckets")) table.buckets = rows_of(fields, buckets);
  table.replicas = static_cast<std::uint32_t>(fields.count("replicas", 1, UINT32_MAX, 1));
  if (auto error = fields.finish()) return *error;
  if (const auto error = check_table(table)) return value.error(error->message);
  return table;
}

Result<std::vector<EmbeddingTable>> tables_from_json(const JsonValue& list) {
  if (!list.is(JsonKind::array)) return list.mismatch("a list of tables");
  std::vector<EmbeddingTable> tables;
  std::set<std::string> names;
  for (const auto& item : list.children()) {
    auto table = table_from_json(item);
    if (!table) return table.error();
    if (!names.insert(table->name).second)
      return item.error(fmt::format("table {} is there twice", in_quotes(table->name)));
    tables.push_back(*std::move(table));
  }
  if (tables.empty()) return list.error("must have tables");
  return tables;
}

std::optional<Error> count_parameters(Model& model, const JsonValue& root) {
  for (const auto& tensor : model.tensors) {
    const auto elements = element_count(tensor.shape);
    const auto sum = elements ? checked_add(model.parameters, *elements) : std::nullopt;
    if (!sum) return root.error(fmt::format("tensor {} is too large", tensor.name));
    model.parameters = *sum;
  }
  return std::nullopt;
}

Result<std::string> kind_of(const JsonValue& root) {
  if (!root.is(JsonKind::object)) return root.mismatch("an object");
  const auto kind = root.find("kind");
  if (!kind) return std::string(kinds[0]);
  const auto text = kind->text();
  if (!text || std::find(kinds.begin(), kinds.end(), *text) != kinds.end()) return text;
  return kind->mismatch(fmt::format("one of {}", fmt::join(kinds, ", ")));
}

}  // namespace

Result<Recommender> recommender_from_json(const JsonValue& root) {
  JsonFields fields(root);
  (void)fields.optional("kind");
  Recommender model;
  model.name = fields.text("name", "recommender");
  model.id = fields.text("id", model.name);
  if (const auto tables = fields.required("tables")) model.tables = fields.take(tables_from_json(*tables));
  model.dense_parameters = fields.count("dense_parameters", 0, UINT64_MAX, 0);
  model.dense_dtype = named(fields, "dense_dtype", &find_table_type, TableType::f32);
  model.optimizer = named(fields, "optimizer", &find_optimizer, Optimizer::none);
  if (auto error = fields.finish()) return *error;
  return model;
}

Result<Model> language_model_from_json(const JsonValue& root) {
  JsonFields fields(root);
  (void)fields.optional("kind");
  const auto name = fields.text("name", "");
  const auto id = fields.text("id", name);
  const auto architecture = fields.required("architecture");
  const auto arch = architecture ? fields.take(architecture->text()) : std::string();
  const auto hparams = fields.required("hparams");
  const auto metadata = hparams ? fields.take(metadata_from_json(*hparams)) : Metadata();
  const auto optional = fields.optional("optional");
  const auto tensors_stated = optional ? fields.take(optional_from_json(*optional)) : OptionalTensors();
  if (auto error = fields.finish()) return *error;

  auto spec = spec_from_metadata(metadata, arch, "");
  if (!spec) return hparams->error(spec.error().message);
  spec->name = name.empty() ? arch : name;
  spec->id = id.empty() ? arch : id;
  spec->optional = tensors_stated;
  auto tensors = tensor_inventory(*spec);
  if (!tensors) {
    auto error = (is_known_architecture(arch) ? *hparams : *architecture).error(tensors.error().message);
    error.suggestions = tensors.error().suggestions;
    return error;
  }
  Model model;
  model.spec = *std::move(spec);
  model.tensors = *std::move(tensors);
  if (auto error = count_parameters(model, root)) return *error;
  return model;
}

Result<Recommender> parse_recommender(std::string_view json, std::string_view what) {
  const auto root = JsonValue::parse(json, what);
  if (!root) return root.error();
  const auto kind = kind_of(*root);
  if (!kind) return kind.error();
  if (*kind != "recommender") return root->error("\"kind\" must be \"recommender\" for embedding tables");
  return recommender_from_json(*root);
}

Result<SpecModel> spec_from_json(const JsonValue& root) {
  const auto kind = kind_of(root);
  if (!kind) return kind.error();
  if (*kind == "recommender") {
    auto model = recommender_from_json(root);
    if (!model) return model.error();
    return SpecModel(*std::move(model));
  }
  auto model = language_model_from_json(root);
  if (!model) return model.error();
  return SpecModel(*std::move(model));
}

Result<SpecModel> parse_model_spec(std::string_view json, std::string_view what) {
  const auto root = JsonValue::parse(json, what);
  if (!root) return root.error();
  auto spec = spec_from_json(*root);
  if (!spec) return spec;
  if (auto* model = std::get_if<Model>(&*spec)) model->source = what;
  return spec;
}

}  // namespace willitrun
