#include "willitrun/memory_rules.hpp"

#include <algorithm>
#include <array>

#include "willitrun/machine.hpp"

namespace willitrun {
namespace {

using enum Backend;

/// Memory the driver keeps from what is printed on the box, in MiB. Measured as nominal minus reported total in public
/// llama.cpp logs (220 rows, about 80 GPUs). First row that matches counts.
struct DriverRow {
  std::string_view vendor, architecture;  // empty = any
  Bytes min_memory;                       // of the device
  std::uint32_t mib_kept;
  std::string_view seen;
};
constexpr std::array driver_linux{
    DriverRow{"nvidia", "Maxwell", 0, 80, "62-102 MiB in public logs"},
    DriverRow{"nvidia", "Pascal", 0, 80, "62-102 MiB in public logs"},
    DriverRow{"nvidia", "Volta", 0, 270, "V100: 267 MiB"},
    DriverRow{"nvidia", "Hopper", 0, 820, "H100: 819 MiB"},
    DriverRow{"nvidia", "Blackwell", 90 * gib, 1040, "RTX PRO 6000: 1016-1057 MiB"},
    DriverRow{"nvidia", "Blackwell", 30 * gib, 615, "RTX 5090: 614 MiB"},
    DriverRow{"nvidia", "Blackwell", 0, 540, "RTX 5060 Ti, 5070 Ti: 534-543 MiB"},
    DriverRow{"nvidia", "Ampere", 60 * gib, 720, "A800: 717 MiB"},
    DriverRow{"nvidia", "", 0, 415, "307-499 MiB in public logs, median 415"},
    DriverRow{"amd", "", 0, 16, "16 MiB in public logs, RX 9070 XT 80"},
    DriverRow{"intel", "", 0, 150, "102-210 MiB in public logs"},
};

/// Data centre cards without HBM, which keep a sixteenth of it for error correction (CUDA C++ Best Practices Guide:
/// with ECC on GDDR the available memory is 6.25 % less). nvidia-smi shows 15360 MiB of a T4, 23028 of an A10, 23034 of
/// an L4, 46068 of an L40S (modal-labs/modal-client pull request 2797).
constexpr std::array<std::string_view, 10> error_corrected{"t4",  "a2",  "a10", "a10g", "a16",
                                                           "a40", "l20", "l4",  "l40",  "l40s"};

bool corrects_errors(const DeviceSpec& spec) {
  return std::find(error_corrected.begin(), error_corrected.end(), spec.id) != error_corrected.end();
}

/// Single-precision TFLOP/s of one streaming multiprocessor at its usual boost clock: lanes x 2 x GHz / 1000.
struct SmRow {
  std::string_view architecture;
  double tflops;
};
constexpr std::array sm_rows{
    SmRow{"Maxwell", 0.26}, SmRow{"Pascal", 0.43}, SmRow{"Volta", 0.19},  SmRow{"Turing", 0.22},
    SmRow{"Ampere", 0.45},  SmRow{"Ada", 0.64},    SmRow{"Hopper", 0.50}, SmRow{"Blackwell", 0.62},
};

Bytes kept_share(Bytes memory, double offered) {
  return memory - static_cast<Bytes>(static_cast<double>(memory) * offered);
}

double multiprocessors(const DeviceSpec& spec) {
  if (spec.compute_units) return *spec.compute_units;
  for (const auto& row : sm_rows)
    if (spec.architecture.starts_with(row.architecture) && spec.fp32_tflops) return *spec.fp32_tflops / row.tflops;
  return 60;  // between an RTX 4070 (46) and an RTX 3080 (68)
}

double gibibytes(Bytes bytes) { return static_cast<double>(bytes) / static_cast<double>(gib); }

Bytes mebibytes(double value) { return static_cast<Bytes>(value) * mib; }

MemoryRule shared_pool_rule(const DeviceSpec& spec, Bytes memory) {
  if (spec.vendor == "apple")
    return {"not for the GPU", memory - apple_working_set(memory, 15), "macOS's default limit up to version 15"};
  // 117,434 of 131,072 MiB free on an idle GB10; no public log of a Jetson was found.
  if (spec.vendor == "nvidia") return {"kept by the system", kept_share(memory, 0.896), "as on an idle GB10"};
  return {"not for the GPU", memory - memory / 2, "GTT and Windows' shared memory: half by default"};
}

}  // namespace

MemoryRule driver_rule(const DeviceSpec& spec, OperatingSystem os, Bytes memory) {
  if (spec.kind == DeviceKind::unified) return shared_pool_rule(spec, memory);
  if (os == OperatingSystem::windows) return {};
  for (const auto& row : driver_linux) {
    if (row.vendor != spec.vendor || !spec.architecture.starts_with(row.architecture) || memory < row.min_memory)
      continue;
    if (corrects_errors(spec))
      return {"kept by the driver and for error correction", memory / 16 + row.mib_kept * mib,
              "6.25 % and 307-499 MiB in public logs"};
    return {"kept by the driver", std::min(memory, row.mib_kept * mib), row.seen};
  }
  return {};
}

std::vector<MemoryRule> runtime_rules(const DeviceSpec& spec, Backend backend, OperatingSystem os, Bytes memory) {
  const bool windows = os == OperatingSystem::windows;
  const MemoryRule growth{"growth while it runs", 150 * mib, "median; 90th percentile 300 MiB"};
  switch (backend) {
    case cuda:
      if (windows)
        return {{"display driver and CUDA context", mebibytes(900 + 18 * gibibytes(memory)),
                 "900 MiB + 18 per GiB, +-250 MiB"},
                growth};
      return {{"CUDA context", mebibytes(50 + 3 * multiprocessors(spec)), "50 MiB + 3 per multiprocessor, +-40 MiB"},
              growth};
    case rocm: return {{"ROCm runtime", 250 * mib, "164-254 MiB, few logs"}};
    case vulkan:
      if (windows)
        return {{"Windows' budget", kept_share(memory, 0.95), "5 % of the heap, always"},
                {"growth while it runs", 330 * mib, "336 MiB on an RX 9070 XT"}};
      return {{"Vulkan runtime", 300 * mib, "200-350 MiB"}};
    case sycl: return {{"SYCL runtime", 700 * mib, "Arc: 512-769 MiB"}};
    case metal:  // unaccounted 0 in four of five exit tables
    case Backend::cpu: return {};
  }
  return {};
}

MemoryRule vllm_rule() {
  return {"outside PyTorch", 500 * mib, "0.25 GiB in v0.19's logs of H100s, 0.2 to 0.7 more in six later ones"};
}

Bytes reported_memory(const DeviceSpec& spec, OperatingSystem os, Bytes memory) {
  // 121.6 to 121.7 of 128 GiB on a GB10, in vLLM's logs; part of it is never free.
  if (spec.kind == DeviceKind::unified && spec.vendor == "nvidia") return memory - kept_share(memory, 0.95);
  return memory - driver_rule(spec, os, memory).bytes;
}

MemoryRule system_rule(OperatingSystem os) {
  if (os == OperatingSystem::linux_os) return {"kept by Linux", gib, "Ubuntu Server's published requirement"};
  if (os == OperatingSystem::windows) return {"kept by Windows", 4 * gib, "Windows 11's published requirement"};
  return {"kept by macOS", 4 * gib, "as Windows 11 asks for"};
}

}  // namespace willitrun
