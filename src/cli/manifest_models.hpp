// The models of a manifest: named ones found beside it, each read once per quant and engine.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "cli/model_input.hpp"
#include "cli/request.hpp"
#include "willitrun/manifest.hpp"

namespace willitrun::cli {

/// One model of a manifest at the quants asked for. Made for one model at a time, so that memory holds few at once.
class ManifestModelLoader {
 public:
  /// `folder` is the manifest's; paths start there.
  ManifestModelLoader(const ManifestModel& model, std::string folder);

  using Loaded = Result<std::shared_ptr<const LoadedModel>>;

  /// `wished` is a quant for models in general, which one whose types are fixed by a file need not heed; `asked` is for
  /// this model and must be heeded. `engine` has a quant of its own where neither names one.
  const Loaded& load(const Options::Text& wished, const Options::Text& asked, const Options::Text& engine);

 private:
  [[nodiscard]] Result<LoadedModel> read(const QuantWish& wish) const;
  [[nodiscard]] std::string path() const;
  const Loaded& at(const QuantWish& wish);

  const ManifestModel& model_;
  std::string folder_;
  bool in_file_;
  std::map<std::string, Loaded> loaded_;  // by quant and engine
};

}  // namespace willitrun::cli
