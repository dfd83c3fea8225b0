// Build step: the fitted speed parameters (speed.json) and the published measurements (measured.tsv) as one C++ source
// of constants, so that no answer pays for parsing them.
// usage: embed_calibration OUTPUT SPEED_JSON MEASURED_TSV
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "willitrun/speed_calibration.hpp"

namespace {

using nlohmann::json;

int problems = 0;

void problem(const std::string& where, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", where.c_str(), what.c_str());
  ++problems;
}

struct Enumerator {
  const char *name, *code;
};
constexpr std::array<Enumerator, 4> engines{
    {{"llama.cpp", "llama_cpp"}, {"llamafile", "llamafile"}, {"mlx", "mlx"}, {"vllm", "vllm"}}};
constexpr std::array<Enumerator, 6> backends{
    {{"cuda", "cuda"}, {"rocm", "rocm"}, {"vulkan", "vulkan"}, {"metal", "metal"}, {"sycl", "sycl"}, {"cpu", "cpu"}}};

template <std::size_t N>
std::string code_of(const std::array<Enumerator, N>& all, const std::string& name, const std::string& where) {
  const auto it = std::find_if(all.begin(), all.end(), [&](const Enumerator& e) { return name == e.name; });
  if (it != all.end()) return it->code;
  problem(where, "'" + name + "' is not known");
  return "none";
}

std::string quoted(const std::string& text) { return json(text).dump(-1, ' ', true); }

void write_rows(std::ostream& out, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const auto root = json::parse(in, nullptr, false);
  if (!root.is_object() || root.value("schema", "") != "willitrun.speed/1" || !root.contains("rows"))
    return problem(path, "is not a willitrun.speed/1 with rows");
  const auto fitted = root.value("fitted", std::string());
  if (fitted.empty()) return problem(path, "has no date of the fit");
  out << "constexpr const char* fitted = " << quoted(fitted) << ";\n";
  out << "constexpr SpeedRow rows[] = {\n";
  for (std::size_t i = 0; i < root["rows"].size(); ++i) {
    const auto& row = root["rows"][i];
    const auto where = path + ": row " + std::to_string(i);
    const auto architecture = row.value("architecture", std::string());
    out << "{Engine::" << code_of(engines, row.value("engine", ""), where)
        << ",Backend::" << code_of(backends, row.value("backend", ""), where) << ',' << quoted(architecture) << ','
        << quoted(row.value("compute_capability", std::string())) << ",{{";
    for (const auto& info : willitrun::parameter_info) {
      const auto it = row.find(std::string(info.name));
      if (it == row.end() || !it->is_number()) {
        problem(where, "no number " + std::string(info.name));
        continue;
      }
      const auto value = it->get<double>();
      if (value < info.low || value > info.high) problem(where, std::string(info.name) + " is out of its bounds");
      out << it->dump() << ',';
    }
    out << "}}},\n";
  }
  out << "};\n";
}

struct Measurement {
  std::vector<std::string> fields;
  std::size_t source;
};

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> out(1);
  for (const char c : line)
    if (c == '\t')
      out.emplace_back();
    else
      out.back() += c;
  return out;
}

void write_measurements(std::ostream& out, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<std::string> sources;
  std::vector<Measurement> all;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    auto fields = split(line);
    if (fields[0] == "@" && fields.size() == 2) {
      sources.push_back(fields[1]);
      continue;
    }
    if (fields.size() < 14 || fields.size() > 16 || sources.empty()) {
      problem(path + ": line " + std::to_string(number), "is not 14 to 16 fields after a source");
      continue;
    }
    fields.resize(16);
    all.push_back({std::move(fields), sources.size() - 1});
  }
  if (all.empty()) return problem(path, "has no measurements");
  std::stable_sort(all.begin(), all.end(),
                   [](const Measurement& a, const Measurement& b) { return a.fields[1] < b.fields[1]; });
  out << "constexpr const char* sources[] = {\n";
  for (const auto& source : sources) out << quoted(source) << ",\n";
  out << "};\nconstexpr Measurement measurements[] = {\n";
  for (const auto& m : all) {
    const auto& f = m.fields;
    out << '{';
    for (const std::size_t i : {0U, 1U, 3U, 4U, 5U, 6U, 10U, 11U}) out << quoted(f[i]) << ',';
    out << f[2] << ',' << (f[7] == "pp" ? "true" : "false") << ',' << f[8] << ',' << f[9] << ',' << f[12] << ','
        << (f[13] == "h" ? "true" : "false") << ',' << (f[14] == "tensor" ? "true" : "false") << ','
        << (f[15].empty() ? "512" : f[15]) << ',' << m.source << "},\n";
  }
  out << "};\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: embed_calibration OUTPUT SPEED_JSON MEASURED_TSV\n"), 2;
  std::ostringstream out;
  out << "// Generated by data/embed_calibration.cpp; do not edit.\n#include \"willitrun/measurements.hpp\"\n"
         "#include \"willitrun/speed_calibration.hpp\"\n\nnamespace willitrun {\nnamespace {\n\n";
  write_rows(out, argv[2]);
  write_measurements(out, argv[3]);
  out << "\n}  // namespace\n\nstd::span<const SpeedRow> speed_rows() { return rows; }\n"
         "std::string_view speed_fit_date() { return fitted; }\n"
         "std::span<const Measurement> all_measurements() { return measurements; }\n"
         "std::string_view measurement_source(std::size_t index) { return sources[index]; }\n\n}  // namespace "
         "willitrun\n";
  if (problems > 0) return std::fprintf(stderr, "embed_calibration: %d problem(s)\n", problems), 1;
  std::ofstream file(argv[1], std::ios::binary);
  file << out.str();
  file.close();
  if (!file) return std::fprintf(stderr, "embed_calibration: cannot write %s\n", argv[1]), 1;
  return 0;
}
