// macOS: sysctl, vm_stat, ioreg.
#include <algorithm>

#include "willitrun/detect_parse.hpp"

namespace willitrun {

std::optional<Bytes> parse_vm_stat(std::string_view text) {
  constexpr std::string_view mark = "page size of ";
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const auto digits = text.substr(at + mark.size());
  const auto page = whole_number(digits.substr(0, std::min(digits.find(' '), digits.size())));
  if (!page || *page < 1024 || *page > mib) return std::nullopt;
  const auto counts = key_values(text, ':');
  std::uint64_t pages = 0;
  for (const std::string_view key : {"Pages free", "Pages inactive", "Pages speculative", "Pages purgeable"}) {
    const auto it = counts.find(key);
    if (it == counts.end()) continue;
    auto count = std::string_view(it->second);
    if (count.ends_with('.')) count.remove_suffix(1);
    pages = checked_add(pages, whole_number(count).value_or(0)).value_or(0);
  }
  return plausible_bytes(pages, *page);
}

std::optional<std::uint32_t> parse_gpu_cores(std::string_view text) {
  constexpr std::string_view key = "\"gpu-core-count\"";
  for (const auto line : lines_of(text)) {
    const auto at = line.find(key);
    const auto equals = at == std::string_view::npos ? at : line.find('=', at);
    if (equals == std::string_view::npos) continue;
    const auto count = whole_number(line.substr(equals + 1));
    if (count && *count > 0 && *count <= 1024) return static_cast<std::uint32_t>(*count);
  }
  return std::nullopt;
}

namespace {

std::optional<std::uint32_t> small_number(const KeyValues& values, std::string_view key) {
  const auto it = values.find(key);
  const auto number = it == values.end() ? std::nullopt : whole_number(it->second);
  return number && *number > 0 && *number <= 16'777'216 ? std::optional(static_cast<std::uint32_t>(*number))
                                                        : std::nullopt;
}

DetectedDevice apple_device(ProbeSource& source, const KeyValues& values, const DetectedMachine& machine) {
  DetectedDevice device;
  device.name = machine.cpu.name;
  device.vendor = "apple";
  device.kind = DeviceKind::unified;
  device.driver = "Metal";
  device.read_from = "sysctl";
  device.total_bytes = machine.memory.total_bytes;
  device.gpu_cores = parse_gpu_cores(source.run({"/usr/sbin/ioreg", "-rc", "AGXAccelerator", "-d", "1"}).value_or(""));
  if (!device.total_bytes) return device;
  const auto wired = small_number(values, "iogpu.wired_limit_mb");  // 0 = the default
  const auto dot = std::min(machine.os_version.find('.'), machine.os_version.size());
  const auto version = whole_number(std::string_view(machine.os_version).substr(0, dot)).value_or(15);
  const auto limit = apple_working_set(*device.total_bytes, static_cast<unsigned>(version));
  device.free_bytes = std::min(*device.total_bytes, wired ? *wired * mib : limit);
  return device;
}

}  // namespace

void detect_macos(ProbeSource& source, DetectedMachine& machine) {
  const auto values = key_values(source.ask("sysctl").value_or(""), ':');
  const auto text = [&](std::string_view key) {
    const auto it = values.find(key);
    return it == values.end() ? std::string() : clean_name(it->second);
  };
  machine.os_version = text("kern.osproductversion");
  machine.board = text("hw.model");
  machine.cpu.name = text("machdep.cpu.brand_string");
  machine.cpu.cores = small_number(values, "hw.physicalcpu");
  machine.cpu.threads = small_number(values, "hw.logicalcpu");
  machine.cpu.sockets = small_number(values, "hw.packages");
  machine.memory.total_bytes = plausible_bytes(whole_number(text("hw.memsize")), 1);
  machine.memory.available_bytes = parse_vm_stat(source.run({"/usr/bin/vm_stat"}).value_or(""));
  if (machine.memory.total_bytes && machine.memory.available_bytes)
    machine.memory.available_bytes = std::min(*machine.memory.available_bytes, *machine.memory.total_bytes);
  if (machine.cpu.name.starts_with("Apple"))
    machine.devices.push_back(apple_device(source, values, machine));
  else
    machine.unread.push_back("the graphics of a Mac without Apple silicon; name them with --gpu");
}

}  // namespace willitrun
