#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/listing.hpp"
#include "cli/terminal.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/catalog_lookup.hpp"
#include "willitrun/catalog_tables.hpp"
#include "willitrun/quant.hpp"
#include "willitrun/suggest.hpp"
#include "willitrun/table.hpp"

namespace willitrun::cli {
namespace {

using Json = nlohmann::ordered_json;

/// One line of a list: the name to type, and what it is.
struct Row {
  std::string id, name, detail;
};

std::vector<Row> model_rows() {
  std::vector<Row> rows;
  for (const auto& m : all_models()) {
    rows.push_back({m.id, m.name, parameters_text(static_cast<double>(m.parameters)) + " parameters"});
    for (const auto& tune : m.fine_tunes)
      rows.push_back({tune.ollama.empty() ? tune.hf_id : tune.ollama, tune.name, "shapes as " + m.id});
  }
  return rows;
}

std::vector<Row> device_rows() {
  std::vector<Row> rows;
  for (const auto& d : all_devices()) {
    auto detail = d.memory_bytes == 0 ? std::string("shared memory") : format_bytes(d.memory_bytes);
    if (d.bandwidth_gb_s) detail += fmt::format(", {:.0f} GB/s", *d.bandwidth_gb_s);
    rows.push_back({d.id, d.name, detail});
  }
  return rows;
}

std::vector<Row> cpu_rows() {
  std::vector<Row> rows;
  for (const auto& c : all_cpus())
    rows.push_back({c.id, c.name, c.bandwidth_gb_s ? fmt::format("{:.0f} GB/s", *c.bandwidth_gb_s) : std::string()});
  return rows;
}

std::vector<Row> quant_rows() {
  std::vector<Row> rows;
  for (const auto& p : quant_presets()) {
    const auto& type = info(p.type);
    rows.push_back(
        {std::string(p.id), std::string(p.name),
         fmt::format("{:.3g} bits a weight in its main type", 8.0 * type.block_bytes / type.block_elements)});
  }
  return rows;
}

std::vector<Row> engine_rows() {
  return {{"llama.cpp", "llama.cpp", "the default"},
          {"ollama", "Ollama", "runs llama.cpp"},
          {"lmstudio", "LM Studio", "runs llama.cpp"},
          {"llamafile", "llamafile", "runs llama.cpp; speed as of early 2025"},
          {"mlx", "MLX", "Apple's own; memory approximate"},
          {"vllm", "vLLM", "for serving; memory after its startup logs"},
          {"transformers", "Transformers", "memory approximate, speed unknown"}};
}

struct ListRow {
  std::string_view name;
  std::vector<Row> (*rows)();
};
constexpr std::array lists{ListRow{"models", model_rows}, ListRow{"gpus", device_rows}, ListRow{"cpus", cpu_rows},
                           ListRow{"quants", quant_rows}, ListRow{"engines", engine_rows}};

bool matches(const Row& row, const std::string& pattern) {
  return pattern.empty() || normalize_name(row.id).find(pattern) != std::string::npos ||
         normalize_name(row.name).find(pattern) != std::string::npos;
}

std::vector<std::string> nearest_ids(const std::vector<Row>& rows, std::string_view pattern) {
  std::vector<std::string_view> ids;
  for (const auto& row : rows) ids.push_back(row.id);
  return nearest(pattern, ids);
}

bool begins(std::string_view id, std::string_view prefix) {
  return id.starts_with(prefix) || normalize_name(id).starts_with(normalize_name(prefix));
}

/// Ids in a catalog table that begin so. Entries are read only where a chip of several memory sizes may be meant.
std::string ids_in(const catalog_data::Table& table, std::string_view prefix) {
  std::string out;
  for (const auto& entry : table.entries)
    if (begins(entry.id, prefix)) out += fmt::format("{}\n", entry.id);
  return out;
}

std::string device_ids(std::string_view prefix) {
  std::string out;
  for (const auto& row : catalog_tables().devices.entries) {
    if (!begins(row.id, prefix) && !begins(prefix, row.id)) continue;
    const auto entry = read_device({row.json, row.json_size});
    if (entry.options.empty() && begins(row.id, prefix)) out += fmt::format("{}\n", row.id);
    for (const auto size : entry.options)
      if (const auto id = with_memory(entry, size).id; begins(id, prefix)) out += id + "\n";
  }
  return out;
}

/// Names to type that begin so, one a line, for completion. Spelling aside as in lookups: "llama31" finds "llama3.1".
int list_names(const ListRow& list, const std::string& prefix) {
  std::string out;
  if (list.rows == model_rows) {
    out = ids_in(catalog_tables().models, prefix);
  } else if (list.rows == cpu_rows) {
    out = ids_in(catalog_tables().cpus, prefix);
  } else if (list.rows == device_rows) {
    out = device_ids(prefix);
  } else {
    for (const auto& row : list.rows())
      if (begins(row.id, prefix)) out += row.id + "\n";
  }
  return write_output(out) ? 0 : exit_output;
}

std::string written(const std::vector<Row>& rows, std::string_view format, const std::string& what) {
  if (format == "json") {
    Json items = Json::array();
    for (const auto& row : rows) items.push_back({{"id", row.id}, {"name", row.name}, {"detail", row.detail}});
    return Json{{"schema", "willitrun.list/1"}, {"what", what}, {"items", items}}.dump() + "\n";
  }
  Table table{{{"id"}, {"name"}, {"detail"}}, {}, {}};
  std::string text;
  for (const auto& row : rows) {
    table.rows.push_back({row.id, row.name, row.detail});
    text += fmt::format("{:<34} {:<44} {}\n", row.id, row.name, row.detail);
  }
  return format == "csv" ? to_csv(table) : format == "md" ? to_markdown(table) : text;
}

}  // namespace

int run_list(const Invocation& invocation) {
  const auto* list =
      std::find_if(lists.begin(), lists.end(), [&](const ListRow& row) { return row.name == invocation.subject; });
  if (list == lists.end()) {
    std::vector<std::string_view> names;
    for (const auto& row : lists) names.push_back(row.name);
    auto suggestions = nearest(invocation.subject, names);
    return fail(Error{"usage", fmt::format("cannot list '{}': must be {}", invocation.subject, fmt::join(names, ", ")),
                      suggestions},
                invocation.options);
  }
  if (invocation.names) return list_names(*list, invocation.pattern);
  const auto format = chosen_format(invocation.options, {"text", "json", "csv", "md"});
  if (!format) return fail(format.error(), invocation.options);
  const auto all = list->rows();
  auto rows = all;
  std::erase_if(rows,
                [pattern = normalize_name(invocation.pattern)](const Row& row) { return !matches(row, pattern); });
  // Nothing on stdout is an answer to a program; a person wants to be told.
  if (rows.empty() && !invocation.options.quiet)
    write_error(fmt::format("willitrun: no {} with '{}' in the name{}\n", invocation.subject, invocation.pattern,
                            did_you_mean(nearest_ids(all, invocation.pattern))));
  return write_output(written(rows, *format, invocation.subject)) ? 0 : exit_output;
}

}  // namespace willitrun::cli
