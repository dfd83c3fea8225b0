#include "cli/manifest_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/option_keys.hpp"

namespace willitrun::cli {
namespace {

/// The last layer's word on an option; null when none has one.
const ManifestOption* find_option(const std::vector<const ManifestOptions*>& layers, std::string_view key) {
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer)
    for (const auto& option : **layer)
      if (option.key == key) return &option;
  return nullptr;
}

/// Takes the option back so that what is wrong beside it shows. False: nothing was taken, so nothing new can show.
bool take_back(const std::string& key, const std::string& message, Options& options) {
  if (key != "gpu") {
    clear_option(key, options);
    return true;
  }
  // A machine needs something: of several GPUs the others, of one a nameless stand-in.
  const auto named = std::find_if(options.gpu.begin(), options.gpu.end(), [&](const std::string& name) {
    return message.find(fmt::format("'{}'", name)) != message.npos;
  });
  if (named == options.gpu.end()) return false;
  options.gpu.erase(named);
  if (options.gpu.empty() && !options.vram) options.vram = "1GiB";
  return true;
}

}  // namespace

const ManifestKeys& manifest_keys() {
  using enum Group;
  static const ManifestKeys keys{option_keys(std::array{machine}), option_keys(std::array{model, placement, gate})};
  return keys;
}

void lay_over(const ManifestOptions& layer, Options& options) {
  for (const auto& option : layer) {
    if (option.value)
      (void)set_option(option.key, option.value, options);
    else
      clear_option(option.key, options);
  }
}

void ManifestProblems::add(ManifestProblem problem) {
  if (seen_.emplace(problem.place.line, problem.place.column, problem.error.message).second)
    list_.push_back(std::move(problem));
}

void ManifestProblems::add_kinds(const ManifestOptions& layer) {
  Options ignored;
  for (const auto& option : layer) {
    if (!option.value) continue;
    auto error = set_option(option.key, option.value, ignored);
    if (!error) continue;
    // The place names the key already.
    const auto name = fmt::format("'{}': ", option.key);
    if (error->message.starts_with(name)) error->message.erase(0, name.size());
    add({option.place, std::move(*error)});
  }
}

void ManifestProblems::add_all(Options options, const std::vector<const ManifestOptions*>& layers,
                               const SourcePlace& otherwise, const Resolve& resolve) {
  std::string last;
  for (auto error = resolve(options); error; error = resolve(options)) {
    const auto key = key_at_fault(*error);
    const auto* option = find_option(layers, key);
    // The same again, although it was taken back: it is not the cause.
    if (error->message == last) return;
    last = error->message;
    add({option != nullptr ? option->place : otherwise, *error});
    if (option == nullptr || !take_back(key, last, options)) return;
  }
}

bool ManifestProblems::any_within(const std::string& pointer) const {
  return std::any_of(list_.begin(), list_.end(), [&](const ManifestProblem& problem) {
    const auto& at = problem.place.pointer;
    return at == pointer || at.starts_with(pointer + "/");
  });
}

std::vector<ManifestProblem> ManifestProblems::take() {
  std::stable_sort(list_.begin(), list_.end(), [](const ManifestProblem& a, const ManifestProblem& b) {
    return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
  });
  return std::move(list_);
}

}  // namespace willitrun::cli
