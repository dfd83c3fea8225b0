#include <cmath>
#include <nlohmann/json.hpp>

#include "willitrun/catalog.hpp"
#include "willitrun/format_writers.hpp"
#include "willitrun/report.hpp"
#include "willitrun/report_tree.hpp"
#include "willitrun/version.hpp"

namespace willitrun {
namespace {

using Json = nlohmann::ordered_json;

std::string dumped(const Json& json, bool pretty) {
  return json.dump(pretty ? 2 : -1, ' ', false, Json::error_handler_t::replace);
}

Json id_of(const std::string& id_json) {
  return id_json.empty() ? Json(nullptr) : Json::parse(id_json, nullptr, false);
}

/// Speeds rounded to what an estimate can carry, so that the same input prints the same bytes everywhere.
double rounded(double value) { return std::round(value * 1000) / 1000; }

Json to_json(const std::optional<Range>& range) {
  if (!range) return nullptr;
  return {{"low", rounded(range->low)}, {"mid", rounded(range->mid)}, {"high", rounded(range->high)}};
}

template <class Items>
Json coded(const Items& items) {
  Json out = Json::array();
  for (const auto& item : items) out.push_back({{"code", item.code}, {"message", item.message}});
  return out;
}

Json to_json(const std::vector<std::pair<std::string, OptionValue>>& options) {
  Json out = Json::object();
  for (const auto& [key, value] : options) std::visit([&, k = key](const auto& v) { out[k] = v; }, value);
  return out;
}

Json to_json(const ModelSummary& m) {
  return {{"id", m.id},
          {"name", m.name},
          {"source", m.source},
          {"arch", m.architecture},
          {"parameters", m.parameters},
          {"active_parameters", m.active_parameters},
          {"layers", m.layers},
          {"context_length", m.context_length},
          {"quant", m.quant},
          {"weights_bytes", m.weights_bytes},
          {"bits_per_weight", rounded(m.bits_per_weight())},
          {"token_embedding_bytes", m.token_embedding_bytes},
          {"output_bytes", m.output_bytes}};
}

std::string_view kind_of(const Device& device) { return device.spec.kind == DeviceKind::unified ? "unified" : "gpu"; }

Json bandwidth_of(const std::optional<double>& gb_s) {
  return gb_s ? Json(static_cast<std::uint64_t>(*gb_s * 1e9)) : Json(nullptr);
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json to_json(const Machine& machine) {
  Json devices = Json::array();
  for (const auto& d : machine.devices)
    devices.push_back({{"id", d.id},
                       {"name", d.spec.name},
                       {"kind", kind_of(d)},
                       {"memory_bytes", d.memory_bytes},
                       {"usable_bytes", d.usable_bytes()},
                       {"bandwidth_bytes_per_s", bandwidth_of(d.spec.bandwidth_gb_s)}});
  return {{"devices", devices},
          {"host",
           {{"name", machine.host.name},
            {"memory_bytes", or_null(machine.host.memory_bytes)},
            {"usable_bytes", or_null(machine.host.usable_bytes())},
            {"bandwidth_bytes_per_s", bandwidth_of(machine.host.bandwidth_gb_s)}}}};
}

Json to_json(std::string_view id, std::string_view kind, const Load& load, std::optional<Bytes> capacity,
             std::optional<Bytes> usable) {
  Json free = nullptr;
  if (usable) free = static_cast<std::int64_t>(*usable) - static_cast<std::int64_t>(load.total());
  return {{"id", id},
          {"kind", kind},
          {"capacity_bytes", or_null(capacity)},
          {"usable_bytes", or_null(usable)},
          {"weights_bytes", load.weights},
          {"kv_cache_bytes", load.kv_cache},
          {"recurrent_state_bytes", load.state},
          {"compute_bytes", load.compute},
          {"embedding_tables_bytes", load.tables},
          {"overhead_bytes", load.overhead},
          {"total_bytes", load.total()},
          {"free_bytes", free}};
}

Json to_json(const std::optional<MeasuredSpeed>& m) {
  if (!m) return nullptr;
  Json out{{"tokens_per_s", rounded(m->tokens_per_s)}, {"runs", m->runs}, {"source", m->source}};
  if (m->tokens > 0) out["prompt_tokens"] = m->tokens;
  return out;
}

Json to_json(const std::optional<Factor>& f) {
  if (!f) return nullptr;
  return {{"factor", rounded(f->mid)}, {"low", rounded(f->low)}, {"high", rounded(f->high)}, {"rows", f->rows}};
}

Json to_json(const SpeedEstimate& s) {
  const bool measured = s.measured_decode || s.measured_prefill;
  Json corrections = Json::array();
  for (const auto& c : s.corrections)
    corrections.push_back({{"device", c.device},
                           {"date", c.date},
                           {"source", c.source},
                           {"decode", to_json(c.decode)},
                           {"prefill", to_json(c.prefill)}});
  Json parallel = nullptr;
  if (s.parallel)
    parallel = {{"users", s.parallel->users},
                {"total_tokens_per_s", to_json(std::optional(s.parallel->total_tokens_per_s))},
                {"user_tokens_per_s", to_json(std::optional(s.parallel->user_tokens_per_s))}};
  return {{"decode_tokens_per_s", to_json(s.decode_tokens_per_s)},
          {"prefill_tokens_per_s", to_json(s.prefill_tokens_per_s)},
          {"time_to_first_token_s", to_json(s.time_to_first_token_s)},
          {"load_from_disk_s", s.load_from_disk_s ? Json(rounded(*s.load_from_disk_s)) : Json(nullptr)},
          {"limited_by", s.limited_by ? Json(name_of(*s.limited_by)) : Json(nullptr)},
          {"parallel", parallel},
          {"measured", measured ? Json{{"decode", to_json(s.measured_decode)}, {"prefill", to_json(s.measured_prefill)}}
                                : Json(nullptr)},
          {"corrected_by", corrections},
          {"basis", measured || !s.corrections.empty() ? "measured" : "model"},
          {"notes", s.notes}};
}

Json memory_of(const Report& report) {
  Json devices = Json::array();
  for (std::size_t i = 0; i < report.devices.size(); ++i) {
    const auto& device = report.machine.devices[i];
    devices.push_back(to_json(device.id, kind_of(device), report.devices[i], device.memory_bytes, report.usable[i]));
  }
  const auto& host = report.machine.host;
  devices.push_back(to_json("host", "host", report.host, host.memory_bytes, host.usable_bytes()));
  return {{"devices", devices}, {"total_bytes", report.total_bytes()}};
}

}  // namespace

Json tree_of(const Report& report) {
  Json alternatives = Json::array();
  for (const auto& a : report.alternatives)
    alternatives.push_back({{"change", a.change}, {"verdict", name_of(a.verdict)}});
  Json commands = Json::object();
  for (const auto& [engine, command] : report.commands) commands[engine] = command;
  const auto& p = report.placement;
  const auto& v = report.verdict;
  return {
      {"schema", "willitrun.result/1"},
      {"id", id_of(report.id_json)},
      {"tool", {{"version", version()}}},
      {"catalog", {{"version", catalog_version()}, {"sha256", catalog_sha256()}}},
      {"request", to_json(report.request)},
      {"assumptions", coded(report.assumptions)},
      {"model", to_json(report.model)},
      {"machine", to_json(report.machine)},
      {"verdict",
       {{"code", name_of(v.code)},
        {"require", name_of(required_level(report))},
        {"met", v.met},
        {"reasons", coded(v.reasons)}}},
      {"memory", memory_of(report)},
      {"placement",
       {{"gpu_layers", p.gpu_layers},
        {"total_layers", p.total_layers},
        {"cpu_moe_layers", p.cpu_moe_layers},
        {"kv_on_gpu", p.kv_on_gpu},
        {"cpu_percent", rounded(p.cpu_percent)},
        {"gpu_percent", rounded(p.gpu_percent)}}},
      {"context",
       {{"requested", report.context.requested},
        {"allocated", report.context.allocated},
        {"max_on_gpu", or_null(report.context.max_on_gpu)},
        {"max", or_null(report.context.max)}}},
      {"speed", to_json(report.speed)},
      {"alternatives", alternatives},
      {"commands", commands},
      {"warnings", coded(report.warnings)},
  };
}

std::string to_json(const Report& report, bool pretty) { return dumped(tree_of(report), pretty); }

std::string report_as_json(const Report& report, const TextStyle&) { return to_json(report, false) + "\n"; }

std::string to_json(const Error& error, const std::string& id_json, bool pretty) {
  const Json json{{"schema", "willitrun.error/1"},
                  {"id", id_of(id_json)},
                  {"error",
                   {{"code", error.code},
                    {"message", error.message},
                    {"suggestions", error.suggestions},
                    {"exit", error.exit_status}}}};
  return dumped(json, pretty);
}

}  // namespace willitrun
