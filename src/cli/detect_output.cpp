#include "cli/detect_output.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "willitrun/catalog.hpp"
#include "willitrun/version.hpp"

namespace willitrun::cli {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string_view schema_name(OperatingSystem os) {
  return os == OperatingSystem::linux_os ? "linux" : os == OperatingSystem::windows ? "windows" : "macos";
}

Json to_json(const DetectedDevice& d) {
  return {{"name", d.name},
          {"vendor", d.vendor},
          {"kind", d.kind == DeviceKind::unified ? "unified" : "gpu"},
          {"catalog_id", or_null(d.catalog_id)},
          {"pci_address", or_null(d.pci_address)},
          {"pci_id", or_null(d.pci_id)},
          {"driver", or_null(d.driver)},
          {"read_from", d.read_from},
          {"memory_bytes", or_null(d.total_bytes)},
          {"free_bytes", or_null(d.free_bytes)},
          {"carved_bytes", or_null(d.carved_bytes)},
          {"gpu_cores", or_null(d.gpu_cores)},
          {"used", d.used},
          {"why_unused", or_null(d.why_unused)}};
}

std::string line(std::string_view label, const std::string& value) {
  return value.empty() ? std::string() : fmt::format("  {:<12} {}\n", label, value);
}

std::string counted(const std::optional<std::uint32_t>& count, std::string_view one) {
  return count ? fmt::format(", {} {}{}", *count, one, *count == 1 ? "" : "s") : std::string();
}

std::string device_text(const DetectedDevice& d) {
  auto out = fmt::format("{}{}\n", d.name, d.used ? "" : fmt::format("  (not used: {})", d.why_unused));
  if (d.total_bytes) {
    auto memory = format_bytes(*d.total_bytes);
    if (d.free_bytes)
      memory += fmt::format(", {} {}", format_bytes(*d.free_bytes), d.vendor == "apple" ? "for the GPU" : "free");
    if (d.carved_bytes) memory += fmt::format(", {} of it set aside by the firmware", format_bytes(*d.carved_bytes));
    if (d.kind == DeviceKind::unified) memory += ", shared with the processor";
    out += line("memory", memory);
  }
  out += line("catalog", d.catalog_id.empty() ? "not in the catalog" : d.catalog_id);
  if (d.gpu_cores) out += line("GPU cores", std::to_string(*d.gpu_cores));
  if (!d.pci_id.empty()) out += line("PCI", d.pci_address.empty() ? d.pci_id : d.pci_id + " at " + d.pci_address);
  return out + line("driver", fmt::format("{} (read from {})", d.driver.empty() ? "none" : d.driver, d.read_from));
}

std::string memory_text(const DetectedMemory& m) {
  std::string out;
  if (m.total_bytes) out += line("total", format_bytes(*m.total_bytes));
  if (m.limit_bytes) out += line("limit", format_bytes(*m.limit_bytes) + " (control group)");
  if (m.available_bytes) out += line("available", format_bytes(*m.available_bytes) + " now");
  auto type = m.type;
  if (!type.empty() && m.megatransfers_per_s) type += fmt::format("-{}", *m.megatransfers_per_s);
  if (!type.empty() && m.modules) type += fmt::format(", {} module{}", *m.modules, *m.modules == 1 ? "" : "s");
  return out.empty() ? line("total", "unknown") : out + line("type", type);
}

}  // namespace

std::string to_json(const DetectedMachine& m) {
  Json devices = Json::array();
  for (const auto& device : m.devices) devices.push_back(to_json(device));
  const Json out{{"schema", "willitrun.detect/1"},
                 {"tool", {{"version", version()}}},
                 {"catalog", {{"version", catalog_version()}, {"sha256", catalog_sha256()}}},
                 {"os",
                  {{"name", schema_name(m.os)},
                   {"version", or_null(m.os_version)},
                   {"wsl", m.wsl},
                   {"container", or_null(m.container)}}},
                 {"devices", devices},
                 {"cpu",
                  {{"name", or_null(m.cpu.name)},
                   {"catalog_id", or_null(m.cpu.catalog_id)},
                   {"sockets", or_null(m.cpu.sockets)},
                   {"cores", or_null(m.cpu.cores)},
                   {"threads", or_null(m.cpu.threads)},
                   {"board", or_null(m.board)}}},
                 {"memory",
                  {{"total_bytes", or_null(m.memory.total_bytes)},
                   {"available_bytes", or_null(m.memory.available_bytes)},
                   {"limit_bytes", or_null(m.memory.limit_bytes)},
                   {"type", or_null(m.memory.type)},
                   {"megatransfers_per_s", or_null(m.memory.megatransfers_per_s)},
                   {"modules", or_null(m.memory.modules)}}},
                 {"unread", m.unread}};
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_text(const DetectedMachine& m) {
  std::string out;
  for (const auto& device : m.devices) out += device_text(device) + "\n";
  if (m.devices.empty()) out += "no GPU found\n\n";
  out += (m.cpu.name.empty() ? "unnamed processor" : m.cpu.name) + "\n";
  out += line("catalog", m.cpu.catalog_id.empty() ? "not in the catalog" : m.cpu.catalog_id);
  auto count = counted(m.cpu.sockets, "socket") + counted(m.cpu.cores, "core") + counted(m.cpu.threads, "thread");
  if (count.size() > 2) out += line("has", count.substr(2));
  out += line("board", m.board);
  out += "\nmemory\n" + memory_text(m.memory);
  out += fmt::format("\n{} {}{}{}\n", name_of(m.os), m.os_version, m.wsl ? ", under Windows (WSL)" : "",
                     m.container.empty() ? "" : ", in a container (" + m.container + ")");
  if (!m.unread.empty()) out += "\nnot read\n";
  for (const auto& sentence : m.unread) out += fmt::format("  {}\n", sentence);
  return out;
}

}  // namespace willitrun::cli
