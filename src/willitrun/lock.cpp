#include "willitrun/lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <tuple>

#include "willitrun/escape.hpp"
#include "willitrun/json_fields.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

constexpr std::string_view schema_id = "willitrun.lock/1";
constexpr Bytes most_bytes = Bytes{1} << 62;  // so that differences have a sign

auto key_of(const LockRow& row) { return std::tie(row.manifest, row.check); }

std::optional<VerdictCode> find_verdict(std::string_view name) {
  for (auto code = VerdictCode::fits;; code = static_cast<VerdictCode>(static_cast<int>(code) + 1)) {
    if (name_of(code) == name) return code;
    if (code == VerdictCode::unknown) return std::nullopt;
  }
}

Result<LockRow> row_from_json(const JsonValue& value) {
  JsonFields fields(value);
  LockRow row;
  if (const auto manifest = fields.required("manifest")) row.manifest = fields.take(manifest->text());
  if (const auto check = fields.required("check")) row.check = fields.take(check->text());
  const auto verdict = fields.required("verdict");
  const auto name = verdict ? fields.take(verdict->text()) : std::string();
  if (const auto code = find_verdict(name))
    row.verdict = *code;
  else if (verdict)
    fields.keep(verdict->mismatch("a verdict"));
  const auto bytes = [&](std::string_view key, Bytes& out) {
    if (const auto member = fields.required(key)) out = fields.take(member->count(0, most_bytes));
  };
  bytes("weights_bytes", row.weights_bytes);
  bytes("kv_cache_bytes", row.kv_cache_bytes);
  bytes("total_bytes", row.total_bytes);
  if (auto error = fields.finish()) return *error;
  return row;
}

std::int64_t delta(Bytes before, Bytes after) { return static_cast<std::int64_t>(after - before); }

}  // namespace

LockRow lock_row(std::string manifest, std::string check, const Outcome& outcome) {
  return {std::move(manifest),   std::move(check),       outcome.verdict.value_or(VerdictCode::unknown),
          outcome.weights_bytes, outcome.kv_cache_bytes, outcome.total_bytes};
}

const LockRow* Lock::find(std::string_view manifest, std::string_view check) const {
  const auto wanted = std::make_tuple(manifest, check);
  const auto view = [](const LockRow& row) {
    return std::make_tuple(std::string_view(row.manifest), std::string_view(row.check));
  };
  const auto it = std::lower_bound(rows.begin(), rows.end(), wanted,
                                   [&](const LockRow& row, const auto& key) { return view(row) < key; });
  return it != rows.end() && view(*it) == wanted ? &*it : nullptr;
}

Lock make_lock(std::vector<LockRow> rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const LockRow& a, const LockRow& b) { return key_of(a) < key_of(b); });
  const auto same = [](const LockRow& a, const LockRow& b) { return key_of(a) == key_of(b); };
  rows.erase(std::unique(rows.begin(), rows.end(), same), rows.end());
  return {std::move(rows)};
}

std::string to_json(const Lock& lock) {
  std::string out = fmt::format("{{\n\"schema\": \"{}\",\n\"checks\": [", schema_id);
  for (std::size_t i = 0; i < lock.rows.size(); ++i) {
    const auto& row = lock.rows[i];
    out += fmt::format(
        "{}\n{{\"manifest\": {}, \"check\": {}, \"verdict\": \"{}\", \"weights_bytes\": {}, \"kv_cache_bytes\": {}, "
        "\"total_bytes\": {}}}",
        i == 0 ? "" : ",", json_quoted(row.manifest), json_quoted(row.check), name_of(row.verdict), row.weights_bytes,
        row.kv_cache_bytes, row.total_bytes);
  }
  return out + "\n]\n}\n";
}

Result<Lock> parse_lock(std::string_view json, std::string_view what) {
  const auto root = JsonValue::parse(json, what);
  if (!root) return root.error();
  JsonFields fields(*root);
  const auto schema = fields.required("schema");
  const auto checks = fields.required("checks");
  if (auto error = fields.finish()) return *error;
  const auto id = schema->text();
  if (!id) return id.error();
  if (*id != schema_id) return schema->error(fmt::format("must be '{}', is {}", schema_id, in_quotes(*id)));
  if (!checks->is(JsonKind::array)) return checks->mismatch("a list");
  std::vector<LockRow> rows;
  for (const auto& item : checks->children()) {
    auto row = row_from_json(item);
    if (!row) return row.error();
    rows.push_back(*std::move(row));
  }
  const auto count = rows.size();
  auto lock = make_lock(std::move(rows));
  if (lock.rows.size() != count) return checks->error("a check is there twice");
  return lock;
}

LockChange compare(const LockRow& locked, const LockRow& now) {
  LockChange out;
  const bool more = now.total_bytes > locked.total_bytes, less = now.total_bytes < locked.total_bytes;
  // Verdicts are in order of goodness.
  out.grew = more || now.verdict > locked.verdict;
  out.shrank = !out.grew && (less || now.verdict < locked.verdict);
  if (more || less) {
    const auto bytes = more ? now.total_bytes - locked.total_bytes : locked.total_bytes - now.total_bytes;
    out.message = fmt::format("was {}, is {}: {} {}", format_bytes(locked.total_bytes), format_bytes(now.total_bytes),
                              format_bytes(bytes), more ? "more" : "less");
    const auto weights = delta(locked.weights_bytes, now.weights_bytes);
    const auto cache = delta(locked.kv_cache_bytes, now.kv_cache_bytes);
    const auto rest = delta(locked.total_bytes, now.total_bytes) - weights - cache;
    std::string parts;
    for (const auto& [name, change] : {std::pair("weights", weights), {"KV cache", cache}, {"other", rest}})
      if (change != 0)
        parts += fmt::format("{}{} {}{}", parts.empty() ? "" : ", ", name, change > 0 ? "+" : "-",
                             format_bytes(static_cast<Bytes>(std::abs(change))));
    out.message += fmt::format(" ({})", parts);
  }
  if (now.verdict != locked.verdict)
    out.message += fmt::format("{}verdict was {}, is {}", out.message.empty() ? "" : "; ", name_of(locked.verdict),
                               name_of(now.verdict));
  return out;
}

}  // namespace willitrun
