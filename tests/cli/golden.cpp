// Runs every case in tests/cli/cases/*.txt and compares exit status, stdout and stderr to the letter.
// A case is "$ arguments" (or "$ NAME=value ... | arguments"), "exit N", then the output; lines of stderr start with
// "! ". $WORK is an empty folder that the cases share. Several cases may share a file.
// GOLDEN_UPDATE=1 writes what was seen instead of comparing.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <regex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#if !defined(_WIN32)
#include <sys/wait.h>
#endif

namespace fs = std::filesystem;

namespace {

struct Case {
  std::vector<std::string> comments;
  std::string command;  // the line after "$ "
  std::vector<std::string> expected;
};

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<Case> read_cases(const fs::path& path) {
  std::vector<Case> cases;
  std::vector<std::string> comments;
  for (const auto& line : lines_of(path)) {
    if (line.starts_with("$ "))
      cases.push_back({std::exchange(comments, {}), line.substr(2), {}});
    else if (line.starts_with("# "))
      comments.push_back(line);
    else if (!cases.empty() && comments.empty())
      cases.back().expected.push_back(line);
  }
  // An empty line parts a case from the next.
  for (auto& c : cases)
    while (!c.expected.empty() && c.expected.back().empty()) c.expected.pop_back();
  return cases;
}

std::vector<std::string> run(const std::string& binary, const std::string& command, const fs::path& work) {
  const auto out = work / "stdout", err = work / "stderr";
  // "A=1 < input | arguments": what stands before the bar is environment and redirection.
  const auto barred = command.find(" | ");
  const auto before = barred == std::string::npos ? std::string() : command.substr(0, barred);
  const auto arguments = barred == std::string::npos ? command : command.substr(barred + 3);
  const auto redirect = before.find('<');
  const auto input = redirect == std::string::npos ? std::string("/dev/null") : before.substr(redirect + 1);
  const auto environment = before.substr(0, std::min(redirect, before.size()));
  const auto line = "env -u NO_COLOR -u CLICOLOR_FORCE LC_ALL=C.UTF-8 COLUMNS=80 XDG_CONFIG_HOME=/nowhere " +
                    environment + " '" + binary + "' " + arguments + " < " + input + " > '" + out.string() + "' 2> '" +
                    err.string() + "'";
  const int status = std::system(line.c_str());
#if defined(_WIN32)
  const int code = status;
#else
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
#endif
  std::vector<std::string> seen{"exit " + std::to_string(code)};
  for (const auto& text : lines_of(err)) seen.push_back("! " + text);
  // The catalogs' fingerprint changes with every entry.
  static const std::regex fingerprint(R"("version":"[0-9-]{10}","sha256":"[0-9a-f]{64}")");
  for (const auto& text : lines_of(out)) seen.push_back(std::regex_replace(text, fingerprint, R"("version":"...")"));
  for (auto& text : seen)
    for (auto at = text.find(work.string()); at != std::string::npos; at = text.find(work.string()))
      text.replace(at, work.string().size(), "$WORK");
  while (!seen.empty() && seen.back().empty()) seen.pop_back();
  return seen;
}

void report_difference(const fs::path& path, const Case& c, const std::vector<std::string>& seen) {
  std::cout << path.filename().string() << ": $ " << c.command << "\n";
  for (std::size_t i = 0; i < std::max(c.expected.size(), seen.size()); ++i) {
    const auto want = i < c.expected.size() ? c.expected[i] : "<nothing>";
    const auto got = i < seen.size() ? seen[i] : "<nothing>";
    if (want != got) std::cout << "  line " << i + 1 << "\n    want " << want << "\n    got  " << got << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: golden BINARY CASES FIXTURES\n";
    return 2;
  }
  const auto binary = fs::absolute(argv[1]).string();
  const fs::path cases = fs::absolute(argv[2]);
  const auto work =
      fs::temp_directory_path() / ("willitrun-golden-" + std::to_string(std::hash<std::string>{}(binary)));
  fs::remove_all(work);
  fs::create_directories(work);
  setenv("WORK", work.string().c_str(), 1);
  fs::current_path(argv[3]);
  const bool update = std::getenv("GOLDEN_UPDATE") != nullptr;
  std::size_t passed = 0, failed = 0;
  std::vector<fs::path> files(fs::directory_iterator(cases), fs::directory_iterator{});
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    auto parsed = read_cases(path);
    for (auto& c : parsed) {
      auto seen = run(binary, c.command, work);
      if (update) c.expected = seen;
      if (seen == c.expected)
        ++passed;
      else
        ++failed, report_difference(path, c, seen);
    }
    if (!update) continue;
    std::ofstream out(path, std::ios::binary);
    for (std::size_t i = 0; i < parsed.size(); ++i) {
      for (const auto& comment : parsed[i].comments) out << comment << "\n";
      out << "$ " << parsed[i].command << "\n";
      for (const auto& line : parsed[i].expected) out << line << "\n";
      if (i + 1 < parsed.size()) out << "\n";
    }
  }
  fs::remove_all(work);
  std::cout << passed << " passed, " << failed << " failed\n";
  return failed == 0 && passed > 0 ? 0 : 1;
}
