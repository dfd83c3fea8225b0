// /proc and control-group texts.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "willitrun/detect_parse.hpp"

namespace willitrun {
namespace {

std::string value_of(const KeyValues& pairs, std::string_view key) {
  const auto it = pairs.find(key);
  return it == pairs.end() ? std::string() : it->second;
}

/// "24684084 kB"
std::optional<Bytes> kilobytes(const KeyValues& pairs, std::string_view key) {
  auto text = value_of(pairs, key);
  if (!text.ends_with(" kB")) return std::nullopt;
  text.resize(text.size() - 3);
  return plausible_bytes(whole_number(text), kib);
}

struct ArmCore {
  unsigned implementer, part;
  std::string_view name;
};
/// Arm's, NVIDIA's, Ampere's, Qualcomm's and Apple's part numbers, as util-linux's lscpu-arm.c lists them.
constexpr std::array arm_cores{
    ArmCore{0x41, 0xd03, "Cortex-A53"},  ArmCore{0x41, 0xd04, "Cortex-A35"},  ArmCore{0x41, 0xd05, "Cortex-A55"},
    ArmCore{0x41, 0xd07, "Cortex-A57"},  ArmCore{0x41, 0xd08, "Cortex-A72"},  ArmCore{0x41, 0xd09, "Cortex-A73"},
    ArmCore{0x41, 0xd0a, "Cortex-A75"},  ArmCore{0x41, 0xd0b, "Cortex-A76"},  ArmCore{0x41, 0xd0c, "Neoverse-N1"},
    ArmCore{0x41, 0xd40, "Neoverse-V1"}, ArmCore{0x41, 0xd41, "Cortex-A78"},  ArmCore{0x41, 0xd42, "Cortex-A78AE"},
    ArmCore{0x41, 0xd44, "Cortex-X1"},   ArmCore{0x41, 0xd49, "Neoverse-N2"}, ArmCore{0x41, 0xd4d, "Cortex-A715"},
    ArmCore{0x41, 0xd4f, "Neoverse-V2"}, ArmCore{0x41, 0xd81, "Cortex-A720"}, ArmCore{0x41, 0xd85, "Cortex-X925"},
    ArmCore{0x41, 0xd87, "Cortex-A725"}, ArmCore{0x4e, 0x004, "Carmel"},      ArmCore{0x51, 0x001, "Oryon"},
    ArmCore{0xc0, 0xac3, "Ampere-1"},    ArmCore{0xc0, 0xac4, "Ampere-1a"},   ArmCore{0x41, 0xd83, "Neoverse-V3AE"},
    ArmCore{0x41, 0xd84, "Neoverse-V3"}, ArmCore{0x41, 0xd8e, "Neoverse-N3"},
};

std::string_view arm_core(unsigned implementer, unsigned part) {
  const auto it = std::find_if(arm_cores.begin(), arm_cores.end(),
                               [&](const ArmCore& row) { return row.implementer == implementer && row.part == part; });
  return it == arm_cores.end() ? std::string_view() : it->name;
}

/// What the processors of /proc/cpuinfo add up to.
struct CpuCount {
  std::uint32_t threads = 0;
  std::set<std::string> sockets;
  std::set<std::pair<std::string, std::string>> cores;  // socket, core
  std::vector<std::string> arm_names;                   // each kind once, in order
  std::string socket;
  unsigned implementer = 0;

  void read(std::string_view key, std::string_view value) {
    if (key == "processor" && whole_number(value)) {
      ++threads;
      socket.clear();
    } else if (key == "physical id") {
      socket = value;
      sockets.insert(socket);
    } else if (key == "core id") {
      cores.emplace(socket, value);
    } else if (key == "CPU implementer") {
      implementer = static_cast<unsigned>(whole_number(value).value_or(0));
    } else if (key == "CPU part") {
      const std::string name(arm_core(implementer, static_cast<unsigned>(whole_number(value).value_or(0))));
      if (!name.empty() && std::find(arm_names.begin(), arm_names.end(), name) == arm_names.end())
        arm_names.push_back(name);
    }
  }
};

}  // namespace

MemInfo parse_meminfo(std::string_view text) {
  const auto pairs = key_values(text, ':');
  MemInfo out{kilobytes(pairs, "MemTotal"), kilobytes(pairs, "MemAvailable")};
  if (out.total && out.available && *out.available > *out.total) out.available = out.total;
  return out;
}

CpuInfo parse_cpuinfo(std::string_view text) {
  CpuInfo out;
  CpuCount count;
  for (const auto line : lines_of(text)) {
    const auto at = line.find(':');
    if (at == std::string_view::npos) continue;
    const auto key = trimmed_text(line.substr(0, at)), value = trimmed_text(line.substr(at + 1));
    if (key == "model name" && out.name.empty()) out.name = clean_name(value);
    if (key == "Model" && out.model.empty()) out.model = clean_name(value);
    count.read(key, value);
  }
  if (count.threads > 0) out.threads = count.threads;
  if (!count.sockets.empty()) out.sockets = static_cast<std::uint32_t>(count.sockets.size());
  if (!count.cores.empty())
    out.cores = static_cast<std::uint32_t>(count.cores.size());
  else if (!count.arm_names.empty())
    out.cores = out.threads;  // none of the cores listed runs two threads
  if (out.name.empty() || out.name.starts_with("ARMv"))
    for (const auto& name : count.arm_names)
      out.name = (&name == count.arm_names.data() ? "" : out.name + " + ") + name;
  return out;
}

std::optional<CgroupPath> parse_cgroup(std::string_view text) {
  std::optional<CgroupPath> out;
  for (const auto line : lines_of(text)) {
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const auto controllers = "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
    const std::string path(line.substr(second + 1));
    // A path that leaves the tree shows another namespace's; it is of no use here.
    const bool usable = path.starts_with('/') && path.find("..") == std::string::npos && path.size() < 4096;
    if (controllers.find(",memory,") != std::string::npos) return CgroupPath{1, usable ? path : "/"};
    if (line.starts_with("0::")) out = CgroupPath{2, usable ? path : "/"};
  }
  return out;
}

std::optional<Bytes> parse_memory_limit(std::string_view text) { return plausible_bytes(whole_number(text), 1); }

KernelVersion parse_kernel_version(std::string_view text) {
  constexpr std::string_view lead = "Linux version ";
  KernelVersion out;
  if (!text.starts_with(lead)) return out;
  const auto rest = text.substr(lead.size());
  out.release = clean_name(rest.substr(0, std::min(rest.find(' '), rest.size())));
  out.wsl = out.release.find("microsoft") != std::string::npos || out.release.find("Microsoft") != std::string::npos;
  return out;
}

}  // namespace willitrun
