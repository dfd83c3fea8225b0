// Messages as the engines print them: llama.cpp 0.7.0 (src/llama*.cpp, ggml/src), Ollama (llm/server.go,
// format/bytes.go), PyTorch (c10/cuda/CUDACachingAllocator.cpp, aten/src/ATen/mps), vLLM (v1/core/kv_cache_utils.py,
// v1/worker), transformers 4.57, the CUDA runtime's error strings and the Linux kernel's (mm/oom_kill.c).
#include "willitrun/known_messages.hpp"

namespace willitrun {
namespace {

constexpr std::array messages{
    KnownMessage{
        "torch_out_of_memory",
        "CUDA out of memory (PyTorch)",
        {"Tried to allocate {size:wanted}. GPU {count:gpu} has a total capacity of {size:total} of which {size:free} "
         "is "
         "free. {..}this process has {size:own} memory in use",
         "Tried to allocate {size:wanted} (GPU {count:gpu}; {size:total} total capacity; {size:own} already allocated; "
         "{size:free} free",
         "Tried to allocate {size:wanted}. GPU {count:gpu} has a total capacity of {size:total} of which {size:free} "
         "is "
         "free",
         "CUDA out of memory"},
        "{wanted} more was asked for with {free} free of {total}: {wanted-free} short.|This process held {own} of "
        "it.|The "
        "GPU's memory is full.",
        {"end what else uses the GPU (nvidia-smi lists it)", "a smaller --quant, a shorter --ctx or a smaller batch",
         "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True where much is reserved but not allocated",
         "llama.cpp or Ollama can leave part of the model in system memory"},
        Meaning::free_vram,
        {"free", "own"}},
    KnownMessage{
        "mps_out_of_memory",
        "Out of memory on Apple's GPU (PyTorch)",
        {"MPS allocated: {size:own}, other allocations: {size:other}, max allowed: {size:total}). Tried to allocate "
         "{size:wanted}",
         "MPS backend out of memory"},
        "{wanted} more was asked for; {own} of at most {total} was held.|Apple's GPU has given what macOS allows it.",
        {"a smaller --quant or a shorter --ctx", "sysctl iogpu.wired_limit_mb raises the limit",
         "PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0 lifts PyTorch's own"},
        Meaning::free_vram,
        {"total", "total"}},
    KnownMessage{
        "vllm_context_too_long",
        "vLLM: the model's whole context does not fit",
        {"max seq len ({count:asked}) is larger than the maximum number of tokens that can be stored in KV cache "
         "({count:fits})",
         "max seq len ({count:asked}), ({size:needed} KV cache is needed, which is larger than the available KV "
         "cache memory ({size:available}). Based on the available memory, the estimated maximum model length is "
         "{count:fits}",
         "max seq len ({count:asked}), ({size:needed} KV cache is needed, which is larger than the available KV "
         "cache memory ({size:available})"},
        "vLLM plans for the model's own context of {asked} tokens;|the memory left for the cache holds {fits}.|"
        "Its cache would take {needed}, {available} is left.",
        {"--max-model-len at or below what fits", "--gpu-memory-utilization closer to 1, if nothing else uses the GPU",
         "--kv-cache-dtype fp8 halves the cache", "a smaller quant leaves more for the cache"},
        Meaning::ctx,
        {"fits", ""}},
    KnownMessage{
        "vllm_no_cache_memory",
        "vLLM: no memory left for the cache",
        {"No available memory for the cache blocks"},
        "Weights and activations alone fill vLLM's share of the GPU (92 % of it, 90 % in older versions, unless "
        "--gpu-memory-utilization says otherwise).",
        {"a smaller quant, or more GPUs with --tensor-parallel-size", "--gpu-memory-utilization closer to 1",
         "a smaller --max-num-batched-tokens or --max-model-len"}},
    KnownMessage{
        "vllm_gpu_in_use",
        "vLLM: something else holds GPU memory",
        {"Free memory on device ({size:free}/{size:total} GiB) on startup is less than desired GPU memory "
         "utilization",
         "Free memory on device ({size:free}/{size:total}) on startup is less than desired GPU memory utilization"},
        "{free} of {total} was free when vLLM started, less than the share it takes.",
        {"end what else uses the GPU (nvidia-smi lists it)", "a smaller --gpu-memory-utilization"},
        Meaning::free_vram,
        {"free", ""}},
    KnownMessage{"ollama_system_memory",
                 "Ollama: not enough system memory",
                 {"model requires more system memory ({size:needed}) than is available ({size:available})"},
                 "What does not fit the GPU must fit system memory: {needed} is needed, {available} was available, "
                 "{needed-available} short.",
                 {"close programs, or give the container or WSL more memory", "a smaller quant or a smaller num_ctx",
                  "swap counts for Ollama, at the disk's speed"},
                 Meaning::ram,
                 {"available", ""}},
    KnownMessage{
        "kv_cache_allocation",
        "llama.cpp: the KV cache did not fit",
        {"failed to allocate buffer for kv cache"},
        "The weights fitted, the cache for the context asked for did not.",
        {"a shorter --ctx (llama.cpp: -c, Ollama: num_ctx)", "--kv q8_0 halves the cache (-ctk q8_0 -ctv q8_0)",
         "fewer slots (--parallel)", "fewer layers on the GPU (-ngl)"}},
    KnownMessage{"cuda_allocation",
                 "llama.cpp: the GPU's memory is full",
                 {"allocating {size:wanted} on device {count:device}: cudaMalloc failed: out of memory",
                  "failed to allocate {text:buffer} buffer of size {bytes:wanted}",
                  "unable to allocate {text:buffer} buffer", "cudaMalloc failed: out of memory"},
                 "A buffer of {wanted} did not fit.|The GPU had no room for a buffer.",
                 {"fewer layers on the GPU (-ngl); without -ngl llama.cpp fits them itself",
                  "a shorter --ctx, --kv q8_0 or a smaller --ubatch", "a smaller --quant",
                  "end what else uses the GPU (nvidia-smi lists it)"}},
    KnownMessage{
        "metal_out_of_memory",
        "Metal: insufficient memory",
        {"kIOGPUCommandBufferCallbackErrorOutOfMemory", "Insufficient Memory (00000008", "error: Insufficient Memory"},
        "macOS lets the GPU use two thirds to three quarters of the memory; model and cache need more.",
        {"a smaller --quant or a shorter --ctx", "sysctl iogpu.wired_limit_mb raises the limit",
         "close programs that hold memory"}},
    KnownMessage{
        "vulkan_out_of_memory",
        "Vulkan: out of device memory",
        {"Requested buffer size ({bytes:wanted}) exceeds device", "ErrorOutOfDeviceMemory",
         "VK_ERROR_OUT_OF_DEVICE_MEMORY"},
        "A buffer of {wanted} is more than the driver gives at once.|The driver had no room for a buffer; some also "
        "refuse single buffers above 2 or 4 GiB.",
        {"fewer layers on the GPU (-ngl)", "a shorter --ctx or a smaller --ubatch", "a smaller --quant",
         "GGML_VK_FORCE_MAX_ALLOCATION_SIZE for a limit on single buffers"}},
    KnownMessage{
        "cpu_dispatch",
        "Transformers: the quantised model did not fit the GPU",
        {"Some modules are dispatched on the CPU or the disk"},
        "bitsandbytes runs on the GPU alone; device_map=\"auto\" found too little of it.",
        {"a smaller model or a GPU with more memory", "llama.cpp or Ollama, which can share a model with the CPU"}},
    KnownMessage{
        "driver_too_old",
        "NVIDIA's driver is too old",
        {"CUDA driver version is insufficient for CUDA runtime version",
         "NVIDIA driver on your system is too old (found version {count:version})",
         "the provided PTX was compiled with an unsupported toolchain", "unsupported display driver / cuda driver"},
        "The program was built for a newer CUDA than the driver knows (it is {version}).|The program was built for "
        "a newer CUDA than the driver knows.",
        {"update the driver (nvidia-smi shows the newest CUDA it knows)", "a build for an older CUDA"}},
    KnownMessage{"no_kernel_image",
                 "The build has no code for this GPU",
                 {"no kernel image is available for execution on the device", "HSA_OVERRIDE_GFX_VERSION",
                  "rocBLAS error: Cannot read {..}TensileLibrary", "amdgpu is not supported"},
                 "Program or library was built for other generations of GPU than this one.",
                 {"a build that lists this GPU's architecture (AMD: gfx number, NVIDIA: compute capability)",
                  "AMD cards close to a supported one: HSA_OVERRIDE_GFX_VERSION=10.3.0 (RDNA2) or 11.0.0 (RDNA3)",
                  "the Vulkan build of llama.cpp, which needs no ROCm"}},
    KnownMessage{
        "no_cuda_device",
        "No NVIDIA GPU was found",
        {"no CUDA-capable device is detected", "Found no NVIDIA driver on your system",
         "couldn't communicate with the NVIDIA driver", "ggml_cuda_init: failed to initialize CUDA"},
        "The driver is missing, does not run, or shows this process no GPU; everything runs on the CPU.",
        {"nvidia-smi on the host: if it fails, reinstall the driver or reboot after an update",
         "in a container: --gpus all and the NVIDIA container toolkit", "CUDA_VISIBLE_DEVICES must not be empty"}},
    KnownMessage{"no_rocm_device",
                 "No AMD GPU was found",
                 {"no ROCm-capable device is detected", "amdgpu version file missing", "unable to open /dev/kfd",
                  "Permission denied: '/dev/kfd'"},
                 "ROCm is missing, does not know the card, or this user may not open /dev/kfd.",
                 {"add the user to the groups render and video", "in a container: --device /dev/kfd --device /dev/dri",
                  "rocminfo shows what ROCm sees", "the Vulkan build of llama.cpp, which needs no ROCm"}},
    KnownMessage{
        "killed",
        "Killed for want of system memory",
        {"Out of memory: Killed process {count:pid} ({text:program})", "OOMKilled", "exited with code 137",
         "exit status 137"},
        "The system or the container ran out of memory and ended the program (signal 9, exit 137).",
        {"a smaller --quant or a shorter --ctx, or more layers on the GPU", "raise the container's memory limit",
         "WSL: memory= under [wsl2] in .wslconfig; half of the memory is the default",
         "leave mmap on, so that weights need not be resident"}},
    KnownMessage{"wsl_memory",
                 "WSL sees only part of the memory",
                 {".wslconfig", "wsl --shutdown"},
                 "WSL 2 gets half of the memory unless .wslconfig says otherwise.",
                 {"memory=48GB under [wsl2] in %UserProfile%\\.wslconfig, then wsl --shutdown",
                  "check with --ram set to what free -g shows inside WSL"}},
    KnownMessage{"shared_memory_spill",
                 "Windows moved GPU memory into system memory",
                 {"shared GPU memory", "sysmem fallback", "CUDA - Sysmem Fallback Policy"},
                 "What does not fit the card goes over PCIe for every token: it runs, many times slower.",
                 {"lower -ngl, --ctx or --quant until dedicated memory suffices",
                  "NVIDIA control panel: CUDA - Sysmem Fallback Policy, Prefer No Sysmem Fallback"}},
    KnownMessage{"unknown_architecture",
                 "The program does not know this kind of model",
                 {"unknown model architecture: '{text:architecture}'",
                  "model type `{text:architecture}` but Transformers does not recognize this architecture"},
                 "The architecture {architecture} is newer than the program, or was never added to it.",
                 {"update llama.cpp, Ollama, LM Studio or transformers", "a file converted for the version at hand"}},
    KnownMessage{"truncated_file",
                 "The file is cut off or damaged",
                 {"tensor '{text:tensor}' data is not within the file bounds", "tensor data out of bounds",
                  "model is corrupted or incomplete", "Error while deserializing header"},
                 "The file's list of tensors points beyond its end: the download stopped early.",
                 {"download it again and compare its size or SHA-256", "with several shards, all must be there",
                  "a Git LFS pointer is a text file of 130 bytes: git lfs pull"}},
    KnownMessage{"quantized_v_needs_flash_attention",
                 "A quantised V cache needs flash attention",
                 {"V cache quantization requires flash_attn",
                  "quantized V cache was requested, but this requires Flash "
                  "Attention"},
                 "llama.cpp has no kernel for a quantised V cache without flash attention.",
                 {"-fa on (Ollama: OLLAMA_FLASH_ATTENTION=1)", "leave V at f16: --kv q8_0,f16"}},
    KnownMessage{
        "context_exceeded",
        "The request is longer than the context",
        {"maximum context length is {count:limit} tokens. However, you requested {count:asked} tokens",
         "request ({count:asked} tokens) exceeds the available context size ({count:limit} tokens)",
         "exceeds the available context size"},
        "{asked} tokens were asked for, {limit} fit.|Prompt and answer together are longer than the slot's context.",
        {"a longer --ctx, if memory allows; slots divide it", "a shorter prompt or answer"}},
    KnownMessage{"mlock_failed",
                 "Memory could not be pinned",
                 {"failed to mlock {bytes:wanted}-byte buffer"},
                 "--mlock asked to pin {wanted} more than the limit allows; the model runs without.",
                 {"ulimit -l unlimited, or drop --mlock"}},
    KnownMessage{"partly_on_cpu",
                 "Part of the model is on the CPU",
                 {"offloaded {count:layers}/{count:all} layers to GPU"},
                 "{layers} of {all} layers lie on the GPU; the rest are computed by the CPU, which rules the speed.",
                 {"a smaller --quant or a shorter --ctx, so that all layers fit", "--kv q8_0 halves the cache",
                  "a mixture of experts: all layers on the GPU, experts of some in system memory (--n-cpu-moe)"}},
    KnownMessage{"ollama_on_cpu",
                 "Ollama runs part or all of it on the CPU",
                 {"%/{count:gpu}% CPU/GPU", "100% CPU"},
                 "{gpu} % of the bytes lie on the GPU; the CPU's share rules the speed.|All of it runs on the CPU.",
                 {"a smaller quant or a smaller num_ctx", "OLLAMA_KV_CACHE_TYPE=q8_0 with OLLAMA_FLASH_ATTENTION=1",
                  "if the model should fit: the server's log says why no GPU was used"}},
    KnownMessage{"context_below_model",
                 "Not an error: less context than the model could have",
                 {"n_ctx_per_seq ({count:ctx}) < n_ctx_train ({count:train})",
                  "n_ctx_seq ({count:ctx}) < n_ctx_train ({count:train})"},
                 "Each slot has {ctx} tokens; the model was trained for {train}.",
                 {"a longer --ctx, if memory allows", "nothing, if that is enough"}},
};

}  // namespace

std::span<const KnownMessage> known_messages() { return messages; }

}  // namespace willitrun
