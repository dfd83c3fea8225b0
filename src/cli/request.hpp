// What the typed options mean: names resolved, numbers read, contradictions refused.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/options.hpp"
#include "willitrun/check.hpp"
#include "willitrun/machine.hpp"

namespace willitrun::cli {

using Echo = std::vector<std::pair<std::string, OptionValue>>;

/// A model at one quant, and how it came to be that quant.
struct LoadedModel {
  std::shared_ptr<const WeighedModel> weighed;
  std::shared_ptr<const Model> unquantized;  ///< empty when a file fixes the types
  std::optional<Recommender> recommender;    ///< instead of the two, for a spec of tables
  std::string quant_id, quant_name;
  std::string file, ollama_tag, published_as, called;
  bool leaves_out_tower = false;
  bool embeds = false;
  std::vector<Assumption> assumptions;
  std::vector<Warning> warnings;
};

/// Models met before in this process, so that a batch reads each once. Bounded: the oldest leave.
class ModelCache {
 public:
  [[nodiscard]] Result<std::shared_ptr<const LoadedModel>> load(const Options& options);

  /// The same model at another preset; empty for a model whose types a file fixes.
  [[nodiscard]] std::shared_ptr<const WeighedModel> at_quant(const std::string& name, const Model& unquantized,
                                                             std::string_view quant_id);

 private:
  static constexpr std::size_t capacity = 64;
  std::map<std::string, std::shared_ptr<const WeighedModel>, std::less<>> requantized_;
  std::map<std::string, std::shared_ptr<const LoadedModel>, std::less<>> models_;
};

struct ResolvedRequest {
  CheckRequest check;
  std::optional<Recommender> recommender;  ///< asked about instead of check.model
  Echo echo;                               ///< every effective option
};

/// The question that options ask of a model and a machine at hand; what they say of those is not looked at again.
[[nodiscard]] Result<CheckRequest> make_check(const Options& options, const LoadedModel& model, Machine machine);
[[nodiscard]] Result<Report> run(const CheckRequest& check, const std::optional<Recommender>& recommender);

[[nodiscard]] Result<ResolvedRequest> resolve(const Options& options, ModelCache& models);
/// The report on a resolved request, its options echoed.
[[nodiscard]] Result<Report> run(const ResolvedRequest& request);
/// `--gpu auto` where no machine is named: this computer.
void default_to_this_computer(Options& options);
/// `request`, its devices set, with all else that the machine options say.
[[nodiscard]] Result<MachineRequest> resolve_surroundings(const Options& options, MachineRequest request);
[[nodiscard]] Result<Machine> resolve_machine(const Options& options);
/// The effective options of machine and gate, under their JSON keys.
void add_machine_options(const Options& options, const Machine& machine, const Requirement& requirement, Echo& out);
[[nodiscard]] Result<Requirement> resolve_requirement(const Options& options);

}  // namespace willitrun::cli
