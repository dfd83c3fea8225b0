// What `llama-bench -o json` and `-o jsonl` print, of any version since 2023.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/result.hpp"

namespace willitrun {

/// One test. Keys as llama-bench spells them (tools/llama-bench/llama-bench.cpp, test::get_fields); what older versions
/// did not print keeps its default.
struct BenchRow {
  std::size_t number = 0;                  ///< in the file, from 1
  std::string model_filename, model_type;  ///< "qwen2 7B Q4_K - Medium"
  std::uint64_t model_size = 0, model_n_params = 0;
  std::string backends;                     ///< "CUDA", "Metal,BLAS"; before 2024-11 one flag each, put together here
  std::string cpu_info, gpu_info, devices;  ///< `devices`: "auto" or "CUDA0/CUDA1"
  std::string split_mode = "layer", tensor_buft_overrides = "none";
  std::string type_k = "f16", type_v = "f16";
  std::int64_t n_gpu_layers = -1;  ///< -1 = all
  std::uint32_t n_cpu_moe = 0, n_batch = 2048, n_ubatch = 512, main_gpu = 0;
  std::uint32_t n_prompt = 0, n_gen = 0, n_depth = 0;
  bool flash_attn = true, no_kv_offload = false, embeddings = false;
  double avg_ts = 0, stddev_ts = 0;  ///< tokens per second
  std::string date;                  ///< of test_time, "2025-04-24"; empty = not stated
};

/// All tests in a text, an array or one object a line. `what` names the text in errors.
[[nodiscard]] Result<std::vector<BenchRow>> read_llama_bench(std::string_view text, std::string_view what);

/// The file type at the end of model_type as a quant's id: "qwen2 7B Q4_K - Medium" -> "q4_k_m". Empty = none known.
[[nodiscard]] std::string quant_of_model_type(std::string_view model_type);

}  // namespace willitrun
