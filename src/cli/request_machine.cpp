// Machine options.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "cli/numbers.hpp"
#include "cli/probe_system.hpp"
#include "cli/request.hpp"
#include "cli/request_parts.hpp"
#include "willitrun/catalog.hpp"
#include "willitrun/catalog_file.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun::cli {
namespace {

template <class Value>
struct Choice {
  std::string_view name;
  Value value;
};
constexpr std::array systems{Choice<OperatingSystem>{"linux", OperatingSystem::linux_os},
                             Choice<OperatingSystem>{"windows", OperatingSystem::windows},
                             Choice<OperatingSystem>{"macos", OperatingSystem::macos}};
constexpr std::array backends{Choice<Backend>{"cuda", Backend::cuda},     Choice<Backend>{"rocm", Backend::rocm},
                              Choice<Backend>{"vulkan", Backend::vulkan}, Choice<Backend>{"metal", Backend::metal},
                              Choice<Backend>{"sycl", Backend::sycl},     Choice<Backend>{"cpu", Backend::cpu}};

template <class Value, std::size_t N>
Result<Value> choose(const std::array<Choice<Value>, N>& choices, std::string_view text, std::string_view option) {
  std::vector<std::string_view> names;
  for (const auto& c : choices) {
    if (c.name == text) return c.value;
    names.push_back(c.name);
  }
  return Error{"bad_value", fmt::format("{} '{}': must be {}", option, text, fmt::join(names, ", ")),
               nearest(text, names)};
}

std::optional<Error> read_size(const Options::Text& text, std::string_view option, std::optional<Bytes>& out) {
  if (!text || *text == "auto") return std::nullopt;
  const auto size = parse_size(*text, option);
  if (!size) return size.error();
  // 2^60 bytes keep every sum within 64 bits.
  if (*size > Bytes{1} << 60) return Error{"bad_value", fmt::format("{} '{}': is too large", option, *text)};
  out = *size;
  return std::nullopt;
}

std::optional<Error> read_rate(const Options::Text& text, std::string_view option, std::optional<double>& out) {
  if (!text) return std::nullopt;
  const auto rate = parse_positive(*text, option);
  if (!rate) return rate.error();
  out = *rate;
  return std::nullopt;
}

std::optional<Error> read_reserve(const Options::Text& text, Reserve& out) {
  if (!text || *text == "auto") return std::nullopt;
  if (text->ends_with("%")) {
    const auto number = std::string_view(*text).substr(0, text->size() - 1);
    const auto percent = number == "0" ? Result<double>(0.0) : parse_positive(number, "--reserve");
    if (!percent || *percent > 100)
      return Error{"bad_value", fmt::format("--reserve '{}': must be a size, a share up to 100% or auto", *text)};
    out = {Reserve::Kind::percent, 0, *percent};
    return std::nullopt;
  }
  std::optional<Bytes> bytes;
  if (auto e = read_size(text, "--reserve", bytes)) return e;
  out = {Reserve::Kind::bytes, *bytes, 0};
  return std::nullopt;
}

DeviceSpec nameless_device(const Options& options) {
  DeviceSpec spec;
  spec.name = "GPU with " + options.vram.value_or("");
  return spec;
}

bool is_auto(const Options& options) { return options.gpu == Options::List{"auto"}; }

/// This computer, as far as no option says otherwise.
std::optional<Error> read_this_computer(const Options& options, MachineRequest& out,
                                        std::vector<Assumption>& assumptions) {
  if (options.gpu_count)
    return Error{"contradiction", "--gpu auto counts this computer's GPUs itself; leave out --gpu-count"};
  auto detected = request_for(this_computer());
  out = std::move(detected.machine);
  assumptions = std::move(detected.assumptions);
  if (out.devices.empty() && options.vram)
    return Error{"contradiction", "--gpu auto found no GPU that --vram could be the memory of; leave out --gpu auto"};
  if (options.ram) {
    out.ram.reset();
    out.ram_available.reset();
  }
  if (options.cpu) out.host_name.clear();
  if (options.cpu || options.ram)
    std::erase_if(assumptions, [](const Assumption& a) { return a.code == "detected_host"; });
  return std::nullopt;
}

/// Of a product sold with several sizes of memory that it shares with the system, the variant with what --ram states;
/// where none has, --ram is its memory.
std::optional<Error> choose_by_ram(const Options& options, Found<DeviceSpec>& found, MachineRequest& out) {
  if (found.entry.kind != DeviceKind::unified || !options.ram || options.vram) return std::nullopt;
  std::optional<Bytes> ram;
  if (auto e = read_size(options.ram, "--ram", ram)) return e;
  if (!ram || found.entry.memory_bytes == *ram) return std::nullopt;
  bool sizes = false;
  std::optional<DeviceSpec> best;
  for (const auto& id : found.other_variants) {
    auto other = find_device(id);
    if (!other) continue;
    const auto& spec = other->entry;
    sizes = sizes || spec.memory_bytes != found.entry.memory_bytes;
    const bool alike = spec.memory_type == found.entry.memory_type && spec.compute_units == found.entry.compute_units;
    if (spec.memory_bytes == *ram && (!best || alike)) best = spec;
  }
  if (best) {
    std::replace(found.other_variants.begin(), found.other_variants.end(), best->id, found.entry.id);
    found.entry = *best;
  } else if (sizes && found.entry.vendor != "apple") {
    out.vram = ram;
    found.entry.name.resize(std::min(found.entry.name.rfind(", "), found.entry.name.size()));  // "..., 16 GB"
  }
  return std::nullopt;
}

/// The devices named, in order. A default variant taken is an assumption.
std::optional<Error> read_devices(const Options& options, MachineRequest& out, std::vector<Assumption>& assumptions) {
  if (is_auto(options)) return read_this_computer(options, out, assumptions);
  for (const auto& name : options.gpu) {
    if (name == "none") continue;
    if (name == "auto")
      return Error{"contradiction", "--gpu auto stands for all of this computer; name no other --gpu"};
    auto found = find_device(name);
    if (!found) return found.error();
    if (auto e = choose_by_ram(options, *found, out)) return e;
    if (found->entry.memory_bytes == 0 && !options.vram)
      return Error{"bad_value",
                   fmt::format("--gpu '{}': its memory depends on what is installed; add --vram SIZE", name)};
    if (!found->other_variants.empty())
      assumptions.push_back({"default_variant", fmt::format("the {} (not {})", found->entry.name,
                                                            fmt::join(found->other_variants, ", "))});
    for (std::uint32_t i = 0; i < found->count; ++i) out.devices.push_back(found->entry);
  }
  const bool none = std::find(options.gpu.begin(), options.gpu.end(), "none") != options.gpu.end();
  if (none && options.gpu.size() > 1) return Error{"contradiction", "--gpu none contradicts the other --gpu"};
  if (none && options.vram) return Error{"contradiction", "--gpu none contradicts --vram"};
  if (options.gpu.empty() && options.vram) out.devices.push_back(nameless_device(options));
  if (options.gpu.empty() && !options.vram)
    return Error{"no_machine",
                 "no machine: name one with --gpu NAME, --vram SIZE, or --gpu none and --ram SIZE",
                 {"--gpu", "--vram"}};
  if (!options.gpu_count) return std::nullopt;
  const auto count = parse_whole(*options.gpu_count, "--gpu-count", 1, 64);
  if (!count) return count.error();
  if (none || out.devices.size() > 1) return Error{"contradiction", "--gpu-count goes with one --gpu or --vram"};
  const auto first = out.devices[0];
  out.devices.assign(*count, first);
  return std::nullopt;
}

std::optional<Error> read_host(const Options& options, MachineRequest& out) {
  if (auto e = read_size(options.ram, "--ram", out.ram)) return e;
  if (options.cpu) {
    const auto cpu = find_cpu(*options.cpu);
    if (!cpu) return cpu.error();
    out.host_name = cpu->name;
    out.ram_bandwidth_gb_s = cpu->bandwidth_gb_s;
    out.cpu = *cpu;
  }
  if (auto e = read_rate(options.ram_bandwidth, "--ram-bandwidth", out.ram_bandwidth_gb_s)) return e;
  if (auto e = read_rate(options.disk_bandwidth, "--disk-bandwidth", out.disk_gb_s)) return e;
  // What the user states outranks what was measured on somebody else's machine.
  if (options.ram_bandwidth && out.cpu) out.cpu->measured_bandwidth_gb_s.reset();
  return std::nullopt;
}

/// Whose devices a backend drives; Vulkan drives all of them, and whose a nameless device is nobody knows.
struct BackendRow {
  Backend backend;
  std::string_view vendor;
};
constexpr std::array own_backends{BackendRow{Backend::cuda, "nvidia"}, BackendRow{Backend::rocm, "amd"},
                                  BackendRow{Backend::metal, "apple"}, BackendRow{Backend::sycl, "intel"}};

}  // namespace

std::optional<Error> check_possible(const MachineRequest& request) {
  const auto* own = std::find_if(own_backends.begin(), own_backends.end(),
                                 [&](const BackendRow& r) { return request.backend == r.backend; });
  const bool macos = request.os == OperatingSystem::macos;
  for (const auto& device : request.devices) {
    const bool amd_in_a_mac = macos && request.backend == Backend::metal && device.vendor == "amd";
    if (own != own_backends.end() && !device.vendor.empty() && device.vendor != own->vendor && !amd_in_a_mac) {
      const auto usual = name_of(usual_backend(request.devices, request.os));
      return Error{
          "contradiction",
          fmt::format("--backend {} does not run on {}; did you mean {}?", name_of(own->backend), device.name, usual),
          {std::string(usual)}};
    }
    if (device.vendor == "apple" && !macos)
      return Error{"contradiction",
                   fmt::format("--os {}: {} is modelled under macos only",
                               request.os == OperatingSystem::windows ? "windows" : "linux", device.name)};
    if (device.vendor == "nvidia" && macos)
      return Error{"contradiction", fmt::format("--os macos: it has no driver for {}", device.name)};
  }
  return std::nullopt;
}

void default_to_this_computer(Options& options) {
  if (options.gpu.empty() && !options.vram) options.gpu = {"auto"};
}

Result<MachineRequest> resolve_surroundings(const Options& options, MachineRequest request) {
  if (auto e = read_size(options.vram, "--vram", request.vram)) return *e;
  if (auto e = read_size(options.free_vram, "--free-vram", request.free_vram)) return *e;
  if (auto e = read_rate(options.bandwidth, "--bandwidth", request.bandwidth_gb_s)) return *e;
  if (auto e = read_reserve(options.reserve, request.reserve)) return *e;
  request.vllm = options.engine == "vllm";
  if (auto e = read_size(options.overhead, "--overhead", request.overhead)) return *e;
  if (auto e = read_host(options, request)) return *e;
  const bool mac = options.backend == "metal" || (!request.devices.empty() && request.devices[0].vendor == "apple");
  if (options.os || mac) {
    const auto os = choose(systems, options.os.value_or("macos"), "--os");
    if (!os) return os.error();
    request.os = *os;
  }
  if (options.backend && *options.backend != "auto") {
    const auto backend = choose(backends, *options.backend, "--backend");
    if (!backend) return backend.error();
    request.backend = *backend;
  }
  if (auto e = check_possible(request)) return *e;
  if (request.backend == Backend::cpu) request.devices.clear();
  return request;
}

Result<Machine> resolve_machine(const Options& options) {
  MachineRequest devices;
  std::vector<Assumption> assumptions;
  if (auto e = read_devices(options, devices, assumptions)) return *e;
  const bool named = !devices.devices.empty();
  const auto request = resolve_surroundings(options, std::move(devices));
  if (!request) return request.error();
  if (named && request->devices.empty()) assumptions = {{"backend", "llama.cpp's cpu backend, which uses no GPU"}};
  if (const auto added = added_catalogs(); !added.empty())
    assumptions.push_back({"catalog_overlay", fmt::format("catalog entries of {}", fmt::join(added, ", "))});
  auto machine = assemble_machine(*request);
  machine.assumptions.insert(machine.assumptions.begin(), assumptions.begin(), assumptions.end());
  return machine;
}

}  // namespace willitrun::cli
