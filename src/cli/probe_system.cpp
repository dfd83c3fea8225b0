#include "cli/probe_system.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#if !defined(_WIN32)
#include <pwd.h>
#include <unistd.h>
#endif

namespace willitrun::cli {
namespace {

class SystemProbe final : public ProbeSource {
 public:
  OperatingSystem os() override {
#if defined(_WIN32)
    return OperatingSystem::windows;
#elif defined(__APPLE__)
    return OperatingSystem::macos;
#else
    return OperatingSystem::linux_os;
#endif
  }

  std::optional<std::string> read_file(const std::string& path) override { return read_whole(path); }

  std::optional<std::string> list_dir(const std::string& path) override {
    constexpr std::size_t most = 4096;
    std::error_code problem;
    std::vector<std::string> names;
    std::filesystem::directory_iterator it(path, problem), end;
    if (problem) return std::nullopt;
    for (; it != end && names.size() < most; it.increment(problem)) {
      if (problem) break;
      names.push_back(it->path().filename().string());
    }
    std::sort(names.begin(), names.end());
    std::string out;
    for (const auto& name : names) out += name + '\n';
    return out;
  }

  std::optional<std::string> run(const std::vector<std::string>& command) override { return run_program(command); }

  std::optional<std::string> ask(const std::string& interface) override {
    if (interface == "nvml") return nvml_rows();
    if (interface == "sysctl") return sysctl_values();
    if (interface == "windows") return windows_facts();
    if (interface == "dxgi") return dxgi_adapters();
    if (interface == "smbios") return smbios_table();
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<ProbeSource> system_probe() { return std::make_unique<SystemProbe>(); }

const DetectedMachine& this_computer() {
  using Clock = std::chrono::steady_clock;
  constexpr auto keeps = std::chrono::seconds(5);  // free memory changes; a batch asks often
  static std::optional<DetectedMachine> machine;
  static Clock::time_point read_at;
  if (!machine || Clock::now() - read_at > keeps) {
    machine = detect(*system_probe());
    read_at = Clock::now();
  }
  return *machine;
}

std::vector<std::string> private_names() {
  std::vector<std::string> names;
  for (const char* variable : {"HOME", "USERPROFILE", "USER", "LOGNAME", "USERNAME", "HOSTNAME", "COMPUTERNAME"})
    if (const char* value = std::getenv(variable)) names.emplace_back(value);
#if !defined(_WIN32)
  char host[256] = "";
  if (gethostname(host, sizeof host - 1) == 0) names.emplace_back(host);
  if (const auto* user = getpwuid(getuid())) names.emplace_back(user->pw_name);
#endif
  return names;
}

}  // namespace willitrun::cli
