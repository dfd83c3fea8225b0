// The program in a pipeline: thousands of requests in order and in bounded memory, a reader that goes away, a line
// without end.
#include <sys/resource.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

int failures = 0;

void check(bool good, const std::string& what) {
  if (good) return;
  std::cout << "failed: " << what << "\n";
  ++failures;
}

struct Seen {
  int status;
  std::string out, err;
};

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A shell command in the work folder; {} stands for the program.
Seen run(std::string command, const std::string& program, const fs::path& work) {
  command.replace(command.find("{}"), 2, "'" + program + "'");
  const auto line = "cd '" + work.string() + "' && export XDG_CONFIG_HOME=/nowhere && ( " + command + " ) > out 2> err";
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128, text_of(work / "out"), text_of(work / "err")};
}

void write_requests(const fs::path& path, int count) {
  const std::vector<std::string> models{"llama3.1-8b", "qwen3-30b-a3b", "gemma3-12b", "no-such-model-at-all"};
  std::ofstream out(path);
  for (int i = 0; i < count; ++i)
    out << R"({"id":)" << i << R"(,"model":")" << models[static_cast<std::size_t>(i) % models.size()]
        << R"(","quant":"q4_k_m","gpu":["rtx3060"],"ctx":)" << 1024 * (1 + i % 16) << "}\n";
}

/// Every line one JSON object with the id of its request, in order.
void check_order(const std::string& out, int count) {
  std::size_t from = 0;
  int line = 0;
  for (auto end = out.find('\n'); end != std::string::npos; from = end + 1, end = out.find('\n', from), ++line) {
    const auto id = "\"id\":" + std::to_string(line) + ",";
    if (out.compare(from, 10, "{\"schema\":") == 0 && out.substr(from, end - from).find(id) != std::string::npos)
      continue;
    check(false, "line " + std::to_string(line + 1) + " answers another request");
    return;
  }
  check(line == count, std::to_string(line) + " answers for " + std::to_string(count) + " requests");
}

long peak_of_children() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return usage.ru_maxrss;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto program = fs::absolute(argv[1]).string();
  const auto work =
      fs::temp_directory_path() / ("willitrun-pipeline-" + std::to_string(std::hash<std::string>{}(program)));
  fs::create_directories(work);
  constexpr int few = 200, many = 2000;
  write_requests(work / "few", few);
  write_requests(work / "many", many);

  check_order(run("{} batch < few", program, work).out, few);
  const auto peak_few = peak_of_children();
  const auto all = run("{} batch < many", program, work);
  check_order(all.out, many);
  check(all.status == 2, "a bad line makes the exit code 2, not " + std::to_string(all.status));
  check(all.err.empty(), "nothing on standard error: " + all.err);
  check(peak_of_children() < peak_few + peak_few / 2, "memory grows with the number of requests");

  const auto gone = run("{} batch < many | head -n 1", program, work);
  check_order(gone.out, 1);
  check(gone.err.empty(), "a reader that goes away is no error: " + gone.err);

  std::ofstream(work / "long") << "{\"id\":0,\"model\":\"" << std::string(3 << 20, 'x') << "\"}\n"
                               << "{\"id\":1}\n";
  const auto endless = run("{} batch < long", program, work);
  check(endless.out.find("the line is longer than 1 MiB") != std::string::npos, "a long line is refused");
  check(endless.out.find("\"id\":1,") != std::string::npos, "and the next one answered");

  constexpr std::size_t deep = 100'000;
  std::ofstream(work / "deep") << "{\"id\":" << std::string(deep, '[') << std::string(deep, ']') << "}\n{\"id\":1}\n";
  const auto nested = run("{} batch < deep", program, work);
  check(nested.out.find("nested more than 64 deep") != std::string::npos, "a deep line is refused");
  check(nested.out.find("\"id\":1,") != std::string::npos, "and the next one answered");

  check(run("{} list engines > /dev/full", program, work).status == 74, "a full disk is told by the exit code");
  check(text_of(work / "err").find("could not be written") != std::string::npos, "and in words");

  fs::remove_all(work);
  std::cout << (failures == 0 ? "passed\n" : "");
  return failures == 0 ? 0 : 1;
}
