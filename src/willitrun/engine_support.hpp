// Which formats of weights an engine loads, and which devices and architectures it runs.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "willitrun/hardware.hpp"
#include "willitrun/quant.hpp"
#include "willitrun/speed.hpp"

namespace willitrun {

[[nodiscard]] bool loads(Engine engine, const QuantPreset& preset);
/// Engines that are built on llama.cpp: a GGUF file is all they load.
[[nodiscard]] bool is_llama_based(Engine engine);
[[nodiscard]] bool loads_gguf_files(Engine engine);
/// What there is to try with it, in falling size.
[[nodiscard]] std::span<const std::string_view> usual_presets(Engine engine);

/// What is wrong with `subject` ("--quant awq-4bit-128g") where it is at a preset that the engine does not load.
[[nodiscard]] std::optional<Error> refused_quant(Engine engine, const QuantPreset& preset, std::string_view subject);
[[nodiscard]] std::optional<Error> refused_gguf_file(Engine engine, std::string_view path);

/// Whether it has kernels for the device, and for a preset on it; a nameless one is taken to be new enough.
[[nodiscard]] bool has_kernels(Engine engine, const DeviceSpec& device, std::string_view quant_id = {});
/// What is wrong with a device that it has none for.
[[nodiscard]] std::optional<Error> refused_device(Engine engine, const Machine& machine,
                                                  std::string_view quant_id = {});
/// What is wrong with a model whose architecture ("rwkv7") it has no implementation of.
[[nodiscard]] std::optional<Error> refused_architecture(Engine engine, const ModelSpec& spec);

}  // namespace willitrun
