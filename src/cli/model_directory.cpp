#include "cli/model_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/input_source.hpp"
#include "willitrun/units.hpp"

namespace willitrun::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_config = 16 << 20;
constexpr std::string_view index_name = "model.safetensors.index.json";

std::string within(const std::string& folder, std::string_view name) { return (fs::path(folder) / name).string(); }

Result<std::string> text_of(const std::string& path) {
  const auto source = open_input(path);
  if (!source) return source.error();
  return read_all(*source, largest_config, path);
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// Files of the folder with this ending, sorted.
std::vector<std::string> files_with(const std::string& folder, std::string_view ending) {
  std::vector<std::string> out;
  std::error_code code;
  for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
    auto name = it->path().filename().string();
    if (name.ends_with(ending)) out.push_back(std::move(name));
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// The files that hold the weights: as the index lists them, or one whole file, or all there are. Mistral's second copy
/// (consolidated) and adapters are no part of them.
Result<std::vector<std::string>> weight_files(const std::string& folder) {
  if (const auto index = within(folder, index_name); exists(index)) {
    const auto text = text_of(index);
    if (!text) return text.error();
    auto shards = safetensors_shards(*text, index);
    if (!shards) return shards;
    const auto missing = std::count_if(shards->begin(), shards->end(),
                                       [&](const std::string& name) { return !exists(within(folder, name)); });
    if (missing == 0) return shards;
    const auto first = std::find_if(shards->begin(), shards->end(),
                                    [&](const std::string& name) { return !exists(within(folder, name)); });
    return Error{"bad_file", fmt::format("{}: {} of {} shards {} missing, {} first; the first MiB of each is enough",
                                         folder, missing, shards->size(), missing == 1 ? "is" : "are", *first)};
  }
  auto files = files_with(folder, ".safetensors");
  if (std::find(files.begin(), files.end(), "model.safetensors") != files.end())
    return std::vector<std::string>{"model.safetensors"};
  auto main = files;
  std::erase_if(main,
                [](const auto& name) { return name.starts_with("consolidated") || name.starts_with("adapter_"); });
  if (!main.empty()) return main;
  if (!files.empty() && !files.front().starts_with("adapter_")) return files;
  return Error{"bad_file",
               fmt::format("{}: has config.json but no model*.safetensors; the first MiB of each is enough", folder)};
}

Error no_model(const std::string& folder) {
  const auto gguf = files_with(folder, ".gguf");
  if (gguf.empty())
    return Error{"unreadable", fmt::format("{}: is a directory without config.json; name a .gguf file, a JSON spec or "
                                           "a Hugging Face model directory",
                                           folder)};
  return Error{
      "unreadable",
      fmt::format("{}: is a directory without config.json; did you mean {}?", folder, within(folder, gguf.front())),
      {within(folder, gguf.front())}};
}

}  // namespace

Result<HfModel> read_model_directory(const std::string& path) {
  const auto config_path = within(path, "config.json");
  if (!exists(config_path)) return no_model(path);
  const auto config = text_of(config_path);
  if (!config) return config.error();
  const auto files = weight_files(path);
  if (!files) return files.error();
  std::vector<SafetensorsHeader> shards;
  Bytes here = 0, whole = 0;
  for (const auto& name : *files) {
    const auto file = within(path, name);
    const auto source = open_input(file);
    if (!source) return source.error();
    auto header = read_safetensors(source->read, file);
    if (!header) return header.error();
    here += std::min(header->data_bytes,
                     source->size.value_or(0) - std::min(source->size.value_or(0), header->data_offset));
    whole += header->data_bytes;
    shards.push_back(*std::move(header));
  }
  auto model = model_from_hf(*config, shards, path);
  if (model && here < whole)
    model->notes.push_back({"file_incomplete", fmt::format("{}: holds {} of {} of tensor data; sizes are the headers'",
                                                           path, format_bytes(here), format_bytes(whole))});
  return model;
}

}  // namespace willitrun::cli
