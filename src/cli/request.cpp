#include "cli/request.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "cli/model_input.hpp"
#include "cli/request_parts.hpp"
#include "willitrun/engine_support.hpp"
#include "willitrun/memory_rules.hpp"
#include "willitrun/suggest.hpp"
#include "willitrun/vllm_memory.hpp"

namespace willitrun::cli {
namespace {

/// Where the GPU has the system's memory, --ram says nothing that --vram or the variant does not.
void warn_of_unused_ram(const Options& options, const Machine& machine, std::vector<Warning>& out) {
  if (!machine.unified() || !options.ram || options.ram == "auto") return;
  if (const auto stated = parse_size(*options.ram, "--ram"); stated && *stated == machine.devices[0].memory_bytes)
    return;
  out.push_back({"ram_not_used", fmt::format("--ram {} is not used: {} shares its memory of {} with the system; --vram "
                                             "states another size",
                                             *options.ram, machine.devices[0].spec.name,
                                             format_bytes(machine.devices[0].memory_bytes))});
}

/// As --os takes it.
std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

/// Every effective option, under its JSON key and with a value it takes.
Echo effective_options(const Options& o, const LoadedModel& model, const CheckRequest& check) {
  const auto& p = check.context;
  const auto number = [](std::uint64_t n) { return OptionValue(static_cast<std::int64_t>(n)); };
  Echo out{
      {"model", o.model.value_or("")},
      {"quant", model.quant_id},
      {"ctx", check.longest_ctx ? OptionValue(std::string("max")) : number(p.n_ctx)},
      {"kv", fmt::format("{},{}", info(p.type_k).name, info(p.type_v).name)},
      {"parallel", number(p.n_seq_max)},
      {"kv_unified", p.kv_unified},
      {"batch", number(p.served ? served_batch(check.machine, *p.served).tokens : p.n_batch)},
      {"ubatch", number(std::min(p.n_batch, p.n_ubatch))},
      {"flash_attn", std::string(p.flash_attn ? "on" : "off")},
      {"swa_full", p.swa_full},
      {"outputs", o.outputs.value_or(std::to_string(p.n_seq_max))},
      {"engine", o.engine.value_or("llama.cpp")},
      {"gpu_layers", o.gpu_layers.value_or("auto")},
      {"cpu_moe_layers", o.cpu_moe_layers.value_or("auto")},
      {"kv_offload", p.offload_kqv},
  };
  add_machine_options(o, check.machine, check.requirement, out);
  if (o.no_mmap) out.emplace_back("no_mmap", true);
  return out;
}

}  // namespace

void add_machine_options(const Options& o, const Machine& machine, const Requirement& requirement, Echo& out) {
  const Echo effective{{"gpu", o.gpu},
                       {"gpu_count", static_cast<std::int64_t>(machine.devices.size())},
                       {"reserve", o.reserve.value_or("auto")},
                       {"overhead", o.overhead.value_or("auto")},
                       {"os", lower_case(name_of(machine.os))},
                       {"backend", std::string(name_of(machine.backend))},
                       {"require", std::string(name_of(requirement.level))}};
  out.insert(out.end(), effective.begin(), effective.end());
  const std::array<std::pair<std::string_view, const Options::Text*>, 15> given{{{"vram", &o.vram},
                                                                                 {"free_vram", &o.free_vram},
                                                                                 {"bandwidth", &o.bandwidth},
                                                                                 {"ram", &o.ram},
                                                                                 {"ram_bandwidth", &o.ram_bandwidth},
                                                                                 {"disk_bandwidth", &o.disk_bandwidth},
                                                                                 {"cpu", &o.cpu},
                                                                                 {"tensor_split", &o.tensor_split},
                                                                                 {"split_mode", &o.split_mode},
                                                                                 {"depth", &o.depth},
                                                                                 {"prompt_tokens", &o.prompt_tokens},
                                                                                 {"min_tps", &o.min_tps},
                                                                                 {"min_ctx", &o.min_ctx},
                                                                                 {"max_ttft", &o.max_ttft},
                                                                                 {"max_memory", &o.max_memory}}};
  for (const auto& [key, text] : given)
    if (*text) out.emplace_back(key, **text);
}

Result<std::shared_ptr<const LoadedModel>> ModelCache::load(const Options& options) {
  const auto& name = *options.model;
  // Standard input is read once; files may change between requests of a long-lived batch, catalog entries do not.
  const bool keep = name != "-";
  const QuantWish wish{options.quant, options.engine.value_or("")};
  const auto key = fmt::format("{}\n{}\n{}", name, wish.quant.value_or(""), wish.engine);
  if (const auto it = models_.find(key); keep && it != models_.end()) return it->second;
  auto loaded = load_model(name, wish);
  if (!loaded) return loaded.error();
  if (models_.size() >= capacity) models_.clear();
  auto shared = std::make_shared<const LoadedModel>(std::move(*loaded));
  if (keep) models_.emplace(key, shared);
  return shared;
}

std::shared_ptr<const WeighedModel> ModelCache::at_quant(const std::string& name, const Model& unquantized,
                                                         std::string_view quant_id) {
  const auto key = fmt::format("{}\n{}", name, quant_id);
  if (const auto it = requantized_.find(key); it != requantized_.end()) return it->second;
  const auto preset = find_quant(quant_id);
  if (!preset) return nullptr;
  auto model = unquantized;
  apply_quant(*preset, model.spec, model.tensors);
  if (requantized_.size() >= capacity) requantized_.clear();
  return requantized_.emplace(key, weigh_model(std::move(model))).first->second;
}

/// Tokens that do not fit the context cannot be in it already.
std::optional<Error> check_depth(const ModelSpec& spec, const ContextChoice& context, const SpeedRequest& speed) {
  const auto n_ctx = context.params.n_ctx;
  if (context.longest || speed.depth <= n_ctx || (spec.n_ctx_train > 0 && n_ctx >= spec.n_ctx_train))
    return std::nullopt;
  return Error{"contradiction", fmt::format("--depth {}: the context has {} tokens; give --ctx {} or more", speed.depth,
                                            format_grouped(n_ctx), speed.depth)};
}

/// vLLM does not start with --tensor-parallel-size where heads or rows do not come out even.
std::optional<Error> check_slices(const Options& options, const Model& model, std::size_t n_device) {
  if (options.engine != "vllm" || options.split_mode != "tensor" || n_device < 2) return std::nullopt;
  const auto undivided = undivided_part(model, n_device);
  if (undivided.empty()) return std::nullopt;
  return Error{"contradiction",
               fmt::format("--split-mode tensor: {} do not divide by {} GPUs; use layer", undivided, n_device)};
}

Result<CheckRequest> make_check(const Options& options, const LoadedModel& model, Machine machine) {
  if (auto e = check_engine(options)) return *e;
  if (auto e = check_engine_runs(options, machine)) return *e;
  if (auto e = check_settings(options)) return *e;
  static const ModelSpec no_shapes;
  const auto& spec = model.recommender ? no_shapes : model.weighed->model.spec;
  const auto engine = find_engine(options.engine.value_or("")).value_or(Engine::llama_cpp);
  if (auto e = refused_architecture(engine, spec)) return *e;
  if (auto e = refused_device(engine, machine, model.quant_id)) return *e;
  const auto context = resolve_context_options(options, spec);
  if (!context) return context.error();
  auto placement = resolve_placement_options(options, machine.devices.size());
  if (!placement) return placement.error();
  const auto speed = resolve_speed_options(options);
  if (!speed) return speed.error();
  const auto requirement = resolve_requirement(options);
  if (!requirement) return requirement.error();
  if (auto e = check_depth(spec, *context, *speed)) return *e;
  if (model.weighed)
    if (auto e = check_slices(options, model.weighed->model, machine.devices.size())) return *e;

  CheckRequest check;
  check.model = model.weighed;
  check.quant = model.quant_name;
  check.context = context->params;
  check.requested_ctx = context->requested;
  check.longest_ctx = context->longest;
  check.placement = std::move(*placement);
  check.machine = std::move(machine);
  check.machine.assumptions.insert(check.machine.assumptions.begin(), model.assumptions.begin(),
                                   model.assumptions.end());
  check.speed = *speed;
  // A stand-in for a hand-made mix is not what others measured.
  const bool stands_in = std::any_of(model.assumptions.begin(), model.assumptions.end(),
                                     [](const Assumption& a) { return a.code == "like_quant"; });
  if (!stands_in) check.speed.quant = model.quant_id;
  add_engine_assumption(speed->engine, check.context, check.machine);
  check.requirement = *requirement;
  check.explain = options.explain;
  check.advise = options.advise;
  check.warnings = model.warnings;
  warn_of_unused_ram(options, check.machine, check.warnings);
  check.ollama_tag = model.ollama_tag;
  check.published_as = model.published_as;
  check.leaves_out_tower = model.leaves_out_tower;
  check.embeds = model.embeds;
  check.model_file = model.file;
  check.called = model.called;
  return check;
}

Result<Report> run(const CheckRequest& check, const std::optional<Recommender>& recommender) {
  return recommender ? check_tables(*recommender, check.machine, check.requirement) : willitrun::check(check);
}

Result<ResolvedRequest> resolve(const Options& options, ModelCache& models) {
  if (!options.model) return Error{"usage", "no model named; try: willitrun llama3.1-8b --gpu rtx3060"};
  if (auto e = check_engine(options)) return *e;
  const auto loaded = models.load(options);
  if (!loaded) return loaded.error();
  const auto& model = **loaded;
  auto machine = resolve_machine(options);
  if (!machine) return machine.error();
  auto check = make_check(options, model, std::move(*machine));
  if (!check) return check.error();
  if (model.unquantized)
    check->at_quant = [&models, name = *options.model, base = model.unquantized](std::string_view id) {
      return models.at_quant(name, *base, id);
    };
  auto echo = effective_options(options, model, *check);
  return ResolvedRequest{std::move(*check), model.recommender, std::move(echo)};
}

Result<Report> run(const ResolvedRequest& request) {
  auto report = run(request.check, request.recommender);
  if (report) report->request = request.echo;
  return report;
}

}  // namespace willitrun::cli
