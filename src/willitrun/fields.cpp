#include "willitrun/fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "willitrun/report_tree.hpp"
#include "willitrun/schema.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun {
namespace {

using Json = nlohmann::ordered_json;
using Steps = std::vector<std::string>;

constexpr std::size_t longest_path = 200;

const Json& result_schema() {
  static const Json schema = [] {
    const auto all = schemas();
    const auto row = std::find_if(all.begin(), all.end(), [](const JsonSchema& s) { return s.name == "result"; });
    return Json::parse(row->json);
  }();
  return schema;
}

/// What a schema says of a value's inside: references followed, "or null" left out.
const Json& resolved(const Json& schema) {
  if (const auto ref = schema.find("$ref"); ref != schema.end()) {
    const auto& text = ref->get_ref<const std::string&>();
    return resolved(result_schema().at(Json::json_pointer(text.substr(1))));
  }
  if (const auto choices = schema.find("anyOf"); choices != schema.end())
    for (const auto& choice : *choices)
      if (choice.value("type", "") != "null") return resolved(choice);
  return schema;
}

std::optional<std::size_t> list_index(std::string_view text) {
  std::size_t out = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  return problem == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(out)
                                                                                     : std::nullopt;
}

/// The rest of `path` after `step`, or nothing when it does not start with it.
std::optional<std::string_view> after(std::string_view path, std::string_view step) {
  if (!path.starts_with(step)) return std::nullopt;
  path.remove_prefix(step.size());
  if (path.empty()) return path;
  return path.front() == '.' && path.size() > 1 ? std::optional(path.substr(1)) : std::nullopt;
}

/// The steps of a path that the schema knows. Names may hold dots ("llama.cpp").
std::optional<Steps> steps_of(const Json& at, std::string_view path) {
  if (path.empty()) return Steps{};
  const auto& schema = resolved(at);
  const auto prepend = [](std::string step, std::optional<Steps> rest) {
    if (rest) rest->insert(rest->begin(), std::move(step));
    return rest;
  };
  if (const auto items = schema.find("items"); items != schema.end()) {
    const auto step = path.substr(0, path.find('.'));
    const auto rest = after(path, step);
    const auto index = list_index(step);
    return index && rest ? prepend(std::to_string(*index), steps_of(*items, *rest)) : std::nullopt;
  }
  if (const auto properties = schema.find("properties"); properties != schema.end())
    for (const auto& [key, value] : properties->items())
      if (const auto rest = after(path, key))
        if (auto steps = prepend(key, steps_of(value, *rest))) return steps;
  return std::nullopt;
}

/// Every path of a result, the first element standing for those of a list.
void add_paths(const Json& at, const std::string& prefix, std::vector<std::string>& out) {
  const auto& schema = resolved(at);
  if (!prefix.empty()) out.push_back(prefix);
  const auto lead = prefix.empty() ? prefix : prefix + ".";
  if (const auto items = schema.find("items"); items != schema.end()) add_paths(*items, lead + "0", out);
  if (const auto properties = schema.find("properties"); properties != schema.end())
    for (const auto& [key, value] : properties->items()) add_paths(value, lead + key, out);
}

/// Those that end in what was typed, or have it in a list whose element was not named; else the nearest by spelling.
std::vector<std::string> near_misses(const std::string& typed) {
  constexpr std::size_t most = 3;
  std::vector<std::string> paths, out;
  add_paths(result_schema(), {}, paths);
  for (const auto& path : paths) {
    std::string unnumbered = path;
    for (auto at = unnumbered.find(".0"); at != std::string::npos; at = unnumbered.find(".0")) unnumbered.erase(at, 2);
    if (out.size() < most && (path.ends_with("." + typed) || (unnumbered == typed && path != typed)))
      out.push_back(path);
  }
  return out.empty() ? nearest(typed, std::vector<std::string_view>(paths.begin(), paths.end()), most) : out;
}

const Json* value_at(const Json& tree, const Steps& steps) {
  const auto* at = &tree;
  for (const auto& step : steps) {
    if (at->is_array()) {
      const auto index = list_index(step);
      if (!index || *index >= at->size()) return nullptr;
      at = &(*at)[*index];
    } else {
      const auto it = at->find(step);
      if (!at->is_object() || it == at->end()) return nullptr;
      at = &*it;
    }
  }
  return at;
}

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

using Wanted = std::vector<std::span<const std::string>>;

/// Those of `wanted` that go through `step`, that step taken.
Wanted through(const Wanted& wanted, std::string_view step) {
  Wanted out;
  for (const auto& steps : wanted)
    if (steps.front() == step) out.push_back(steps.subspan(1));
  return out;
}

Json reduced(const Json& node, const Wanted& wanted) {
  const bool whole = std::any_of(wanted.begin(), wanted.end(), [](const auto& steps) { return steps.empty(); });
  if (whole || node.is_null()) return node;
  if (node.is_array()) {
    auto out = Json::array();
    for (std::size_t i = 0; i < node.size(); ++i) {
      const auto inside = through(wanted, std::to_string(i));
      if (inside.empty()) continue;
      while (out.size() < i) out.push_back(nullptr);
      out.push_back(reduced(node[i], inside));
    }
    return out;
  }
  auto out = Json::object();
  for (const auto& [key, value] : node.items())
    if (const auto inside = through(wanted, key); !inside.empty()) out[key] = reduced(value, inside);
  for (const auto& steps : wanted)
    if (!out.contains(steps.front())) out[steps.front()] = nullptr;
  return out;
}

}  // namespace

Result<Fields> Fields::parse(std::span<const std::string> texts) {
  Fields out;
  for (std::string_view text : texts) {
    for (bool more = true; more;) {
      const auto comma = text.find(',');
      const std::string path(text.substr(0, comma));
      more = comma != std::string_view::npos;
      text.remove_prefix(more ? comma + 1 : text.size());
      auto steps = path.empty() || path.size() > longest_path ? std::nullopt : steps_of(result_schema(), path);
      if (!steps) {
        auto near = path.empty() ? std::vector<std::string>{} : near_misses(path.substr(0, longest_path));
        return Error{"unknown_field",
                     fmt::format("--fields '{}': no such value in a result{}", path,
                                 near.empty() ? "; `willitrun schema result` lists them" : did_you_mean(near)),
                     near};
      }
      out.paths_.push_back(path);
      out.steps_.push_back(std::move(*steps));
    }
  }
  return out;
}

std::vector<std::string> values(const Report& report, const Fields& fields) {
  const auto tree = tree_of(report);
  std::vector<std::string> out;
  for (const auto& steps : fields.steps_) {
    const auto* value = value_at(tree, steps);
    if (value == nullptr || value->is_null())
      out.emplace_back();
    else
      out.push_back(value->is_string() ? value->get<std::string>() : dumped(*value));
  }
  return out;
}

std::string to_json(const Report& report, const Fields& fields) {
  return dumped(reduced(tree_of(report), Wanted(fields.steps_.begin(), fields.steps_.end())));
}

}  // namespace willitrun
