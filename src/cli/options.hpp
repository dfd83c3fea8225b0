// What was typed: one table that feeds the command line, batch requests, help and completion.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace willitrun::cli {

/// Options as text, exactly as typed; request.cpp gives them meaning. Empty = not given.
struct Options {
  using Text = std::optional<std::string>;
  using Flag = bool;
  using List = std::vector<std::string>;

  Text model;
  List manifests;
  Text quant, ctx, kv, parallel, batch, ubatch, flash_attn, outputs, depth, prompt_tokens, engine;
  Flag kv_unified = false, swa_full = false;
  Text gpu_layers, cpu_moe_layers, tensor_split, split_mode;
  Flag no_kv_offload = false, no_mmap = false;
  List gpu;
  Text vram, gpu_count, bandwidth, free_vram, reserve, overhead, ram, ram_bandwidth, disk_bandwidth, cpu, os, backend;
  Text require, min_tps, min_ctx, max_ttft, max_memory;
  Text format;
  List fields;
  Flag json = false, explain = false, quiet = false;
  Text color;
  List catalog;
  List table;
  Text optimizer;
  Text lock;
  Flag update_lock = false;
  // Choosing among models, among machines, and what they cost.
  Text task, license, min_params, max_params, limit;
  Flag all_quants = false;
  Text vendor, kind, max_price, max_power, since, max_count;
  Text price_kwh, power, price_hardware, years, utilization, api_price, input_per_output, currency;
  Flag no_calibration = false;
  Flag advise = true;  ///< look for alternatives and the longest context; a batch request has to ask for it
  Text sweep;
  Text measured;  ///< batch only: "false" = do not answer from a stored measurement
};

using OptionTarget = std::variant<Options::Text Options::*, Options::Flag Options::*, Options::List Options::*>;

enum class Group : std::uint8_t {
  model,
  placement,
  machine,
  gate,
  output,
  catalog,
  tables,
  lock,
  models,
  devices,
  cost,
  sweep
};

struct OptionRow {
  std::string_view name;  ///< long name without dashes
  char letter;            ///< 0 = none
  Group group;
  OptionTarget target;
  std::string_view value;  ///< shown in help; empty for flags
  std::string_view help;
};

[[nodiscard]] std::span<const OptionRow> option_rows();
[[nodiscard]] std::string_view title(Group group);

}  // namespace willitrun::cli
