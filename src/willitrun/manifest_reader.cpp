#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <set>
#include <unordered_map>

#include "willitrun/json_model.hpp"
#include "willitrun/json_reader.hpp"
#include "willitrun/manifest.hpp"
#include "willitrun/suggest.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

constexpr std::string_view schema_id = "willitrun.manifest/1";

enum class Allowed : std::uint8_t { no_options, options, options_and_machine };

/// What is selected by name or pattern: the members of "models" or "targets", or the budgets.
struct Names {
  std::string_view noun;
  std::vector<std::string_view> list = {};
  std::unordered_map<std::string_view, std::uint32_t> index = {};

  void add(std::string_view name) {
    index.emplace(name, static_cast<std::uint32_t>(list.size()));
    list.push_back(name);
  }
};

class Reader {
 public:
  Reader(std::string_view what, const ManifestKeys& keys) : keys_(keys) { out_.manifest.file = what; }

  ManifestReading read(std::string_view json) {
    const auto root = JsonValue::parse(json, out_.manifest.file);
    if (root)
      read_root(*root);
    else
      keep(root.error());
    std::stable_sort(
        out_.problems.begin(), out_.problems.end(), [](const ManifestProblem& a, const ManifestProblem& b) {
          return a.place.line != b.place.line ? a.place.line < b.place.line : a.place.column < b.place.column;
        });
    return std::move(out_);
  }

 private:
  using Take = std::function<void(std::string_view key, const JsonValue& value)>;

  void read_root(const JsonValue& root) {
    if (!read_members(root, {"schema", "$schema", "defaults", "targets", "models", "checks", "budgets", "waivers"},
                      Allowed::no_options, nullptr, [](auto, const auto&) {}))
      return;
    auto& manifest = out_.manifest;
    const auto schema = required(root, "schema");
    if (const auto id = schema ? text_of(*schema) : std::nullopt; id && *id != schema_id)
      problem(*schema, fmt::format("must be '{}', is {}", schema_id, in_quotes(*id)));
    if (const auto defaults = root.find("defaults"))
      read_members(*defaults, {}, Allowed::options_and_machine, &manifest.defaults, [](auto, const auto&) {});
    if (const auto targets = required(root, "targets")) read_targets(*targets);
    if (const auto models = required(root, "models")) read_models(*models);
    if (const auto checks = root.find("checks")) read_checks(*checks, false, manifest.checks);
    if (const auto budgets = root.find("budgets")) read_checks(*budgets, true, manifest.budgets);
    if (!root.find("checks") && !root.find("budgets")) problem(root, "checks nothing: add 'checks' or 'budgets'");
    if (const auto waivers = root.find("waivers")) read_waivers(*waivers);
  }

  void read_targets(const JsonValue& object) {
    auto& targets = out_.manifest.targets;
    for (const auto& member : named_members(object)) {
      auto& target = targets.emplace_back();
      target.name = member.key();
      target.place = place_of(member);
      read_members(member, {}, Allowed::options_and_machine, &target.options, [](auto, const auto&) {});
    }
    for (const auto& target : targets) targets_.add(target.name);
  }

  void read_models(const JsonValue& object) {
    auto& models = out_.manifest.models;
    for (const auto& member : named_members(object)) {
      auto& model = models.emplace_back();
      model.name = member.key();
      model.place = place_of(member);
      read_model(member, model);
    }
    for (const auto& model : models) models_.add(model.name);
  }

  void read_model(const JsonValue& value, ManifestModel& model) {
    if (value.is(JsonKind::text)) {
      name_model(value, model);
      return;
    }
    unsigned given = 0;
    Recommender tables;
    const bool object = read_members(value, {"model", "spec", "tables", "optimizer"}, Allowed::options, &model.options,
                                     [&](std::string_view key, const JsonValue& member) {
                                       given += key == "optimizer" ? 0 : 1;
                                       if (key == "model") name_model(member, model);
                                       if (key == "tables") read_tables(member, tables);
                                       if (key == "spec") read_spec(member, model);
                                       if (key != "optimizer") return;
                                       const auto text = text_of(member);
                                       const auto optimizer =
                                           text ? find_optimizer(*text) : Result<Optimizer>(Optimizer::none);
                                       if (!optimizer)
                                         problem(member, optimizer.error().message, optimizer.error().suggestions);
                                       if (optimizer) tables.optimizer = *optimizer;
                                       if (!value.find("tables")) problem(member, "goes with 'tables' only");
                                     });
    if (object && given != 1) problem(value, "must have one of 'model', 'spec' and 'tables'");
    if (tables.tables.empty()) return;
    tables.id = tables.name = model.name;
    model.spec = std::make_shared<const SpecModel>(std::move(tables));
  }

  void name_model(const JsonValue& value, ManifestModel& model) {
    model.place = place_of(value);
    const auto text = text_of(value);
    if (!text) return;
    if (text->empty()) problem(value, "must name a model");
    if (*text == "-") problem(value, "stdin is not for models here; name a file");
    model.model = *text;
  }

  void read_spec(const JsonValue& value, ManifestModel& model) {
    model.place = place_of(value);
    auto spec = spec_from_json(value);
    if (!spec) {
      keep(spec.error());
      return;
    }
    if (auto* shapes = std::get_if<Model>(&*spec)) shapes->source = out_.manifest.file;
    model.spec = std::make_shared<const SpecModel>(*std::move(spec));
  }

  void read_tables(const JsonValue& value, Recommender& out) {
    if (!value.is(JsonKind::array) || value.children().empty()) {
      keep(value.mismatch("a list of tables such as \"users:10M:100:f32\""));
      return;
    }
    for (const auto& item : value.children()) {
      const auto text = text_of(item);
      const auto table = text ? parse_table(*text) : Result<EmbeddingTable>(EmbeddingTable{});
      if (!table) problem(item, table.error().message, table.error().suggestions);
      if (table) out.tables.push_back(*table);
    }
  }

  void read_checks(const JsonValue& list, bool budget, std::vector<ManifestCheck>& out) {
    std::set<std::string> names;
    const auto items = items_of(list);
    if (items.empty() && list.is(JsonKind::array)) problem(list, "is empty: nothing would be checked");
    for (const auto& item : items) {
      auto& check = out.emplace_back();
      check.place = place_of(item);
      const bool object = read_members(item, {"name", "models", "targets"}, Allowed::options, &check.options,
                                       [&](std::string_view key, const JsonValue& value) {
                                         if (key == "name") check.name = text_of(value).value_or("");
                                         if (key == "models") check.models = select(value, models_, budget);
                                         if (key == "targets") check.targets = select(value, targets_, false);
                                       });
      if (!object) continue;
      (void)required(item, "models");
      (void)required(item, "targets");
      if (!budget) continue;
      const auto name = required(item, "name");
      if (name && !names.insert(check.name).second)
        problem(*name, fmt::format("budget {} is there twice", in_quotes(check.name)));
    }
    if (budget)
      for (const auto& check : out) budgets_.add(check.name);
  }

  void read_waivers(const JsonValue& list) {
    for (const auto& item : items_of(list)) {
      ManifestWaiver waiver;
      waiver.place = place_of(item);
      const bool object = read_members(
          item, {"models", "budgets", "targets", "reason", "owner", "expires"}, Allowed::no_options, nullptr,
          [&](std::string_view key, const JsonValue& value) { read_waiver_member(key, value, waiver); });
      if (!object) continue;
      for (const auto* key : {"targets", "reason", "owner", "expires"}) (void)required(item, key);
      if (!item.find("models") && !item.find("budgets")) problem(item, "must have 'models' or 'budgets'");
      for (auto* indices : {&waiver.models, &waiver.budgets, &waiver.targets})
        std::sort(indices->begin(), indices->end());
      if (!waiver.targets.empty() && !(waiver.models.empty() && waiver.budgets.empty()) && !covers_any(waiver))
        problem(item, "waives nothing: no check or budget holds these on these targets");
      out_.manifest.waivers.push_back(std::move(waiver));
    }
  }

  void read_waiver_member(std::string_view key, const JsonValue& value, ManifestWaiver& waiver) {
    if (key == "models") waiver.models = select(value, models_, false);
    if (key == "budgets") waiver.budgets = select(value, budgets_, false);
    if (key == "targets") waiver.targets = select(value, targets_, false);
    if (key == "reason" || key == "owner") {
      const auto text = text_of(value);
      if (text && text->empty()) problem(value, "must not be empty");
      (key == "reason" ? waiver.reason : waiver.owner) = text.value_or("");
    }
    if (key != "expires") return;
    const auto text = text_of(value);
    const auto day = text ? parse_day(*text) : std::nullopt;
    if (text && !day) problem(value, fmt::format("must be a day such as 2026-12-31, is {}", in_quotes(*text)));
    if (day) waiver.expires = *day;
  }

  [[nodiscard]] bool covers_any(const ManifestWaiver& waiver) const {
    const auto meet = [](const std::vector<std::uint32_t>& sorted, const std::vector<std::uint32_t>& indices) {
      return std::any_of(indices.begin(), indices.end(),
                         [&](std::uint32_t index) { return std::binary_search(sorted.begin(), sorted.end(), index); });
    };
    const auto& checks = out_.manifest.checks;
    const auto& budgets = out_.manifest.budgets;
    return std::any_of(checks.begin(), checks.end(),
                       [&](const ManifestCheck& check) {
                         return meet(waiver.models, check.models) && meet(waiver.targets, check.targets);
                       }) ||
           std::any_of(waiver.budgets.begin(), waiver.budgets.end(),
                       [&](std::uint32_t budget) { return meet(waiver.targets, budgets[budget].targets); });
  }

  /// Gives every member of its own to `take`, options to `options`; any other is a problem. False: not an object.
  bool read_members(const JsonValue& object, std::initializer_list<std::string_view> own, Allowed allowed,
                    ManifestOptions* options, const Take& take) {
    if (!object.is(JsonKind::object)) {
      keep(object.mismatch("an object"));
      return false;
    }
    const auto is = [](const auto& list, std::string_view key) {
      return std::find(list.begin(), list.end(), key) != list.end();
    };
    for (const auto& member : object.children()) {
      const auto key = member.key();
      const bool option = is(keys_.other, key), machine = is(keys_.machine, key);
      if (is(own, key))
        take(key, member);
      else if ((option && allowed != Allowed::no_options) || (machine && allowed == Allowed::options_and_machine))
        options->push_back(option_of(member));
      else if (machine && allowed == Allowed::options)
        problem(member, "describes a machine: it belongs to a target or to the defaults");
      else
        unknown_key(member, own, allowed);
    }
    return true;
  }

  void unknown_key(const JsonValue& member, std::initializer_list<std::string_view> own, Allowed allowed) {
    std::vector<std::string_view> known(own);
    if (allowed != Allowed::no_options) known.insert(known.end(), keys_.other.begin(), keys_.other.end());
    if (allowed == Allowed::options_and_machine) known.insert(known.end(), keys_.machine.begin(), keys_.machine.end());
    auto near = nearest(member.key(), known);
    const auto message = fmt::format("unknown key {}{}", in_quotes(member.key()), did_you_mean(near));
    problem(member, message, std::move(near));
  }

  ManifestOption option_of(const JsonValue& value) {
    ManifestOption out{std::string(value.key()), std::nullopt, place_of(value)};
    switch (value.kind()) {
      case JsonKind::null: break;
      case JsonKind::boolean: out.value = *value.flag(); break;
      case JsonKind::text: out.value = *value.text(); break;
      case JsonKind::real: out.value = *value.number(); break;
      case JsonKind::whole:
        if (const auto whole = value.integer())
          out.value = *whole;
        else
          keep(whole.error());
        break;
      case JsonKind::array: {
        std::vector<std::string> list;
        for (const auto& item : value.children()) list.push_back(text_of(item).value_or(""));
        out.value = std::move(list);
        break;
      }
      case JsonKind::object: keep(value.mismatch("a string, a number, true, false or a list of strings"));
    }
    return out;
  }

  /// Indices of what a name, a pattern or a list of them selects; each once, unless `repeated`.
  std::vector<std::uint32_t> select(const JsonValue& value, const Names& names, bool repeated) {
    std::vector<std::uint32_t> out;
    const auto items = value.is(JsonKind::array) ? value.children() : std::vector{value};
    if (items.empty()) problem(value, fmt::format("must name a {}", names.noun));
    std::vector<bool> taken(names.list.size());
    for (const auto& item : items) {
      const auto text = text_of(item);
      if (!text) continue;
      for (const auto index : selected(item, *text, names)) {
        if (!taken[index] || repeated) out.push_back(index);
        taken[index] = true;
      }
    }
    return out;
  }

  std::vector<std::uint32_t> selected(const JsonValue& item, const std::string& text, const Names& names) {
    if (text.find_first_of("*?") == text.npos) {
      const auto it = names.index.find(text);
      if (it != names.index.end()) return {it->second};
      auto near = nearest(text, names.list);
      const auto message = fmt::format("no {} {} here{}", names.noun, in_quotes(text), did_you_mean(near));
      problem(item, message, std::move(near));
      return {};
    }
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < names.list.size(); ++i)
      if (matches_pattern(names.list[i], text)) out.push_back(i);
    if (out.empty()) problem(item, fmt::format("no {} fits {}", names.noun, in_quotes(text)));
    return out;
  }

  /// Members whose keys are names: not empty, and no patterns.
  std::vector<JsonValue> named_members(const JsonValue& object) {
    if (!object.is(JsonKind::object)) {
      keep(object.mismatch("an object of names"));
      return {};
    }
    auto members = object.children();
    if (members.empty()) problem(object, "names nothing");
    for (const auto& member : members)
      if (member.key().empty() || member.key().find_first_of("*?") != std::string_view::npos)
        problem(member, "a name must not be empty nor have * or ? in it");
    return members;
  }

  std::vector<JsonValue> items_of(const JsonValue& list) {
    if (!list.is(JsonKind::array)) keep(list.mismatch("a list"));
    return list.is(JsonKind::array) ? list.children() : std::vector<JsonValue>();
  }

  std::optional<JsonValue> required(const JsonValue& object, std::string_view key) {
    auto member = object.find(key);
    if (!member) problem(object, fmt::format("'{}' is missing", key));
    return member;
  }

  std::optional<std::string> text_of(const JsonValue& value) {
    auto text = value.text();
    if (text) return *std::move(text);
    keep(text.error());
    return std::nullopt;
  }

  [[nodiscard]] SourcePlace place_of(const JsonValue& value) const {
    const auto [line, column] = value.place();
    return {out_.manifest.file, line, column, value.path()};
  }

  void problem(const JsonValue& value, std::string message, std::vector<std::string> suggestions = {}) {
    out_.problems.push_back({place_of(value), {"bad_manifest", std::move(message), std::move(suggestions)}});
  }

  /// An error of the JSON reader, which begins with its place.
  void keep(const Error& error) {
    auto parts = parts_of(error, out_.manifest.file);
    out_.problems.push_back({{out_.manifest.file, parts.place.line, parts.place.column, std::move(parts.path)},
                             {"bad_manifest", std::move(parts.message), error.suggestions}});
  }

  const ManifestKeys& keys_;
  ManifestReading out_;
  Names models_{"model"}, targets_{"target"}, budgets_{"budget"};
};

}  // namespace

ManifestReading read_manifest(std::string_view json, std::string_view what, const ManifestKeys& keys) {
  return Reader(what, keys).read(json);
}

}  // namespace willitrun
