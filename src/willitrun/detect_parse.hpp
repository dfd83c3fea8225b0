// What the texts of drivers and operating systems say. Pure: text in, values out; unreadable text yields nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/detect.hpp"

namespace willitrun {

/// Lines without their ends, at most 100,000 of them.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);
std::vector<std::string_view> lines_of(std::string&& text) = delete;  // its lines would outlive it
[[nodiscard]] std::string_view trimmed_text(std::string_view text);
/// A whole number filling the (trimmed) text: decimal, or hexadecimal after "0x".
[[nodiscard]] std::optional<std::uint64_t> whole_number(std::string_view text);
[[nodiscard]] std::optional<std::uint64_t> hex_number(std::string_view digits);
/// "key : value" or "key=value" lines; the first of a key counts.
using KeyValues = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] KeyValues key_values(std::string_view text, char separator);
/// Printable and short: what a driver or a processor calls itself.
[[nodiscard]] std::string clean_name(std::string_view text);

/// A size that no machine exceeds (64 TiB) and none falls below (1 byte); other values are taken for garbage.
[[nodiscard]] std::optional<Bytes> plausible_bytes(std::optional<std::uint64_t> count, Bytes unit);

struct NvidiaDevice {
  std::string name, pci_address, pci_id, driver;
  std::optional<Bytes> total_bytes, free_bytes;
};
/// nvidia-smi --query-gpu=index,name,memory.total,memory.free,pci.bus_id,pci.device_id,driver_version
/// --format=csv,noheader,nounits (MiB).
[[nodiscard]] std::vector<NvidiaDevice> parse_nvidia_csv(std::string_view text);
/// "00000000:01:00.0" or "0000:01:00.0" as Linux writes it; empty when it is none.
[[nodiscard]] std::string pci_address(std::string_view text);

struct MemInfo {
  std::optional<Bytes> total, available;
};
[[nodiscard]] MemInfo parse_meminfo(std::string_view text);

struct CpuInfo {
  std::string name, model;  ///< model: the board, on ARM
  std::optional<std::uint32_t> sockets, cores, threads;
};
[[nodiscard]] CpuInfo parse_cpuinfo(std::string_view text);

/// The memory controller's path in /proc/self/cgroup and its version; nothing when there is none.
struct CgroupPath {
  unsigned version = 2;
  std::string path;
};
[[nodiscard]] std::optional<CgroupPath> parse_cgroup(std::string_view text);
/// A limit file's bytes; "max" and the kernel's page-rounded infinity are no limit.
[[nodiscard]] std::optional<Bytes> parse_memory_limit(std::string_view text);

struct KernelVersion {
  std::string release;
  bool wsl = false;
};
[[nodiscard]] KernelVersion parse_kernel_version(std::string_view text);

/// Modules of memory, as SMBIOS, SPD or EDAC describe them.
struct MemoryModules {
  std::string type;
  std::optional<std::uint32_t> megatransfers_per_s, modules;
};
[[nodiscard]] MemoryModules parse_smbios(std::string_view bytes);
[[nodiscard]] MemoryModules parse_dmidecode(std::string_view text);
[[nodiscard]] MemoryModules parse_spd(std::string_view bytes);
/// EDAC's dimm_mem_type: "Unbuffered-DDR4", "Registered-DDR5".
[[nodiscard]] std::string parse_edac_type(std::string_view text);
/// A table of memory modules without serial numbers and other strings.
[[nodiscard]] std::string without_serials(std::string_view smbios);

/// vm_stat's free, inactive, speculative and purgeable pages.
[[nodiscard]] std::optional<Bytes> parse_vm_stat(std::string_view text);
/// `ioreg -rc AGXAccelerator -d 1`: "gpu-core-count" = 40.
[[nodiscard]] std::optional<std::uint32_t> parse_gpu_cores(std::string_view text);

struct DxgiAdapter {
  std::string name;
  std::uint32_t vendor = 0, device = 0, revision = 0;
  std::optional<Bytes> dedicated_bytes, shared_bytes;
  std::optional<Bytes> budget_bytes, used_bytes;  ///< of the adapter's own memory, for this process and by it
  std::string location;                           ///< LUID: tells equal cards apart
};
/// One adapter a line: vendor,device,revision (hexadecimal),dedicated,shared,budget,used (bytes, - unknown),luid,name.
[[nodiscard]] std::vector<DxgiAdapter> parse_dxgi(std::string_view text);

/// All memory a unified device shares with the processor.
[[nodiscard]] std::optional<Bytes> shared_pool(const DetectedDevice& device, const DetectedMachine& machine);
/// The catalog's entry for a device as its driver names it, of the variant with the memory found.
[[nodiscard]] std::optional<DeviceSpec> catalog_device(const DetectedDevice& device, const DetectedMachine& machine);

// The systems' own parts of detect().
void detect_linux(ProbeSource& source, DetectedMachine& machine);
void detect_macos(ProbeSource& source, DetectedMachine& machine);
void detect_windows(ProbeSource& source, DetectedMachine& machine);
/// Devices NVML or nvidia-smi knows.
void detect_nvidia(ProbeSource& source, DetectedMachine& machine);
/// Devices on the PCI bus, merged with those known by address.
void detect_pci(ProbeSource& source, DetectedMachine& machine);
void detect_memory_modules(ProbeSource& source, DetectedMachine& machine);

}  // namespace willitrun
