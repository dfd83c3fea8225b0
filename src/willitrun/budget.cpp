#include "willitrun/budget.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace willitrun {
namespace {

std::string list_shares(std::string_view place, Bytes total, std::optional<Bytes> usable,
                        const std::vector<std::pair<std::string_view, Bytes>>& parts) {
  std::string out = fmt::format("{} {}", place, format_bytes(total));
  if (usable) out += fmt::format(" of {} usable", format_bytes(*usable));
  for (std::size_t i = 0; i < parts.size(); ++i)
    out += fmt::format("{}{} {}", i == 0 ? " (" : ", ", parts[i].first, format_bytes(parts[i].second));
  return parts.empty() ? out : out + ")";
}

/// Of a shared pool, the whole where more lies on it than the GPU may have.
Bytes usable_for(const Device& device, Bytes total) {
  return total > device.usable_bytes() ? device.usable_pool() : device.usable_bytes();
}

/// Met before missed, missed before not known.
int rank(OutcomeStatus status) {
  constexpr std::array ranks{0, 1, 1, 2, 3};  // by OutcomeStatus
  return ranks[static_cast<std::size_t>(status)];
}

}  // namespace

Budget::Budget(const Machine& machine) : whole_(machine), left_(machine) {}

void Budget::add(std::string name, const Report& report) {
  Share share{std::move(name), {}, report.host.total(), outcome_of(report)};
  for (std::size_t i = 0; i < report.devices.size(); ++i) {
    const auto total = report.devices[i].total();
    share.devices.push_back(total);
    for (auto* left : {&left_.devices[i].visible_bytes, &left_.devices[i].pool_bytes}) *left -= std::min(*left, total);
  }
  if (auto& memory = left_.host.memory_bytes) *memory -= std::min(*memory, share.host);
  shares_.push_back(std::move(share));
}

Bytes Budget::total_of(std::size_t index) const {
  Bytes total = 0;
  for (const auto& share : shares_) total += index < share.devices.size() ? share.devices[index] : 0;
  return total;
}

std::string Budget::shares_of_device(std::size_t index) const {
  const auto total = total_of(index);
  std::vector<std::pair<std::string_view, Bytes>> parts;
  for (const auto& share : shares_) {
    const auto bytes = index < share.devices.size() ? share.devices[index] : 0;
    if (bytes > 0) parts.emplace_back(share.name, bytes);
  }
  return list_shares(whole_.devices[index].id, total, usable_for(whole_.devices[index], total), parts);
}

std::string Budget::shares_of_host() const {
  Bytes total = 0;
  std::vector<std::pair<std::string_view, Bytes>> parts;
  for (const auto& share : shares_) {
    total += share.host;
    if (share.host > 0) parts.emplace_back(share.name, share.host);
  }
  return total == 0 ? std::string() : list_shares("host", total, whole_.host.usable_bytes(), parts);
}

Outcome Budget::outcome() const {
  Outcome out;
  out.status = OutcomeStatus::passed;
  out.code = "budget";
  out.verdict = VerdictCode::fits;
  for (const auto& share : shares_) {
    const auto& own = share.outcome;
    if (rank(own.status) > rank(out.status)) {
      out.status = own.status;
      out.code = own.code;
      out.message = fmt::format("{}: {}; ", share.name, own.message);
    }
    out.verdict = std::max(*out.verdict, own.verdict.value_or(VerdictCode::unknown));
    out.model += (out.model.empty() ? "" : " + ") + share.name;
    out.parameters += own.parameters;
    out.weights_bytes += own.weights_bytes;
    out.kv_cache_bytes += own.kv_cache_bytes;
    out.total_bytes += own.total_bytes;
    out.gpu_bytes += own.gpu_bytes;
  }
  for (std::size_t i = 0; i < whole_.devices.size(); ++i) {
    out.gpu_usable_bytes += usable_for(whole_.devices[i], total_of(i));
    out.message += (i == 0 ? "" : "; ") + shares_of_device(i);
  }
  if (const auto host = shares_of_host(); !host.empty()) out.message += (whole_.devices.empty() ? "" : "; ") + host;
  return out;
}

}  // namespace willitrun
