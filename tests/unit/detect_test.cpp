// Detection on recorded probes: tests/probes/*.txt are what `willitrun detect --report` prints.
#include "willitrun/detect.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/catch.hpp"

using namespace willitrun;

namespace {

Recording recorded(const std::string& name) {
  std::ifstream file(std::string(WILLITRUN_TEST_DATA) + "/probes/" + name + ".txt", std::ios::binary);
  INFO(name);
  REQUIRE(file);
  const auto recording = read_recording(std::string(std::istreambuf_iterator<char>(file), {}));
  REQUIRE(recording);
  return *recording;
}

DetectedMachine machine_of(const std::string& name) {
  RecordedProbe probe(recorded(name));
  return detect(probe);
}

bool says(const std::vector<std::string>& sentences, const std::string& part) {
  return std::any_of(sentences.begin(), sentences.end(),
                     [&](const std::string& s) { return s.find(part) != std::string::npos; });
}

struct Expected {
  const char* machine;
  std::size_t devices, used;
  const char* catalog_id;  // of the first one used
  Bytes total_mib, free_mib;
  const char* cpu;
  Bytes ram_mib;  // what the request states; 0 = none, one shared pool
};

// clang-format off
const Expected expectations[] = {
    {"desktop-rtx3060", 2, 1, "rtx3060-12gb", 12288, 11523, "13th Gen Intel(R) Core(TM) i5-13600K", 64114},
    {"desktop-2x-rtx3090", 2, 2, "rtx3090", 24576, 24245, "AMD Ryzen Threadripper PRO 5955WX 16-Cores", 257659},
    {"laptop-optimus", 2, 1, "rtx4070-laptop", 8188, 7757, "AMD Ryzen 9 7940HS w/ Radeon 780M Graphics", 31235},
    {"wsl2-rtx4090", 1, 1, "rtx4090", 24564, 22510, "AMD Ryzen 9 7950X3D 16-Core Processor", 32018},
    {"docker-8gib-limit", 0, 0, "", 0, 0, "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", 8192},
    {"docker-without-gpus", 1, 0, "", 0, 0, "AMD Ryzen 9 5950X 16-Core Processor", 64215},
    {"kubernetes-cgroup-v1-a100", 1, 1, "a100-sxm4-80gb", 81920, 81037, "AMD EPYC 7543 32-Core Processor", 131072},
    {"server-8x-h100", 8, 8, "h100-sxm", 81559, 81079, "Intel(R) Xeon(R) Platinum 8480C", 2063881},
    {"server-2-socket-cpu", 0, 0, "", 0, 0, "AMD EPYC 9354 32-Core Processor", 773886},
    {"desktop-gtx1080-nouveau", 2, 0, "", 0, 0, "Intel(R) Core(TM) i7-7700K CPU @ 4.20GHz", 32053},
    {"desktop-rx7900xtx", 2, 1, "rx7900xtx", 24560, 23331, "AMD Ryzen 7 7800X3D 8-Core Processor", 31263},
    {"strix-halo-gtt", 1, 1, "ryzen-ai-max-395-128gb", 123392, 118460, "AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", 0},
    {"strix-halo-96gib", 1, 1, "ryzen-ai-max-395-128gb", 114508, 114042, "AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", 0},
    {"desktop-arc-a770", 2, 1, "arc-a770-16gb", 16288, 15736, "Intel(R) Core(TM) i7-12700K", 31890},
    {"desktop-arc-b580", 1, 1, "arc-b580", 0, 0, "AMD Ryzen 5 5600X 6-Core Processor", 32023},
    {"desktop-uhd630", 1, 1, "uhd-630-16gb", 0, 0, "Intel(R) Core(TM) i5-8500 CPU @ 3.00GHz", 0},
    {"raspberry-pi-5", 0, 0, "", 0, 0, "Cortex-A76", 8052},
    {"jetson-agx-orin-64gb", 1, 1, "jetson-agx-orin-64gb", 62841, 57421, "Cortex-A78AE", 0},
    {"dgx-spark", 1, 1, "dgx-spark", 122572, 116222, "Cortex-A725 + Cortex-X925", 0},
    {"macbook-air-m1", 1, 1, "m1-7core-8gb", 8192, 5461, "Apple M1", 0},
    {"macbook-pro-m3-max", 1, 1, "m3-max-40core-64gb", 65536, 49152, "Apple M3 Max", 0},
    {"mac-mini-m4-tahoe", 1, 1, "m4-10core-16gb", 16384, 12124, "Apple M4", 0},
    {"mac-studio-m2-ultra-wired", 1, 1, "m2-ultra-76core-192gb", 196608, 180000, "Apple M2 Ultra", 0},
    {"imac-intel", 0, 0, "", 0, 0, "Intel(R) Core(TM) i7-10700K CPU @ 3.80GHz", 32768},
    {"windows-rx7800xt", 2, 1, "rx7800xt", 16304, 15595, "AMD Ryzen 5 7600X 6-Core Processor", 32508},
    {"windows-rtx4080-laptop", 2, 1, "rtx4080-laptop", 12282, 11011, "13th Gen Intel(R) Core(TM) i9-13900HX", 32508},
};
// clang-format on

}  // namespace

TEST_CASE("recorded machines are read as they are") {
  for (const auto& want : expectations) {
    DYNAMIC_SECTION(want.machine) {
      const auto machine = machine_of(want.machine);
      CHECK(machine.devices.size() == want.devices);
      CHECK(machine.cpu.name == want.cpu);
      const auto used = [](const DetectedDevice& d) { return d.used; };
      CHECK(std::count_if(machine.devices.begin(), machine.devices.end(), used) ==
            static_cast<std::ptrdiff_t>(want.used));
      const auto first = std::find_if(machine.devices.begin(), machine.devices.end(), used);
      if (first != machine.devices.end()) {
        CHECK(first->catalog_id == want.catalog_id);
        CHECK(first->total_bytes.value_or(0) / mib == want.total_mib);
        CHECK(first->free_bytes.value_or(0) / mib == want.free_mib);
      }
      for (const auto& device : machine.devices) CHECK(device.used == device.why_unused.empty());
      const auto request = request_for(machine);
      CHECK(request.machine.devices.size() == want.used);
      CHECK(request.machine.ram.value_or(0) / mib == want.ram_mib);
      const auto assembled = assemble_machine(request.machine);
      for (const auto& device : assembled.devices) {
        CHECK(device.memory_bytes > 0);
        CHECK(device.visible_bytes > 0);
        CHECK(device.visible_bytes <= device.memory_bytes);
      }
      // One pool is never counted twice.
      if (assembled.unified()) CHECK_FALSE(assembled.host.memory_bytes);
    }
  }
}

TEST_CASE("every recording is expected of something") {
  std::size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(std::string(WILLITRUN_TEST_DATA) + "/probes")) {
    ++count;
    const auto name = file.path().stem().string();
    const auto listed = [&](const Expected& e) { return name == e.machine; };
    INFO(name);
    CHECK((name.starts_with("hostile") || std::any_of(std::begin(expectations), std::end(expectations), listed)));
  }
  CHECK(count == std::size(expectations) + 2);
}

TEST_CASE("a machine's free memory is what its cards may use") {
  const auto assembled = assemble_machine(request_for(machine_of("desktop-2x-rtx3090")).machine);
  REQUIRE(assembled.devices.size() == 2);
  CHECK(assembled.devices[0].visible_bytes == 24245 * mib);
  CHECK(assembled.devices[1].visible_bytes == 22731 * mib);
  CHECK(assembled.devices[1].memory_bytes == 24576 * mib);
  CHECK(*assembled.host.usable_bytes() == Bytes{250112088} * kib);
}

TEST_CASE("--vram and --free-vram outrank what was detected") {
  auto request = request_for(machine_of("desktop-rtx3060")).machine;
  request.vram = 8 * gib;
  CHECK(assemble_machine(request).devices[0].memory_bytes == 8 * gib);
  CHECK(assemble_machine(request).devices[0].visible_bytes < 8 * gib);
  request.free_vram = 5 * gib;
  CHECK(assemble_machine(request).devices[0].visible_bytes == 5 * gib);
}

TEST_CASE("a container's limit is the memory there is") {
  const auto machine = machine_of("docker-8gib-limit");
  CHECK(machine.container == "docker");
  CHECK(*machine.memory.limit_bytes == 8 * gib);
  // 2 GiB used, 1 GiB of it file cache that can be given back.
  CHECK(*machine.memory.available_bytes == 7 * gib);
  const auto kubernetes = machine_of("kubernetes-cgroup-v1-a100");
  CHECK(kubernetes.container == "kubernetes");
  CHECK(*kubernetes.memory.available_bytes == 120 * gib);
}

TEST_CASE("what an unused device lacks is said") {
  CHECK(machine_of("desktop-gtx1080-nouveau").devices[1].why_unused == "its driver is nouveau");
  CHECK(machine_of("laptop-optimus").devices[1].why_unused == "processor graphics next to a card");
  CHECK(machine_of("desktop-rtx3060").devices[1].why_unused == "processor graphics next to a card");
  CHECK(machine_of("docker-without-gpus").devices[0].why_unused ==
        "NVIDIA's library and nvidia-smi do not answer; in a container, pass the GPU on (--gpus all)");
  const auto request = request_for(machine_of("server-2-socket-cpu"));
  CHECK(request.assumptions[0].message == "no GPU that could be used was found on this computer: the processor alone");
}

TEST_CASE("the processor counts with the cores that are here, one socket's") {
  const auto server = request_for(machine_of("server-2-socket-cpu")).machine;
  REQUIRE(server.cpu);
  const auto& found = machine_of("server-2-socket-cpu").cpu;
  CHECK(found.sockets == 2U);
  CHECK(*server.cpu->cores * 2 == *found.cores);
  CHECK(server.cpu->id == found.catalog_id);
  CHECK(server.ram_bandwidth_gb_s == server.cpu->bandwidth_gb_s);
  // One that the catalog does not know is its cores.
  DetectedMachine unknown;
  unknown.cpu = {"Some Core", "", 1, 2, 4};
  CHECK(request_for(unknown).machine.cpu->cores == 2U);
  CHECK_FALSE(request_for(DetectedMachine()).machine.cpu);
}

TEST_CASE("what could not be read is said") {
  CHECK(says(machine_of("desktop-arc-b580").unread, "the memory of Intel Arc B580: its driver does not tell"));
  CHECK(says(machine_of("mac-studio-m2-ultra-wired").unread, "the number of GPU cores"));
  CHECK(says(machine_of("imac-intel").unread, "the graphics of a Mac without Apple silicon"));
  CHECK(says(machine_of("wsl2-rtx4090").unread, "GPUs of other vendors than NVIDIA"));
}

TEST_CASE("systems and boards are told apart") {
  CHECK(machine_of("wsl2-rtx4090").wsl);
  CHECK(request_for(machine_of("wsl2-rtx4090")).machine.wsl);
  CHECK_FALSE(machine_of("desktop-rtx3060").wsl);
  CHECK(machine_of("raspberry-pi-5").board == "Raspberry Pi 5 Model B Rev 1.0");
  CHECK(machine_of("mac-mini-m4-tahoe").os_version == "26.1");
  CHECK(machine_of("windows-rx7800xt").os == OperatingSystem::windows);
  CHECK(machine_of("desktop-2x-rtx3090").memory.type == "DDR4");
  CHECK(*machine_of("server-2-socket-cpu").cpu.sockets == 2);
  CHECK(*machine_of("server-2-socket-cpu").cpu.cores == 64);
  CHECK(*machine_of("server-2-socket-cpu").cpu.threads == 128);
}

TEST_CASE("hostile answers yield less, never garbage") {
  const auto machine = machine_of("hostile");
  CHECK_FALSE(machine.memory.total_bytes);
  CHECK_FALSE(machine.memory.available_bytes);
  CHECK(machine.cpu.name.size() <= 120);
  CHECK(machine.os_version.size() <= 120);
  for (const auto& device : machine.devices) CHECK(device.total_bytes.value_or(0) <= 64 * gib);
  CHECK(says(machine.unread, "the size of system memory"));
  const auto mac = machine_of("hostile-macos");
  CHECK_FALSE(mac.memory.total_bytes);
  CHECK(request_for(mac).machine.devices.empty());
}

TEST_CASE("every cut of every recording is survived") {
  for (const auto& file : std::filesystem::directory_iterator(std::string(WILLITRUN_TEST_DATA) + "/probes")) {
    const auto whole = to_text(recorded(file.path().stem().string()));
    const auto step = whole.size() / 23 + 1;
    for (std::size_t size = 0; size < whole.size(); size += step) {
      const auto recording = read_recording(std::string_view(whole).substr(0, size));
      if (!recording) continue;
      RecordedProbe probe(*recording);
      const auto request = request_for(detect(probe));
      CHECK(assemble_machine(request.machine).devices.size() <= 8);
    }
  }
}
