// NVML, loaded at run time: NVIDIA's driver brings it, nothing is linked. The few declarations follow nvml.h, whose
// structures and function versions never change.
#include <fmt/format.h>

#include <array>

#include "cli/probe_system.hpp"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#elif !defined(__APPLE__)
#include <dlfcn.h>
#endif

namespace willitrun::cli {

#if defined(__APPLE__)

std::optional<std::string> nvml_rows() { return std::nullopt; }

#else

namespace {

using NvmlDevice = struct NvmlDeviceHandle*;
constexpr int nvml_success = 0;

struct NvmlMemory {
  unsigned long long total, free, used;
};
struct NvmlMemoryV2 {  // from driver 510 on; "free" then leaves out what the driver reserves
  unsigned version;
  unsigned long long total, reserved, free, used;
};
struct NvmlPci {
  char bus_id_legacy[16];
  unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
  char bus_id[32];
};

#if defined(_WIN32)
void* load_library() {
  // The driver's own copy in System32 only, never one beside the program or in the working directory.
  return reinterpret_cast<void*>(LoadLibraryExW(L"nvml.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32));
}
void* find_symbol(void* library, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(reinterpret_cast<HMODULE>(library), name));
}
#else
void* load_library() {
  for (const char* name : {"libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1"})
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  return nullptr;
}
void* find_symbol(void* library, const char* name) { return dlsym(library, name); }
#endif

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(find_symbol(library, name));
  return function != nullptr;
}

struct Nvml {
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*driver_version)(char*, unsigned) = nullptr;
  int (*count)(unsigned*) = nullptr;
  int (*handle)(unsigned, NvmlDevice*) = nullptr;
  int (*name)(NvmlDevice, char*, unsigned) = nullptr;
  int (*memory)(NvmlDevice, NvmlMemory*) = nullptr;
  int (*memory_v2)(NvmlDevice, NvmlMemoryV2*) = nullptr;
  int (*pci)(NvmlDevice, NvmlPci*) = nullptr;

  bool load() {
    void* library = load_library();
    if (library == nullptr) return false;
    find(library, "nvmlDeviceGetMemoryInfo_v2", memory_v2);  // absent in old drivers
    return find(library, "nvmlInit_v2", init) && find(library, "nvmlShutdown", shutdown) &&
           find(library, "nvmlSystemGetDriverVersion", driver_version) &&
           find(library, "nvmlDeviceGetCount_v2", count) && find(library, "nvmlDeviceGetHandleByIndex_v2", handle) &&
           find(library, "nvmlDeviceGetName", name) && find(library, "nvmlDeviceGetMemoryInfo", memory) &&
           find(library, "nvmlDeviceGetPciInfo_v3", pci);
  }
};

/// "total, free" in MiB, as nvidia-smi prints them; unified devices have neither.
std::string memory_of(const Nvml& nvml, NvmlDevice device) {
  constexpr unsigned long long mebibyte = 1 << 20;
  NvmlMemoryV2 now{};
  now.version = static_cast<unsigned>(sizeof(NvmlMemoryV2)) | 2U << 24;
  if (nvml.memory_v2 != nullptr && nvml.memory_v2(device, &now) == nvml_success)
    return fmt::format("{}, {}", now.total / mebibyte, now.free / mebibyte);
  NvmlMemory old{};
  if (nvml.memory(device, &old) == nvml_success)
    return fmt::format("{}, {}", old.total / mebibyte, old.free / mebibyte);
  return "[N/A], [N/A]";
}

std::string row_of(const Nvml& nvml, unsigned index, const char* driver) {
  NvmlDevice device = nullptr;
  std::array<char, 97> name{};
  if (nvml.handle(index, &device) != nvml_success) return {};
  if (nvml.name(device, name.data(), static_cast<unsigned>(name.size() - 1)) != nvml_success) return {};
  NvmlPci pci{};
  std::string address = "[N/A]", id = "[N/A]";
  if (nvml.pci(device, &pci) == nvml_success) {
    pci.bus_id[sizeof pci.bus_id - 1] = '\0';
    address = pci.bus_id;
    id = fmt::format("0x{:08X}", pci.pci_device_id);
  }
  return fmt::format("{}, {}, {}, {}, {}, {}\n", index, name.data(), memory_of(nvml, device), address, id, driver);
}

std::optional<std::string> read_nvml() {
  Nvml nvml;
  if (!nvml.load() || nvml.init() != nvml_success) return std::nullopt;
  std::array<char, 81> driver{};
  if (nvml.driver_version(driver.data(), static_cast<unsigned>(driver.size() - 1)) != nvml_success) driver[0] = '\0';
  unsigned count = 0;
  std::string out;
  if (nvml.count(&count) == nvml_success)
    for (unsigned i = 0; i < count && i < 64; ++i) out += row_of(nvml, i, driver.data());
  nvml.shutdown();
  return out;
}

}  // namespace

std::optional<std::string> nvml_rows() { return run_apart(read_nvml); }

#endif

}  // namespace willitrun::cli
