// macOS: the sysctl values detection reads, as `sysctl` prints them.
#include "cli/probe_system.hpp"

#if defined(__APPLE__)

#include <sys/sysctl.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace willitrun::cli {
namespace {

struct Name {
  const char* name;
  bool is_text;
};
constexpr std::array names{Name{"kern.osproductversion", true},
                           Name{"hw.model", true},
                           Name{"machdep.cpu.brand_string", true},
                           Name{"hw.memsize", false},
                           Name{"hw.packages", false},
                           Name{"hw.physicalcpu", false},
                           Name{"hw.logicalcpu", false},
                           Name{"hw.perflevel0.physicalcpu", false},
                           Name{"hw.perflevel1.physicalcpu", false},
                           Name{"iogpu.wired_limit_mb", false}};

}  // namespace

std::optional<std::string> sysctl_values() {
  std::string out;
  for (const auto& [name, is_text] : names) {
    char buffer[256] = "";
    std::size_t size = sizeof buffer - 1;
    if (sysctlbyname(name, buffer, &size, nullptr, 0) != 0) continue;
    std::string value = buffer;
    if (!is_text) {
      // Integers come in four or eight bytes, least significant first on every Mac.
      std::uint64_t number = 0;
      std::memcpy(&number, buffer, size == 4 ? 4 : 8);
      value = std::to_string(number);
    }
    out += std::string(name) + ": " + value + "\n";
  }
  return out;
}

}  // namespace willitrun::cli

#else

namespace willitrun::cli {
std::optional<std::string> sysctl_values() { return std::nullopt; }
}  // namespace willitrun::cli

#endif
