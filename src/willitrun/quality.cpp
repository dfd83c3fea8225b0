#include "willitrun/quality.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace willitrun {
namespace {

struct Perplexity {
  std::string_view quant;
  double value;
};

// The unquantised one first. f32 and bf16 differ from it by less than the table's last digits (its BF16 section).
constexpr std::array measured{
    Perplexity{"f16", 6.233160},      Perplexity{"f32", 6.233160},    Perplexity{"bf16", 6.233160},
    Perplexity{"q8_0", 6.234284},     Perplexity{"q6_k", 6.253382},   Perplexity{"q5_k_m", 6.288607},
    Perplexity{"q5_k_s", 6.336598},   Perplexity{"q5_1", 6.337857},   Perplexity{"q5_0", 6.363224},
    Perplexity{"q4_k_m", 6.382937},   Perplexity{"q4_k_s", 6.409697}, Perplexity{"iq4_nl", 6.455593},
    Perplexity{"iq4_xs", 6.459705},   Perplexity{"q4_1", 6.682737},   Perplexity{"q4_0", 6.700147},
    Perplexity{"q3_k_l", 6.671223},   Perplexity{"q3_k_m", 6.734255}, Perplexity{"iq3_m", 6.898327},
    Perplexity{"iq3_s", 6.965501},    Perplexity{"iq3_xs", 7.163043}, Perplexity{"iq3_xxs", 7.458436},
    Perplexity{"q3_k_s", 7.602878},   Perplexity{"iq2_m", 8.600799},  Perplexity{"q2_k", 8.647825},
    Perplexity{"q2_k_s", 9.323778},   Perplexity{"iq2_s", 9.650781},  Perplexity{"iq2_xs", 10.761424},
    Perplexity{"iq2_xxs", 14.091782}, Perplexity{"iq1_m", 25.493722}, Perplexity{"iq1_s", 60.694593},
};

constexpr double loss_exponent = 0.076;
constexpr double halving_months = 16;
constexpr double oldest_months = 2018 * 12;

}  // namespace

std::optional<double> kept_share(std::string_view quant_id) {
  const auto* it =
      std::find_if(measured.begin(), measured.end(), [&](const Perplexity& p) { return p.quant == quant_id; });
  if (it == measured.end()) return std::nullopt;
  const double share = std::pow(std::log(measured[0].value) / std::log(it->value), 1 / loss_exponent);
  // Below a percent the steps would be all there is.
  return share < 0.01 ? share : std::round(100 * share) / 100;
}

std::optional<double> months_of(std::string_view date) {
  std::array<unsigned, 3> parts{0, 1, 1};
  const char* at = date.data();
  const char* end = date.data() + date.size();
  for (auto& part : parts) {
    const auto [rest, error] = std::from_chars(at, end, part);
    if (error != std::errc()) return std::nullopt;
    at = rest;
    if (at == end) break;
    ++at;
  }
  return parts[0] * 12.0 + (parts[1] - 1.0) + (parts[2] - 1.0) / 31.0;
}

double effective_parameters(const ModelEntry& entry) {
  const auto total = static_cast<double>(entry.parameters);
  const auto active = entry.active_parameters == 0 ? total : static_cast<double>(entry.active_parameters);
  static const double now = months_of(catalog_version()).value_or(oldest_months);
  const double age = now - months_of(entry.released).value_or(oldest_months);
  return std::sqrt(total * active) * std::exp2(-age / halving_months);
}

}  // namespace willitrun
