#include "cli/lock_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "cli/commands.hpp"
#include "cli/input_source.hpp"

namespace willitrun::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_lock = 16 << 20;

/// A manifest's path from the lock file's folder, so that it does not matter where the program is started.
std::string manifest_name(const std::string& file, const std::string& lock_path) {
  if (file == "stdin") return file;
  std::error_code ignored;
  const auto from = fs::absolute(lock_path, ignored).lexically_normal().parent_path();
  const auto relative = fs::absolute(file, ignored).lexically_normal().lexically_relative(from);
  return (relative.empty() ? fs::path(file) : relative).generic_string();
}

template <class Visit>
void for_each_locked(const std::vector<ManifestResult>& results, const std::string& lock_path, Visit visit) {
  for (const auto& result : results) {
    const auto name = manifest_name(result.file, lock_path);
    for (const auto& outcome : result.outcomes)
      if (outcome.verdict) visit(lock_row(name, outcome.name, outcome));
  }
}

void fail_outcome(Outcome& outcome, std::string_view code, const std::string& message) {
  if (outcome.status == OutcomeStatus::passed || outcome.status == OutcomeStatus::waived) {
    outcome.status = OutcomeStatus::failed;
    outcome.code = code;
    outcome.message = message;
  } else {
    outcome.message += "; " + message;
  }
}

Error not_written(const std::string& path) {
  return Error{
      "output",
      fmt::format("{}: could not be written: {}", path, std::error_code(errno, std::generic_category()).message()),
      {},
      exit_output};
}

}  // namespace

Result<Lock> read_lock(const std::string& path) {
  const auto source = open_input(path);
  if (!source)
    return Error{"no_lock", fmt::format("{}; --update-lock writes it", source.error().message), {"--update-lock"}};
  const auto text = read_all(*source, largest_lock, path);
  if (!text) return text.error();
  return parse_lock(*text, path);
}

std::vector<std::string> hold_against(const Lock& lock, const std::string& path, std::vector<ManifestResult>& results) {
  std::size_t smaller = 0, gone = 0;
  std::set<std::string> manifests;
  std::set<std::pair<std::string, std::string>> met;
  for (auto& result : results) {
    const auto name = manifest_name(result.file, path);
    if (result.problems.empty()) manifests.insert(name);
    for (auto& outcome : result.outcomes) {
      if (!outcome.verdict) continue;
      met.emplace(name, outcome.name);
      const auto* locked = lock.find(name, outcome.name);
      if (locked == nullptr) {
        fail_outcome(outcome, "not_locked", fmt::format("is not in {}: --update-lock adds it", path));
        continue;
      }
      const auto change = compare(*locked, lock_row(name, outcome.name, outcome));
      if (change.grew) fail_outcome(outcome, "grew", change.message);
      smaller += change.shrank ? 1 : 0;
    }
  }
  for (const auto& row : lock.rows)
    if (manifests.contains(row.manifest) && !met.contains({row.manifest, row.check})) ++gone;
  std::vector<std::string> notes;
  if (smaller > 0) notes.push_back(fmt::format("{}: {} better than locked; --update-lock keeps that", path, smaller));
  if (gone > 0) notes.push_back(fmt::format("{}: {} locked that no manifest checks any more", path, gone));
  return notes;
}

std::optional<Error> update_lock(const std::string& path, const std::vector<ManifestResult>& results) {
  std::vector<LockRow> rows;
  for_each_locked(results, path, [&](LockRow row) { rows.push_back(std::move(row)); });
  std::error_code code;
  if (fs::exists(path, code)) {
    const auto before = read_lock(path);
    if (!before) return before.error();
    std::set<std::string> replaced;
    for (const auto& result : results) replaced.insert(manifest_name(result.file, path));
    for (const auto& row : before->rows)
      if (!replaced.contains(row.manifest)) rows.push_back(row);
  }
  const auto text = to_json(make_lock(std::move(rows)));
  // Beside it, as only within one file system a file takes another's place at once.
  const auto temporary = path + ".tmp";
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  if (file == nullptr) return not_written(path);
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = std::fclose(file) == 0;
  if (written && closed) fs::rename(temporary, path, code);
  if (written && closed && !code) return std::nullopt;
  auto error = not_written(path);
  fs::remove(temporary, code);
  return error;
}

}  // namespace willitrun::cli
