// Memory modules: SMBIOS type 17 (DMTF DSP0134), SPD (JEDEC 21-C, JESD400-5) and EDAC.
#include <algorithm>
#include <array>
#include <cmath>

#include "willitrun/detect_parse.hpp"

namespace willitrun {
namespace {

std::uint32_t byte_at(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
}
std::uint32_t word_at(std::string_view bytes, std::size_t at) {
  return byte_at(bytes, at) | byte_at(bytes, at + 1) << 8;
}

struct TypeName {
  std::uint32_t code;
  std::string_view name;
};
constexpr std::array smbios_types{TypeName{0x18, "DDR3"},   TypeName{0x1a, "DDR4"},   TypeName{0x1d, "LPDDR3"},
                                  TypeName{0x1e, "LPDDR4"}, TypeName{0x20, "HBM"},    TypeName{0x21, "HBM2"},
                                  TypeName{0x22, "DDR5"},   TypeName{0x23, "LPDDR5"}, TypeName{0x24, "HBM3"}};

template <std::size_t N>
std::string name_of(const std::array<TypeName, N>& names, std::uint32_t code) {
  const auto it = std::find_if(names.begin(), names.end(), [&](const TypeName& row) { return row.code == code; });
  return it == names.end() ? std::string() : std::string(it->name);
}

std::optional<std::uint32_t> plausible_rate(std::uint64_t rate) {
  return rate >= 100 && rate <= 20000 ? std::optional(static_cast<std::uint32_t>(rate)) : std::nullopt;
}

/// One more module: types must agree, the slowest sets the rate.
void add(MemoryModules& sum, const std::string& type, std::optional<std::uint32_t> rate) {
  sum.modules = sum.modules.value_or(0) + 1;
  if (sum.type.empty()) sum.type = type;
  if (rate) sum.megatransfers_per_s = std::min(sum.megatransfers_per_s.value_or(*rate), *rate);
}

struct Structure {
  std::string_view formatted;  // header and fields, without the strings
  std::size_t size;            // with them
};
std::optional<Structure> next_structure(std::string_view bytes) {
  const std::size_t length = byte_at(bytes, 1);
  if (bytes.size() < 4 || length < 4 || length > bytes.size()) return std::nullopt;
  const auto end = bytes.find(std::string_view("\0\0", 2), length);
  return Structure{bytes.substr(0, length), end == std::string_view::npos ? bytes.size() : end + 2};
}

}  // namespace

MemoryModules parse_smbios(std::string_view bytes) {
  MemoryModules out;
  while (const auto s = next_structure(bytes)) {
    const auto& f = s->formatted;
    const bool installed = word_at(f, 0x0c) != 0 && f.size() >= 0x15;
    if (byte_at(f, 0) == 17 && installed) {
      // Configured speed (0x20) is what it runs at, 0x15 what it could; 0xffff refers to 32-bit fields behind.
      std::uint64_t rate = word_at(f, 0x20) != 0 ? word_at(f, 0x20) : word_at(f, 0x15);
      if (rate == 0xffff && f.size() >= 0x5c) rate = word_at(f, 0x58) | word_at(f, 0x5a) << 16;
      add(out, name_of(smbios_types, byte_at(f, 0x12)), plausible_rate(rate));
    }
    bytes.remove_prefix(s->size);
  }
  return out;
}

std::string without_serials(std::string_view bytes) {
  std::string out;
  while (const auto s = next_structure(bytes)) {
    if (byte_at(s->formatted, 0) == 17) out.append(s->formatted).append(2, '\0');
    bytes.remove_prefix(s->size);
  }
  return out;
}

MemoryModules parse_dmidecode(std::string_view text) {
  MemoryModules out;
  std::string type;
  std::optional<std::uint32_t> rate;
  bool installed = false;
  const auto finish = [&] {
    if (installed) add(out, type, rate);
    type.clear();
    rate.reset();
    installed = false;
  };
  const auto speed = [](std::string_view value) {
    const auto number = whole_number(value.substr(0, std::min(value.find(' '), value.size())));
    return number ? plausible_rate(*number) : std::nullopt;
  };
  for (const auto line : lines_of(text)) {
    if (trimmed_text(line) == "Memory Device") finish();
    const auto at = line.find(':');
    if (at == std::string_view::npos) continue;
    const auto key = trimmed_text(line.substr(0, at)), value = trimmed_text(line.substr(at + 1));
    if (key == "Size") installed = !value.empty() && value[0] >= '1' && value[0] <= '9';
    if (key == "Type" && value != "Unknown") type = clean_name(value);
    if (key == "Speed" && !rate) rate = speed(value);
    if (key == "Configured Memory Speed" || key == "Configured Clock Speed") rate = speed(value) ? speed(value) : rate;
  }
  finish();
  return out;
}

MemoryModules parse_spd(std::string_view bytes) {
  constexpr std::array types{TypeName{0x0b, "DDR3"},   TypeName{0x0c, "DDR4"},   TypeName{0x12, "DDR5"},
                             TypeName{0x10, "LPDDR4"}, TypeName{0x13, "LPDDR5"}, TypeName{0x15, "LPDDR5X"}};
  MemoryModules out;
  const auto type = name_of(types, byte_at(bytes, 2));
  if (type.empty() || bytes.size() < 128) return out;
  double picoseconds = 0;  // of the shortest cycle, two transfers each
  if (type == "DDR4") {
    const auto fine = static_cast<std::int8_t>(byte_at(bytes, 125));
    picoseconds = 125.0 * byte_at(bytes, 18) + fine;
  } else if (type == "DDR5") {
    picoseconds = word_at(bytes, 20);
  }
  // The cycle is rounded to whole picoseconds; rates come in steps of 400/3 (DDR4) and 400 (DDR5).
  const double step = type == "DDR4" ? 400.0 / 3 : 400;
  const double rate = picoseconds > 0 ? std::round(2e6 / picoseconds / step) * step : 0;
  add(out, type, plausible_rate(static_cast<std::uint64_t>(rate)));
  return out;
}

std::string parse_edac_type(std::string_view text) {
  constexpr std::array<std::string_view, 4> known{"DDR5", "DDR4", "DDR3", "HBM2"};
  for (const auto name : known)
    if (text.size() < 100 && text.find(name) != std::string_view::npos) return std::string(name);
  return {};
}

namespace {

/// The chips on the modules, where a kernel driver shows them.
MemoryModules read_spd(ProbeSource& source) {
  MemoryModules sum;
  for (const std::string driver : {"/sys/bus/i2c/drivers/spd5118/", "/sys/bus/i2c/drivers/ee1004/"}) {
    const auto names = source.list_dir(driver.substr(0, driver.size() - 1)).value_or("");
    for (const auto name : lines_of(names)) {
      if (name.find('-') == std::string_view::npos) continue;  // "0-0051" is a module, "bind" is not
      const auto bytes = source.read_file(driver + std::string(name) + "/eeprom");
      const auto one = parse_spd(bytes.value_or(""));
      if (one.modules) add(sum, one.type, one.megatransfers_per_s);
    }
  }
  return sum;
}

/// The memory controller's own account: the type only.
MemoryModules read_edac(ProbeSource& source) {
  const std::string controller = "/sys/devices/system/edac/mc/mc0/";
  MemoryModules sum;
  const auto names = source.list_dir("/sys/devices/system/edac/mc/mc0").value_or("");
  for (const auto name : lines_of(names)) {
    if (!sum.type.empty() || !(name.starts_with("dimm") || name.starts_with("rank"))) continue;
    sum.type = parse_edac_type(source.read_file(controller + std::string(name) + "/dimm_mem_type").value_or(""));
  }
  return sum;
}

}  // namespace

void detect_memory_modules(ProbeSource& source, DetectedMachine& machine) {
  const bool windows = machine.os == OperatingSystem::windows;
  const auto table = windows ? source.ask("smbios") : source.read_file("/sys/firmware/dmi/tables/DMI");
  auto modules = parse_smbios(table.value_or(""));
  if (!modules.modules && !windows) modules = read_spd(source);
  if (!modules.modules && !windows) modules = read_edac(source);
  machine.memory.type = modules.type;
  machine.memory.megatransfers_per_s = modules.megatransfers_per_s;
  machine.memory.modules = modules.modules;
  if (modules.type.empty())
    machine.unread.push_back(table ? "the type of memory: the firmware does not tell"
                                   : "the type of memory: firmware tables need an administrator, or are missing");
}

}  // namespace willitrun
