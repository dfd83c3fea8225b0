// Options by their JSON keys, as batch requests and manifests name them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.hpp"
#include "willitrun/report.hpp"

namespace willitrun::cli {

/// "min-tps" -> "min_tps".
[[nodiscard]] std::string key_of(std::string_view option_name);

/// Keys of the groups' options. `kv_offload` stands beside `no_kv_offload`, and `measured` is of the model's group.
[[nodiscard]] std::vector<std::string> option_keys(std::span<const Group> groups);

/// Sets the option of a known key; an empty value is one of a kind that no option takes.
[[nodiscard]] std::optional<Error> set_option(std::string_view key, const std::optional<OptionValue>& value,
                                              Options& options);
/// Back to "not given".
void clear_option(std::string_view key, Options& options);

/// The key of the option an error is about, by what its message or code names; empty when it is about none.
[[nodiscard]] std::string key_at_fault(const Error& error);

}  // namespace willitrun::cli
