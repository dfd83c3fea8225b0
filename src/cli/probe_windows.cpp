// Windows: DXGI adapters, processor, memory, firmware table. Compiled by Windows builds only.
#include "cli/probe_system.hpp"

#if !defined(_WIN32)

namespace willitrun::cli {
std::optional<std::string> windows_facts() { return std::nullopt; }
std::optional<std::string> dxgi_adapters() { return std::nullopt; }
std::optional<std::string> smbios_table() { return std::nullopt; }
}  // namespace willitrun::cli

#else

#define WIN32_LEAN_AND_MEAN
#if !defined(NOMINMAX)
#define NOMINMAX
#endif
#include <windows.h>
// after windows.h
#include <dxgi1_4.h>
#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

namespace willitrun::cli {
namespace {

template <class Interface>
struct Owned {  // a COM reference
  Interface* pointer = nullptr;
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (pointer != nullptr) pointer->Release();
  }
  void** out() { return reinterpret_cast<void**>(&pointer); }
};

std::string utf8(const wchar_t* text) {
  char buffer[512] = "";
  WideCharToMultiByte(CP_UTF8, 0, text, -1, buffer, sizeof buffer - 1, nullptr, nullptr);
  return buffer;
}

std::string registry_text(const char* key, const char* name) {
  char buffer[256] = "";
  DWORD size = sizeof buffer - 1;
  if (RegGetValueA(HKEY_LOCAL_MACHINE, key, name, RRF_RT_REG_SZ, nullptr, buffer, &size) != ERROR_SUCCESS) return {};
  return buffer;
}

std::string adapter_row(IDXGIAdapter1& adapter) {
  DXGI_ADAPTER_DESC1 about{};
  if (FAILED(adapter.GetDesc1(&about)) || (about.Flags & DXGI_ADAPTER_FLAG_SOFTWARE) != 0) return {};
  Owned<IDXGIAdapter3> memory;
  DXGI_QUERY_VIDEO_MEMORY_INFO local{};
  std::string budget = "-", used = "-";
  if (SUCCEEDED(adapter.QueryInterface(__uuidof(IDXGIAdapter3), memory.out())) &&
      SUCCEEDED(memory.pointer->QueryVideoMemoryInfo(0, DXGI_MEMORY_SEGMENT_GROUP_LOCAL, &local))) {
    budget = std::to_string(local.Budget);
    used = std::to_string(local.CurrentUsage);
  }
  return fmt::format("{:x},{:x},{:x},{},{},{},{},{:x}-{:x},{}\n", about.VendorId, about.DeviceId, about.Revision,
                     about.DedicatedVideoMemory, about.SharedSystemMemory, budget, used,
                     static_cast<unsigned long>(about.AdapterLuid.HighPart), about.AdapterLuid.LowPart,
                     utf8(about.Description));
}

std::optional<std::string> read_adapters() {
  const HMODULE library = LoadLibraryExW(L"dxgi.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
  if (library == nullptr) return std::nullopt;
  using Create = HRESULT(WINAPI*)(REFIID, void**);
  const auto create = reinterpret_cast<Create>(reinterpret_cast<void*>(GetProcAddress(library, "CreateDXGIFactory1")));
  Owned<IDXGIFactory1> factory;
  if (create == nullptr || FAILED(create(__uuidof(IDXGIFactory1), factory.out()))) return std::nullopt;
  std::string out;
  for (UINT i = 0; i < 64; ++i) {
    Owned<IDXGIAdapter1> adapter;
    if (FAILED(factory.pointer->EnumAdapters1(i, &adapter.pointer))) break;
    out += adapter_row(*adapter.pointer);
  }
  return out;
}

/// Processor cores and packages.
std::string topology() {
  DWORD size = 0;
  GetLogicalProcessorInformationEx(RelationAll, nullptr, &size);
  if (size == 0 || size > (1U << 20)) return {};
  std::vector<char> buffer(size);
  auto* first = reinterpret_cast<SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX*>(buffer.data());
  if (!GetLogicalProcessorInformationEx(RelationAll, first, &size)) return {};
  unsigned cores = 0, sockets = 0;
  for (DWORD at = 0; at < size;) {
    const auto* row = reinterpret_cast<const SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX*>(buffer.data() + at);
    cores += row->Relationship == RelationProcessorCore ? 1 : 0;
    sockets += row->Relationship == RelationProcessorPackage ? 1 : 0;
    if (row->Size == 0) break;
    at += row->Size;
  }
  return fmt::format("cores: {}\nsockets: {}\n", cores, sockets);
}

}  // namespace

std::optional<std::string> windows_facts() {
  MEMORYSTATUSEX memory{};
  memory.dwLength = sizeof memory;
  std::string out;
  if (GlobalMemoryStatusEx(&memory))
    out += fmt::format("memory_total: {}\nmemory_available: {}\n", memory.ullTotalPhys, memory.ullAvailPhys);
  out += fmt::format("cpu: {}\n",
                     registry_text("HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0", "ProcessorNameString"));
  out += fmt::format("version: {}\n",
                     registry_text("SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion", "CurrentBuildNumber"));
  out += fmt::format("threads: {}\n", GetActiveProcessorCount(ALL_PROCESSOR_GROUPS));
  return out + topology();
}

std::optional<std::string> dxgi_adapters() { return run_apart(read_adapters); }

std::optional<std::string> smbios_table() {
  constexpr DWORD provider = 'RSMB';
  const auto size = GetSystemFirmwareTable(provider, 0, nullptr, 0);
  constexpr std::size_t header = 8;  // RawSMBIOSData before its table
  if (size <= header || size > (1U << 20)) return std::nullopt;
  std::string out(size, '\0');
  if (GetSystemFirmwareTable(provider, 0, out.data(), size) != size) return std::nullopt;
  return out.substr(header);
}

/// In a thread of its own, left behind when it does not come back.
std::optional<std::string> run_apart(Work work) {
  auto promise = std::make_shared<std::promise<std::optional<std::string> > >();
  auto answer = promise->get_future();
  std::thread([promise, work] { promise->set_value(work()); }).detach();
  if (answer.wait_for(std::chrono::seconds(8)) != std::future_status::ready) return std::nullopt;
  return answer.get();
}

/// NVML needs no program on Windows: the driver always brings its library.
std::optional<std::string> run_program(const std::vector<std::string>&) { return std::nullopt; }

std::optional<std::string> read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

}  // namespace willitrun::cli

#endif
