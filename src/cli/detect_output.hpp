// A detected machine for people and for programs.
#pragma once

#include <string>

#include "willitrun/detect.hpp"

namespace willitrun::cli {

/// willitrun.detect/1, one line without its end. Keys, in this order; null = not read:
///   schema, tool {version}, catalog {version, sha256}, os {name, version, wsl, container},
///   devices [{name, vendor, kind: gpu|unified, catalog_id, pci_address, pci_id, driver, read_from, memory_bytes,
///             free_bytes, carved_bytes, gpu_cores, used, why_unused}],
///   cpu {name, catalog_id, sockets, cores, threads, board},
///   memory {total_bytes, available_bytes, limit_bytes, type, megatransfers_per_s, modules},
///   unread [sentence]
[[nodiscard]] std::string to_json(const DetectedMachine& machine);
[[nodiscard]] std::string to_text(const DetectedMachine& machine);

}  // namespace willitrun::cli
