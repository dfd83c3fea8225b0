// One question from model and machine to report. Every command that judges a model goes through here.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/embedding_tables.hpp"
#include "willitrun/quant.hpp"
#include "willitrun/report.hpp"

namespace willitrun {

struct CheckRequest {
  std::shared_ptr<const WeighedModel> model;  ///< at its quant
  /// The same model at another preset, to try it; empty when a file fixes the types.
  std::function<std::shared_ptr<const WeighedModel>(std::string_view quant_id)> at_quant;
  std::string quant;  ///< as shown, "Q4_K_M"
  ContextParams context;
  std::uint32_t requested_ctx = 0;  ///< as asked, before padding
  bool longest_ctx = false;         ///< --ctx max
  PlacementOptions placement;
  Machine machine;
  SpeedRequest speed;
  Requirement requirement;
  bool advise = true;         ///< look for alternatives and the longest context
  bool measure_room = false;  ///< look for the longest context alone
  bool explain = false;
  std::vector<Warning> warnings;  ///< found while the model was read
  std::string ollama_tag;         ///< the model's name at Ollama, if that holds this quant
  std::string published_as;       ///< its repository at Hugging Face, where the quant is the one it is published in
  bool leaves_out_tower = false;  ///< what sees or hears is not counted
  std::string model_file;         ///< for the printed commands
  std::string called;             ///< in them, where the model's id is another's whose shapes it has
  bool embeds = false;            ///< a decoder trained to embed text
};

[[nodiscard]] Result<Report> check(const CheckRequest& request);

/// The same question for a recommender's tables: all on the accelerators if they fit, else in system memory.
[[nodiscard]] Result<Report> check_tables(const Recommender& model, const Machine& machine,
                                          const Requirement& requirement);

}  // namespace willitrun
