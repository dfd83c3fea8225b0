#include "willitrun/troubleshoot.hpp"

#include <set>

#include "support/catch.hpp"
#include "willitrun/glossary.hpp"
#include "willitrun/known_messages.hpp"
#include "willitrun/log_pattern.hpp"

using namespace willitrun;

TEST_CASE("patterns take sizes, counts and text, whatever the case and the spaces") {
  const auto found = find_pattern("allocate {size:wanted} on device {count:n}: {text:why}!",
                                  "xx ALLOCATE 1.5 GiB  on\ndevice 1,024: no room!");
  REQUIRE(found);
  CHECK(found->numbers.at("wanted") == gib + gib / 2);
  CHECK(found->numbers.at("n") == 1024);
  CHECK(found->shown.at("why") == "no room");
  CHECK_FALSE(find_pattern("allocate {size:wanted}", "allocate lots"));
  CHECK_FALSE(find_pattern("a {text:x}!", "a " + std::string(200, 'b') + "!"));
  CHECK_FALSE(find_pattern("of {size:x}", "of 99999999999999999999999 TiB"));
}

TEST_CASE("hostile text takes linear time") {
  const std::string opens = [] {
    std::string out;
    for (int i = 0; i < 100000; ++i) out += "using device (";
    return out;
  }();
  CHECK_FALSE(diagnose(opens));
  CHECK_FALSE(diagnose(std::string(longest_log * 2, ' ')));
  CHECK_FALSE(diagnose(std::string("\0\xFF\xFE", 3)));
}

TEST_CASE("known errors are told apart and their numbers read") {
  struct Case {
    std::string_view text, code;
  };
  for (const auto& [text, code] : {
           Case{"CUDA out of memory.", "torch_out_of_memory"},
           Case{"MPS backend out of memory (MPS allocated: 9 GB, other allocations: 1 GB, max allowed: 18.13 GB). "
                "Tried to "
                "allocate 2 GB",
                "mps_out_of_memory"},
           Case{"ValueError: The model's max seq len (131072) is larger than the maximum number of tokens that can be "
                "stored in KV cache (23456).",
                "vllm_context_too_long"},
           Case{"ValueError: No available memory for the cache blocks. Try", "vllm_no_cache_memory"},
           Case{"model requires more system memory (8.4 GiB) than is available (5.6 GiB)", "ollama_system_memory"},
           Case{"llama_init: failed to allocate buffer for kv cache", "kv_cache_allocation"},
           Case{"allocating 4403.49 MiB on device 0: cudaMalloc failed: out of memory", "cuda_allocation"},
           Case{"error: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)",
                "metal_out_of_memory"},
           Case{"vk::Device::allocateMemory: ErrorOutOfDeviceMemory", "vulkan_out_of_memory"},
           Case{"no ROCm-capable device is detected", "no_rocm_device"},
           Case{"try HSA_OVERRIDE_GFX_VERSION", "no_kernel_image"},
           Case{"no CUDA-capable device is detected", "no_cuda_device"},
           Case{"CUDA driver version is insufficient for CUDA runtime version", "driver_too_old"},
           Case{"load_tensors: offloaded 12/33 layers to GPU", "partly_on_cpu"},
           Case{"NAME SIZE PROCESSOR\nllama3 6.7 GB 48%/52% CPU/GPU", "ollama_on_cpu"},
           Case{"unknown model architecture: 'qwen9'", "unknown_architecture"},
           Case{"tensor 'blk.3.ffn_up.weight' data is not within the file bounds", "truncated_file"},
           Case{"n_ctx_per_seq (4096) < n_ctx_train (131072)", "context_below_model"},
           Case{"Out of memory: Killed process 123 (llama-server) total-vm", "killed"},
           Case{"container exited with code 137", "killed"},
           Case{"it uses shared GPU memory", "shared_memory_spill"},
       }) {
    CAPTURE(text);
    const auto found = diagnose(text);
    REQUIRE(found);
    CHECK(found->code == code);
    CHECK_FALSE(found->meaning.empty());
    CHECK_FALSE(found->advice.empty());
    CHECK(found->meaning.find('{') == std::string::npos);
  }
  CHECK_FALSE(diagnose("load_tensors: offloaded 33/33 layers to GPU"));
  CHECK_FALSE(diagnose("all is well"));
}

TEST_CASE("what was free and who was named is read from a log") {
  const std::string_view log =
      "llama_model_load_from_file_impl: using device CUDA0 (NVIDIA GeForce RTX 3060) (0000:01:00.0) - 7754 MiB free\n"
      "loaded meta data from /models/Llama-3.1-8B-Instruct-Q8_0.gguf (version GGUF V3)\n"
      "allocating 8137.64 MiB on device 0: cudaMalloc failed: out of memory\n";
  const auto found = diagnose(log);
  REQUIRE(found);
  CHECK(found->free_vram == Bytes{7754} * mib);
  const auto names = mentioned_in(log);
  CHECK(names.gpu == "NVIDIA GeForce RTX 3060");
  CHECK(names.model == "Llama-3.1-8B-Instruct-Q8_0");

  const auto torch = diagnose(
      "Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 11.63 GiB of which 1.25 GiB is free. Including "
      "non-PyTorch memory, this process has 10.25 GiB memory in use.");
  REQUIRE(torch);
  CHECK(torch->free_vram == Bytes{11} * gib + gib / 2);
  CHECK(torch->meaning ==
        "2.00 GiB more was asked for with 1.25 GiB free of 11.6 GiB: 768 MiB short. This process held 10.2 GiB of it.");
  CHECK(diagnose(
            "max seq len (131072) is larger than the maximum number of tokens that can be stored in KV cache (23456)")
            ->ctx == 23456U);
}

TEST_CASE("every message is well formed") {
  std::set<std::string_view> codes;
  for (const auto& message : known_messages()) {
    CAPTURE(message.code);
    CHECK(codes.insert(message.code).second);
    CHECK_FALSE(message.patterns[0].empty());
    CHECK_FALSE(message.advice[0].empty());
    for (const auto pattern : message.patterns) CHECK((pattern.empty() || pattern.front() != '{'));
  }
}

TEST_CASE("the glossary: unique names, known neighbours, examples with numbers") {
  std::set<std::string> names;
  std::size_t examples = 0;
  for (const auto& term : glossary()) {
    CAPTURE(term.term);
    CHECK(names.insert(term.term).second);
    for (const auto& name : term.also) CHECK(find_term(name)->term == term.term);
    for (const auto& other : term.see) CHECK(find_term(other));
    CHECK_FALSE(term.text.empty());
    CHECK_FALSE(term.source.empty());
    if (term.example.empty()) continue;
    ++examples;
    CHECK(find_term(term.term)->example.find_first_of("0123456789") != std::string::npos);
  }
  CHECK(names.size() >= 60);
  CHECK(examples >= 15);
  const auto miss = find_term("KV cahce");
  REQUIRE_FALSE(miss);
  CHECK(miss.error().suggestions.front() == "KV cache");
}
