#include "willitrun/llama_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "willitrun/json_reader.hpp"

namespace willitrun {
namespace {

constexpr std::size_t most_rows = 10'000;

/// Reads members of one test; the first problem is kept.
class Fields {
 public:
  explicit Fields(JsonValue object) : object_(std::move(object)) {
    if (!object_.is(JsonKind::object)) keep(object_.mismatch("an object, one test of llama-bench"));
  }

  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

  void require(std::string_view key) {
    if (!problem_ && !object_.find(key))
      keep(object_.error(fmt::format("'{}' is missing: is this what llama-bench -o json prints?", key)));
  }

  void text(std::string_view key, std::string& out) {
    if (const auto v = object_.find(key)) take(v->text(), out);
  }
  template <class Whole>
  void count(std::string_view key, Whole& out, std::uint64_t most) {
    if (const auto v = object_.find(key)) take(v->count(0, most), out);
  }
  void integer(std::string_view key, std::int64_t& out) {
    if (const auto v = object_.find(key)) take(v->integer(), out);
  }
  void number(std::string_view key, double& out) {
    if (const auto v = object_.find(key)) take(v->number(), out);
  }
  /// A bool, or since 2025-09 for flash_attn a number: 0 = off, 1 = on, -1 = auto.
  void flag(std::string_view key, bool& out) {
    const auto v = object_.find(key);
    if (!v) return;
    if (v->is(JsonKind::boolean)) return take(v->flag(), out);
    std::int64_t n = 0;
    take(v->integer(), n);
    out = n != 0;
  }
  [[nodiscard]] bool is_set(std::string_view key) {
    bool out = false;
    flag(key, out);
    return out;
  }
  void refuse(std::string_view key, std::string_view message) {
    if (const auto v = object_.find(key)) keep(v->error(message));
  }

 private:
  template <class From, class To>
  void take(const Result<From>& from, To& to) {
    if (from)
      to = static_cast<To>(*from);
    else
      keep(from.error());
  }
  void keep(Error error) {
    if (!problem_) problem_ = std::move(error);
  }

  JsonValue object_;
  std::optional<Error> problem_;
};

/// "CUDA", from the flags of builds before 2024-11.
std::string backends_of_flags(Fields& fields, const std::string& gpu_info) {
  // HIP builds set "cuda" too; only the device's name tells.
  const bool amd = gpu_info.find("AMD") != std::string::npos || gpu_info.find("Radeon") != std::string::npos;
  if (fields.is_set("cuda")) return amd ? "ROCm" : "CUDA";
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> flags{
      {{"vulkan", "Vulkan"}, {"metal", "Metal"}, {"sycl", "SYCL"}, {"opencl", "OpenCL"}}};
  for (const auto& [key, name] : flags)
    if (fields.is_set(key)) return std::string(name);
  return "CPU";
}

std::string date_of(const std::string& time) {
  constexpr std::string_view shape = "dddd-dd-dd";
  if (time.size() < shape.size()) return {};
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == 'd' ? std::isdigit(static_cast<unsigned char>(time[i])) == 0 : time[i] != '-') return {};
  return time.substr(0, shape.size());
}

Result<BenchRow> read_row(const JsonValue& object, std::size_t number) {
  constexpr std::uint64_t most_tokens = 1U << 30, most_bytes = std::uint64_t{1} << 60;
  Fields fields(object);
  for (const auto* key : {"model_type", "model_size", "model_n_params", "n_prompt", "n_gen", "avg_ts"})
    fields.require(key);
  BenchRow out;
  out.number = number;
  fields.text("model_filename", out.model_filename);
  fields.text("model_type", out.model_type);
  fields.count("model_size", out.model_size, most_bytes);
  fields.count("model_n_params", out.model_n_params, most_bytes);
  fields.text("cpu_info", out.cpu_info);
  fields.text("gpu_info", out.gpu_info);
  fields.text("devices", out.devices);
  fields.text("split_mode", out.split_mode);
  fields.text("tensor_buft_overrides", out.tensor_buft_overrides);
  fields.text("type_k", out.type_k);
  fields.text("type_v", out.type_v);
  fields.integer("n_gpu_layers", out.n_gpu_layers);
  fields.count("n_cpu_moe", out.n_cpu_moe, most_tokens);
  fields.count("n_batch", out.n_batch, most_tokens);
  fields.count("n_ubatch", out.n_ubatch, most_tokens);
  fields.count("main_gpu", out.main_gpu, 1024);
  fields.count("n_prompt", out.n_prompt, most_tokens);
  fields.count("n_gen", out.n_gen, most_tokens);
  fields.count("n_depth", out.n_depth, most_tokens);
  fields.flag("flash_attn", out.flash_attn);
  fields.flag("no_kv_offload", out.no_kv_offload);
  fields.flag("embeddings", out.embeddings);
  fields.number("avg_ts", out.avg_ts);
  fields.number("stddev_ts", out.stddev_ts);
  std::string time;
  fields.text("test_time", time);
  out.date = date_of(time);
  fields.text("backends", out.backends);
  if (out.backends.empty()) out.backends = backends_of_flags(fields, out.gpu_info);
  if (!(out.avg_ts > 0) || out.avg_ts > 1e9) fields.refuse("avg_ts", "must be tokens per second above 0");
  if (fields.problem()) return *fields.problem();
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

/// One object a line; complaints name the line.
Result<std::vector<JsonValue>> read_lines(std::string_view text, std::string_view what) {
  std::vector<JsonValue> out;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto row = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (row.empty()) continue;
    if (out.size() == most_rows) return Error{"too_large", fmt::format("{}: more than {} tests", what, most_rows)};
    auto value = JsonValue::parse(row, fmt::format("{}: line {}", what, line));
    if (!value) return value.error();
    out.push_back(std::move(*value));
  }
  return out;
}

Result<std::vector<JsonValue>> read_array(std::string_view text, std::string_view what) {
  const auto root = JsonValue::parse(text, what);
  if (!root) return root.error();
  auto out = root->children();
  if (out.size() > most_rows) return Error{"too_large", fmt::format("{}: more than {} tests", what, most_rows)};
  return out;
}

/// llama_ftype's descriptions (src/llama-model-loader.cpp) that do not start with the preset's own name.
struct Description {
  std::string_view text, id;
};
constexpr std::array descriptions{
    Description{"Q2_K - Medium", "q2_k"},   Description{"Q2_K - Small", "q2_k_s"},
    Description{"Q3_K - Small", "q3_k_s"},  Description{"Q3_K - Medium", "q3_k_m"},
    Description{"Q3_K - Large", "q3_k_l"},  Description{"Q4_K - Small", "q4_k_s"},
    Description{"Q4_K - Medium", "q4_k_m"}, Description{"Q5_K - Small", "q5_k_s"},
    Description{"Q5_K - Medium", "q5_k_m"}, Description{"IQ3_S mix", "iq3_m"},
    Description{"MXFP4 MoE", "mxfp4"},
};

}  // namespace

std::string quant_of_model_type(std::string_view type) {
  const auto* it = std::find_if(descriptions.begin(), descriptions.end(),
                                [&](const Description& d) { return type.find(d.text) != std::string_view::npos; });
  if (it != descriptions.end()) return std::string(it->id);
  for (std::size_t at = 0; at < type.size();) {
    const auto end = std::min(type.find(' ', at), type.size());
    const auto word = type.substr(at, end - at);
    at = end + 1;
    const auto stem = word.starts_with("I") || word.starts_with("T") || word.starts_with("B") ? word.substr(1) : word;
    const bool quant = stem.size() >= 3 && (stem[0] == 'Q' || stem[0] == 'F') && std::isdigit(stem[1]) != 0;
    if (!quant && !word.starts_with("NVFP4")) continue;
    std::string id(word);
    for (char& c : id) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return id;
  }
  return {};
}

Result<std::vector<BenchRow>> read_llama_bench(std::string_view text, std::string_view what) {
  const auto body = trimmed(text);
  if (body.empty()) return Error{"empty_input", fmt::format("{}: is empty", what)};
  if (body.front() == '|' || body.starts_with("build_commit"))
    return Error{"bad_file", fmt::format("{}: is llama-bench's table; run it with -o json", what)};
  const auto values = body.front() == '{' ? read_lines(text, what) : read_array(text, what);
  if (!values) return values.error();
  std::vector<BenchRow> out;
  for (const auto& value : *values) {
    auto row = read_row(value, out.size() + 1);
    if (!row) return row.error();
    out.push_back(std::move(*row));
  }
  if (out.empty()) return Error{"bad_file", fmt::format("{}: holds no tests of llama-bench", what)};
  return out;
}

}  // namespace willitrun
