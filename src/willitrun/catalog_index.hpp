// Which names find which entry: for the catalogs embedded at build time and for those read at run time.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace willitrun {

enum class EntryKind : std::uint8_t { model, device, cpu };

struct Spelling {
  std::string key, text;
};

/// One entry as far as names go.
struct IndexItem {
  std::string id, name, product;
  std::string memory;              ///< "12gb"; tells variants of a product apart
  std::vector<Spelling> declared;  ///< the entry claims these; no other may have them
  std::vector<Spelling> derived;   ///< what follows from those; dropped where two would share one
};

/// Claims the entry's id, its name and `others`, empty ones apart. Returns those that cannot be names.
[[nodiscard]] std::vector<std::string> claim_names(IndexItem& item, EntryKind kind,
                                                   std::span<const std::string> others);

/// What else a model is called by: its repository with and without the publisher, and its Ollama tag.
[[nodiscard]] std::vector<std::string> registry_names(const std::string& hf_id, const std::string& ollama);

/// All that a fine-tune is called by.
[[nodiscard]] std::vector<std::string> fine_tune_names(const std::string& name, const std::string& hf_id,
                                                       const std::string& ollama, std::span<const std::string> aliases);

struct IndexRow {
  std::string key;
  std::size_t entry;
  bool names_variant;
};
struct IndexClash {
  std::string key;
  std::size_t entry, other;
};

/// Sorted as lookups need it. A declared name that two entries claim goes to the first and is a clash.
[[nodiscard]] std::vector<IndexRow> index_rows(std::span<const IndexItem> items, std::vector<IndexClash>& clashes);

}  // namespace willitrun
