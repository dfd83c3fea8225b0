// A run as one willitrun.check/1 document, or as one line per outcome. The keys are those of willitrun.result/1 where
// both have the figure.
#include "willitrun/format_writers.hpp"
#include "willitrun/json_writer.hpp"

namespace willitrun {
namespace {

void write_range(JsonWriter& json, std::string_view key, const std::optional<Range>& range) {
  if (!range) {
    json.null(key);
    return;
  }
  json.object(key).number("low", range->low).number("mid", range->mid).number("high", range->high).close();
}

void write_place(JsonWriter& json, const SourcePlace& place) {
  if (place.file.empty()) {
    json.null("place");
    return;
  }
  const auto whole_or_null = [&](std::string_view key, std::uint32_t value) {
    if (value == 0)
      json.null(key);
    else
      json.whole(key, value);
  };
  json.object("place").text("file", place.file);
  whole_or_null("line", place.line);
  whole_or_null("column", place.column);
  json.text_or_null("pointer", place.pointer).close();
}

void write_figures(JsonWriter& json, const Outcome& o) {
  json.whole("parameters", o.parameters);
  json.object("memory").whole("weights_bytes", o.weights_bytes).whole("kv_cache_bytes", o.kv_cache_bytes);
  json.whole("total_bytes", o.total_bytes).whole("gpu_bytes", o.gpu_bytes);
  json.whole("gpu_usable_bytes", o.gpu_usable_bytes).close();
  json.object("placement").whole("gpu_layers", o.gpu_layers).whole("total_layers", o.total_layers).close();
  json.object("context").whole("allocated", o.n_ctx);
  if (o.max_ctx)
    json.whole("max", *o.max_ctx);
  else
    json.null("max");
  json.close().object("speed");
  write_range(json, "decode_tokens_per_s", o.decode_tokens_per_s);
  write_range(json, "prefill_tokens_per_s", o.prefill_tokens_per_s);
  write_range(json, "time_to_first_token_s", o.time_to_first_token_s);
  json.close();
}

/// The members of one outcome, into an object already open. A bad question has no figures.
void write_members(JsonWriter& json, const Outcome& o) {
  json.text("name", o.name).text("model", o.model).text_or_null("quant", o.quant).text("target", o.target);
  json.text("status", name_of(o.status)).text_or_null("verdict", verdict_text(o)).text("require", name_of(o.require));
  json.text("code", o.code).text("message", o.message).text_or_null("waiver", o.waiver);
  write_place(json, o.place);
  if (o.verdict)
    write_figures(json, o);
  else
    json.null("parameters").null("memory").null("placement").null("context").null("speed");
}

}  // namespace

std::string run_as_json(Outcomes outcomes, const RunHeader& header, const TextStyle&) {
  const auto counts = tally(outcomes);
  JsonWriter json;
  json.object().text("schema", "willitrun.check/1").text("title", header.title).text_or_null("date", header.date);
  json.object("tool").text("version", header.tool_version).close();
  json.object("catalog").text("version", header.catalog_version).text("sha256", header.catalog_sha256).close();
  json.object("summary").flag("met", counts.met()).whole("checks", counts.total);
  for (std::size_t s = 0; s < counts.of.size(); ++s) json.whole(name_of(static_cast<OutcomeStatus>(s)), counts.of[s]);
  json.close().list("checks");
  for (const auto& outcome : outcomes) {
    json.line().object();
    write_members(json, outcome);
    json.close();
  }
  return json.line().close().close().take() + "\n";
}

std::string run_as_ndjson(Outcomes outcomes, const RunHeader&, const TextStyle&) {
  std::string out;
  for (const auto& outcome : outcomes) {
    JsonWriter json;
    json.object().text("schema", "willitrun.outcome/1");
    write_members(json, outcome);
    out += json.close().take() + "\n";
  }
  return out;
}

}  // namespace willitrun
