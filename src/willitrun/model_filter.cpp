// Which models of the catalog are meant.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "willitrun/fits.hpp"
#include "willitrun/suggest.hpp"

namespace willitrun {
namespace {

constexpr std::array<std::string_view, 6> tasks{"text", "code", "vision", "embedding", "reranking", "speech"};

/// Other words for a task.
struct Synonym {
  std::string_view word, task;
};
constexpr std::array synonyms{Synonym{"chat", "text"},          Synonym{"text-generation", "text"},
                              Synonym{"coding", "code"},        Synonym{"embeddings", "embedding"},
                              Synonym{"image", "vision"},       Synonym{"multimodal", "vision"},
                              Synonym{"reranker", "reranking"}, Synonym{"rerank", "reranking"},
                              Synonym{"tts", "speech"},         Synonym{"text-to-speech", "speech"}};

/// "codellama", "starcoder2", "qwen2.5-coder", "codestral" and "devstral" are for code; "mistral" and "ministral" not.
bool named_for_code(std::string_view id) {
  const auto has = [&](std::string_view part) { return id.find(part) != std::string_view::npos; };
  return has("code") || has("devstral");
}

bool any_of(const std::vector<std::string>& wanted, std::string_view value) {
  return std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

}  // namespace

std::span<const std::string_view> task_names() { return tasks; }

Result<std::string_view> find_task(std::string_view text) {
  if (const auto* it = std::find(tasks.begin(), tasks.end(), text); it != tasks.end()) return *it;
  for (const auto& synonym : synonyms)
    if (synonym.word == text) return synonym.task;
  return Error{"unknown_task", fmt::format("unknown task '{}': must be {}", text, fmt::join(tasks, ", ")),
               nearest(text, tasks)};
}

std::vector<std::string_view> tasks_of(const ModelEntry& entry) {
  std::vector<std::string_view> out;
  if (entry.id.find("rerank") != std::string::npos)
    out.emplace_back("reranking");
  else if (entry.task == "embedding")
    out.emplace_back("embedding");
  else
    out.emplace_back(entry.task.starts_with("text-to-speech") || entry.task.starts_with("speech") ? "speech" : "text");
  if (named_for_code(entry.id)) out.emplace_back("code");
  if (entry.vision_parameters > 0) out.emplace_back("vision");
  return out;
}

bool passes(const ModelEntry& entry, const ModelFilter& filter) {
  if (entry.parameters < filter.min_parameters || entry.parameters > filter.max_parameters) return false;
  if (!filter.licenses.empty() && !any_of(filter.licenses, entry.license)) return false;
  const auto tasks_here = tasks_of(entry);
  return filter.tasks.empty() || std::any_of(tasks_here.begin(), tasks_here.end(),
                                             [&](std::string_view task) { return any_of(filter.tasks, task); });
}

}  // namespace willitrun
