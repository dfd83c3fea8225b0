// A manifest of the size a large team might have, from the catalogs.
#pragma once

#include <cstddef>
#include <string>

namespace willitrun::bench {

/// `models` catalog models on `targets` catalog devices, both spread over the whole catalog.
[[nodiscard]] std::string catalog_manifest(std::size_t models, std::size_t targets);

}  // namespace willitrun::bench
