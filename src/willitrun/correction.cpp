#include "willitrun/correction.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "willitrun/json_fields.hpp"

namespace willitrun {
namespace {

using Json = nlohmann::ordered_json;

/// A device that differs from its estimate by more was not what it was taken for.
constexpr double most = 100;

double rounded(double value) { return std::round(value * 1e4) / 1e4; }

Json to_json(const std::optional<Factor>& f) {
  if (!f) return nullptr;
  return {{"factor", rounded(f->mid)}, {"low", rounded(f->low)}, {"high", rounded(f->high)}, {"rows", f->rows}};
}

double read_ratio(JsonFields& fields, std::string_view key) {
  const auto value = fields.required(key);
  if (!value) return 1;
  const double ratio = fields.take(value->number(), 1.0);
  if (!(ratio >= 1 / most && ratio <= most)) fields.keep(value->error("must be a factor between 0.01 and 100"));
  return ratio;
}

std::optional<Factor> read_factor(JsonFields& parent, std::string_view key) {
  const auto value = parent.optional(key);
  if (!value) return std::nullopt;
  JsonFields fields(*value);
  Factor out;
  out.mid = read_ratio(fields, "factor");
  out.low = read_ratio(fields, "low");
  out.high = read_ratio(fields, "high");
  out.rows = static_cast<std::uint32_t>(fields.count("rows", 1, 1'000'000, 1));
  if (out.low > out.mid || out.mid > out.high) fields.keep(value->error("must have low <= factor <= high"));
  if (auto error = fields.finish()) parent.keep(std::move(*error));
  return out;
}

std::string required_text(JsonFields& fields, std::string_view key) {
  const auto value = fields.required(key);
  return value ? fields.take(value->text()) : std::string();
}

Result<ModelCorrection> read_model_correction(const JsonValue& value) {
  JsonFields fields(value);
  ModelCorrection out;
  out.model = required_text(fields, "model");
  out.quant = required_text(fields, "quant");
  out.decode = read_factor(fields, "decode");
  out.prefill = read_factor(fields, "prefill");
  if (auto error = fields.finish()) return *error;
  return out;
}

Result<Correction> read_correction(const JsonValue& value) {
  JsonFields fields(value);
  Correction out;
  out.device = required_text(fields, "device");
  out.name = required_text(fields, "name");
  out.backend = required_text(fields, "backend");
  out.date = fields.text("date", "");
  out.source = required_text(fields, "source");
  out.decode = read_factor(fields, "decode");
  out.prefill = read_factor(fields, "prefill");
  const auto models = fields.optional("models");
  if (models && !models->is(JsonKind::array)) fields.keep(models->mismatch("an array"));
  if (auto error = fields.finish()) return *error;
  if (!models) return out;
  for (const auto& item : models->children()) {
    auto model = read_model_correction(item);
    if (!model) return model.error();
    out.models.push_back(std::move(*model));
  }
  return out;
}

}  // namespace

std::optional<Factor> factor_for(const Correction& correction, std::string_view model, std::string_view quant,
                                 bool prefill) {
  const auto it = std::find_if(correction.models.begin(), correction.models.end(),
                               [&](const ModelCorrection& m) { return m.model == model && m.quant == quant; });
  if (it != correction.models.end())
    if (const auto& own = prefill ? it->prefill : it->decode) return own;
  return prefill ? correction.prefill : correction.decode;
}

const Correction* find_correction(const Corrections& corrections, std::string_view device, std::string_view backend) {
  const auto it = std::find_if(corrections.devices.begin(), corrections.devices.end(),
                               [&](const Correction& c) { return c.device == device && c.backend == backend; });
  return it == corrections.devices.end() ? nullptr : &*it;
}

Result<Corrections> read_corrections(std::string_view text, std::string_view what) {
  const auto root = JsonValue::parse(text, what);
  if (!root) return root.error();
  JsonFields fields(*root);
  const auto schema = fields.required("schema");
  if (schema && fields.take(schema->text()) != "willitrun.calibration/1")
    fields.keep(schema->error("must be \"willitrun.calibration/1\""));
  Corrections out;
  out.estimates = required_text(fields, "estimates");
  const auto devices = fields.required("devices");
  if (devices && !devices->is(JsonKind::array)) fields.keep(devices->mismatch("an array"));
  if (auto error = fields.finish()) return *error;
  for (const auto& item : devices->children()) {
    auto correction = read_correction(item);
    if (!correction) return correction.error();
    out.devices.push_back(std::move(*correction));
  }
  return out;
}

std::string to_json(const Corrections& corrections) {
  Json devices = Json::array();
  for (const auto& c : corrections.devices) {
    Json models = Json::array();
    for (const auto& m : c.models)
      models.push_back(
          {{"model", m.model}, {"quant", m.quant}, {"decode", to_json(m.decode)}, {"prefill", to_json(m.prefill)}});
    devices.push_back({{"device", c.device},
                       {"name", c.name},
                       {"backend", c.backend},
                       {"date", c.date},
                       {"source", c.source},
                       {"decode", to_json(c.decode)},
                       {"prefill", to_json(c.prefill)},
                       {"models", models}});
  }
  const Json root{{"schema", "willitrun.calibration/1"}, {"estimates", corrections.estimates}, {"devices", devices}};
  return root.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace willitrun
