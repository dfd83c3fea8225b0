// The parsers of driver and system texts, and recordings of them.
#include "willitrun/detect_parse.hpp"

#include "support/catch.hpp"
#include "willitrun/pci_names.hpp"

using namespace willitrun;

namespace {

/// A memory device of SMBIOS 3.3 (92 bytes), with its serial number among the strings.
std::string memory_device(unsigned char type, unsigned rated, unsigned configured, unsigned size) {
  std::string s(0x5c, '\0');
  const auto word = [&](std::size_t at, unsigned value) {
    s[at] = static_cast<char>(value & 0xff);
    s[at + 1] = static_cast<char>(value >> 8);
  };
  s[0] = 17;
  s[1] = 0x5c;
  word(0x0c, size);
  s[0x12] = static_cast<char>(type);
  word(0x15, rated);
  word(0x20, configured);
  return s + std::string("DIMM 0\0SERIAL-4711\0\0", 20);
}

}  // namespace

TEST_CASE("nvidia-smi's rows") {
  const auto rows = parse_nvidia_csv(
      "0, NVIDIA GeForce RTX 3060, 12288, 11523, 00000000:01:00.0, 0x250410DE, 550.107.02\r\n"
      "1, NVIDIA GB10, [N/A], [N/A], 0000000F:01:00.0, 0x2E1210DE, 580.95.05\n"
      "Failed to initialize NVML: Driver/library version mismatch\n"
      "2, NVIDIA Tesla T4, 15360, 20000, 0000:3B:00.0, 0x1EB810DE, [N/A]\n");
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].name == "NVIDIA GeForce RTX 3060");
  CHECK(*rows[0].total_bytes == 12288 * mib);
  CHECK(*rows[0].free_bytes == 11523 * mib);
  CHECK(rows[0].pci_address == "0000:01:00.0");
  CHECK(rows[0].pci_id == "10de:2504");
  CHECK(rows[0].driver == "550.107.02");
  CHECK_FALSE(rows[1].total_bytes);
  CHECK(rows[1].pci_address == "000f:01:00.0");
  CHECK_FALSE(rows[2].free_bytes);  // more free than there is
  CHECK(rows[2].driver.empty());
  CHECK(parse_nvidia_csv("").empty());
}

TEST_CASE("PCI addresses have one spelling") {
  CHECK(pci_address("00000000:0A:00.0") == "0000:0a:00.0");
  CHECK(pci_address("0001:01:00.1") == "0001:01:00.1");
  for (const auto* bad : {"", "..", "N/A", "01:00.0", "0000:01:00", "0000:01:00.00", "0000:zz:00.0", ":01:00.0"})
    CHECK(pci_address(bad).empty());
}

TEST_CASE("PCI names go by device and revision") {
  CHECK(pci_name(0x1002, 0x744c, 0xc8) == "AMD Radeon RX 7900 XTX");
  CHECK(pci_name(0x1002, 0x744c, 0xcc) == "AMD Radeon RX 7900 XT");
  CHECK(pci_name(0x1002, 0x744c, 0x77).empty());
  CHECK(pci_name(0x1002, 0x1586, 0xc1) == "AMD Radeon 8060S");
  CHECK(pci_name(0x8086, 0x56a0, 0x08) == "Intel Arc A770");
  CHECK(pci_name(0x8086, 0xe20b, 0) == "Intel Arc B580");
  CHECK(pci_name(0x10de, 0x744c, 0).empty());
  CHECK(amd_processor_codename(0x1586) == "Strix Halo");
  CHECK(amd_processor_codename(0x744c).empty());
}

TEST_CASE("processors of /proc/cpuinfo are counted by socket and core") {
  const auto x86 = parse_cpuinfo(
      "processor : 0\nmodel name : X\nphysical id : 0\ncore id : 0\n\nprocessor : 1\nphysical id : 0\ncore id : 0\n\n"
      "processor : 2\nphysical id : 1\ncore id : 0\n\nprocessor : 3\nphysical id : 1\ncore id : 0\n");
  CHECK(*x86.sockets == 2);
  CHECK(*x86.cores == 2);
  CHECK(*x86.threads == 4);
  const auto arm = parse_cpuinfo("processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0b\nModel : Some Board\n");
  CHECK(arm.name == "Cortex-A76");
  CHECK(arm.model == "Some Board");
  const auto unknown = parse_cpuinfo("processor : 0\nCPU implementer : 0x99\nCPU part : 0x123\n");
  CHECK(unknown.name.empty());
  CHECK_FALSE(unknown.cores);
}

TEST_CASE("memory groups and limits") {
  CHECK(parse_cgroup("0::/user.slice\n")->path == "/user.slice");
  CHECK(parse_cgroup("0::/user.slice\n")->version == 2);
  CHECK(parse_cgroup("4:cpuset,memory:/docker/x\n0::/\n")->version == 1);
  CHECK(parse_cgroup("0::/../../other\n")->path == "/");
  CHECK_FALSE(parse_cgroup("nonsense"));
  CHECK(*parse_memory_limit("8589934592\n") == 8 * gib);
  CHECK_FALSE(parse_memory_limit("max\n"));
  CHECK_FALSE(parse_memory_limit("9223372036854771712\n"));
  CHECK_FALSE(parse_memory_limit("0"));
}

TEST_CASE("WSL is a kernel's name") {
  CHECK(parse_kernel_version("Linux version 5.15.153.1-microsoft-standard-WSL2 (x)").wsl);
  CHECK(parse_kernel_version("Linux version 4.4.0-19041-Microsoft (x)").wsl);
  CHECK_FALSE(parse_kernel_version("Linux version 6.8.0-45-generic (buildd@microsoft)").wsl);
  CHECK(parse_kernel_version("Darwin").release.empty());
}

TEST_CASE("memory modules by SMBIOS run as fast as the slowest is configured") {
  const auto table = memory_device(0x22, 5600, 5200, 16384) + memory_device(0x22, 5600, 4800, 16384) +
                     memory_device(0x22, 5600, 5600, 0);  // an empty slot
  const auto modules = parse_smbios(table);
  CHECK(modules.type == "DDR5");
  CHECK(*modules.megatransfers_per_s == 4800);
  CHECK(*modules.modules == 2);
  const auto clean = without_serials(table);
  CHECK(clean.find("SERIAL") == std::string::npos);
  CHECK(*parse_smbios(clean).modules == 2);
  for (std::size_t size = 0; size < table.size(); ++size)
    CHECK(parse_smbios(std::string_view(table).substr(0, size)).modules.value_or(0) <= 2);
  CHECK_FALSE(parse_smbios(std::string(64, '\xff')).modules);
}

TEST_CASE("memory modules by dmidecode, SPD and EDAC") {
  const auto listed = parse_dmidecode(
      "Memory Device\n\tSize: 16 GB\n\tType: DDR4\n\tSpeed: 3600 MT/s\n\tConfigured Memory Speed: 3200 MT/s\n\n"
      "Memory Device\n\tSize: No Module Installed\n\tType: Unknown\n\tSpeed: Unknown\n");
  CHECK(listed.type == "DDR4");
  CHECK(*listed.megatransfers_per_s == 3200);
  CHECK(*listed.modules == 1);
  std::string ddr4(512, '\0');
  ddr4[2] = 0x0c;
  ddr4[18] = 5;  // 625 ps
  CHECK(parse_spd(ddr4).type == "DDR4");
  CHECK(*parse_spd(ddr4).megatransfers_per_s == 3200);
  std::string ddr5(1024, '\0');
  ddr5[2] = 0x12;
  ddr5[20] = static_cast<char>(416 & 0xff);
  ddr5[21] = 416 >> 8;
  CHECK(*parse_spd(ddr5).megatransfers_per_s == 4800);
  CHECK_FALSE(parse_spd("short").modules);
  CHECK(parse_edac_type("Registered-DDR5\n") == "DDR5");
  CHECK(parse_edac_type("Unknown").empty());
}

TEST_CASE("vm_stat and ioreg") {
  CHECK(*parse_vm_stat("Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages free: 10.\n"
                       "Pages inactive: 5.\nPages active: 99.\n") == 15 * 16384);
  CHECK_FALSE(parse_vm_stat("Pages free: 10."));
  CHECK(*parse_gpu_cores("  \"gpu-core-count\" = 40\n") == 40);
  CHECK_FALSE(parse_gpu_cores("\"gpu-core-count\" = 0"));
}

TEST_CASE("DXGI adapters may have commas in their names") {
  const auto adapters = parse_dxgi("1002,747e,c8,17095983104,17043668992,16352870400,0,0-f3a1,A, B\nshort,line\n");
  REQUIRE(adapters.size() == 1);
  CHECK(adapters[0].name == "A, B");
  CHECK(*adapters[0].dedicated_bytes == 17095983104);
  CHECK(*adapters[0].used_bytes == 0);
}

TEST_CASE("recordings survive their text form") {
  Recording recording;
  recording.os = OperatingSystem::macos;
  recording.answers["file /a"] = "one\n== two\n\\three\n";
  recording.answers["file /b"] = std::string("\0\xff\x01", 3);
  recording.answers["dir /c"] = "";
  const auto again = read_recording(to_text(recording));
  REQUIRE(again);
  CHECK(again->os == recording.os);
  CHECK(again->answers == recording.answers);
  CHECK(read_recording("").error().message ==
        "a recording of probes starts with 'willitrun.probes/1 linux', macos or windows");
}

TEST_CASE("a report gives nobody away") {
  Recording recording;
  recording.answers["file /proc/version"] = "Linux version 6.1 (joe@hades) (gcc)\n";
  recording.answers["file /proc/cpuinfo"] = "processor\t: 0\nflags\t: fpu\nSerial\t\t: 4fd8b1c2a39e5f01\n";
  recording.answers["file /proc/self/cgroup"] =
      "0::/docker/8f4e1b2a3c4d5e6f8f4e1b2a3c4d5e6f/user/joe\n1::/a-550e8400-e29b-41d4-a716-446655440000\n";
  recording.answers["file /x/memory.limit_in_bytes"] = "9223372036854771712\n";
  recording.answers["file /sys/bus/pci/devices/0000:00:1f.0/uevent"] = "PCI_CLASS=60100\nPCI_ID=8086:7A04\n";
  recording.answers["file /sys/firmware/dmi/tables/DMI"] = memory_device(0x22, 5600, 5200, 16384);
  recording.answers["api nvml"] = "0, NVIDIA GeForce RTX 3060, nvidia\n";
  const auto clean = scrubbed(recording, {"joe", "hades", "nvidia", "/home/joe"});
  const auto text = to_text(clean);
  for (const auto* secret : {"joe", "hades", "4fd8b1c2a39e5f01", "8f4e1b2a3c4d5e6f", "446655440000", "1f.0"})
    CHECK(text.find(secret) == std::string::npos);
  CHECK(clean.answers.at("file /x/memory.limit_in_bytes") == "9223372036854771712\n");
  CHECK(clean.answers.at("api nvml") == "0, NVIDIA GeForce RTX 3060, nvidia\n");
  CHECK(clean.answers.at("file /proc/cpuinfo") == "processor\t: 0\n");
  CHECK(*parse_smbios(clean.answers.at("file /sys/firmware/dmi/tables/DMI")).modules == 1);
}
