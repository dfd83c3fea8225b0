// A Hugging Face model directory: weights from its safetensors headers, shapes from its config.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "willitrun/model.hpp"
#include "willitrun/result.hpp"
#include "willitrun/safetensors.hpp"

namespace willitrun {

/// Something a reader should know about a model read from files, as a code and a sentence.
struct ModelNote {
  std::string code, message;
};

struct HfModel {
  Model model;             ///< at its own types: the weights are what the files hold
  Model convertible;       ///< as llama.cpp's conversion leaves it, at source types; no tensors where it knows none
  std::string quant_id;    ///< our preset of the files' layout; empty when there is none
  std::string quant_name;  ///< "BF16", "GPTQ 4-bit, groups of 128"
  bool quantized = false;
  std::vector<ModelNote> notes;
};

/// `config` is config.json's text and `what` names the directory in errors. Keys and tensors that contradict each other
/// are an error; an unknown model_type is not: its weights are exact and its cache is what the keys say.
[[nodiscard]] Result<HfModel> model_from_hf(std::string_view config, const std::vector<SafetensorsHeader>& shards,
                                            std::string_view what);

}  // namespace willitrun
