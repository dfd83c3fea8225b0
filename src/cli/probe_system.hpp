// The computer this process runs on, asked through the library's seam.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "willitrun/detect.hpp"

namespace willitrun::cli {

/// Reads only: no writes, no network; every question ends within seconds.
[[nodiscard]] std::unique_ptr<ProbeSource> system_probe();

/// This computer, read anew when the last reading is older than a few seconds.
[[nodiscard]] const DetectedMachine& this_computer();

/// Names not to be published in a report: user, host, home directory.
[[nodiscard]] std::vector<std::string> private_names();

/// nvidia-smi's CSV, from NVML; nothing without NVIDIA's driver.
[[nodiscard]] std::optional<std::string> nvml_rows();
/// macOS: "name: value" lines.
[[nodiscard]] std::optional<std::string> sysctl_values();
/// Windows: see detect_windows.cpp.
[[nodiscard]] std::optional<std::string> windows_facts();
[[nodiscard]] std::optional<std::string> dxgi_adapters();
[[nodiscard]] std::optional<std::string> smbios_table();

/// What `work` writes, run apart so that a driver that hangs or crashes costs only its answer.
using Work = std::optional<std::string> (*)();
[[nodiscard]] std::optional<std::string> run_apart(Work work);
[[nodiscard]] std::optional<std::string> run_program(const std::vector<std::string>& command);
[[nodiscard]] std::optional<std::string> read_whole(const std::string& path);

}  // namespace willitrun::cli
