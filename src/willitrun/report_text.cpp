#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "willitrun/figures.hpp"
#include "willitrun/format_writers.hpp"
#include "willitrun/report.hpp"
#include "willitrun/text_layout.hpp"

namespace willitrun {
namespace {

struct Heading {
  std::string_view word;
  Color color;
};
constexpr std::array headings{
    Heading{"FITS", Color::green}, Heading{"TIGHT", Color::yellow},  Heading{"OFFLOAD", Color::yellow},
    Heading{"CPU", Color::blue},   Heading{"WON'T RUN", Color::red}, Heading{"UNKNOWN", Color::yellow},
};

std::string headline(const Report& r, const TextStyle& style) {
  const auto& heading = headings[static_cast<std::size_t>(r.verdict.code)];
  std::vector<std::string> items;
  std::string subject = r.model.name;
  if (!r.model.quant.empty()) subject += ", " + r.model.quant;
  if (r.context.allocated > 0) subject += fmt::format(", {} tokens", format_grouped(r.context.allocated));
  const auto lead = std::string(heading.word) + "   ";
  auto text = wrapped(lead, {subject, "on", machine_text(r.machine)}, "  ", style);
  return colored(heading.word, heading.color, style) + text.substr(heading.word.size());
}

std::vector<BarPart> bar_parts(const Load& load) {
  return {{load.weights, "█", "#"},
          {load.tables, "▓", "T"},
          {load.kv_cache + load.state, "▒", "="},
          {load.compute, "░", "+"},
          {load.overhead, "░", "-"}};
}

/// One device, or several alike: a bar over its usable memory and the parts below it.
std::string device_text(std::string_view label, const Load& load, std::optional<Bytes> usable, const TextStyle& style,
                        bool each = false) {
  const auto capacity = usable.value_or(load.total());
  const auto figure =
      usable ? fmt::format("{} of {} GiB usable{}", gib_text(load.total()), gib_text(capacity), each ? " each" : "")
             : fmt::format("{} GiB", gib_text(load.total()));
  const auto lead = fmt::format("  {:<6} ", label);
  const auto used = static_cast<unsigned>(lead.size() + 2 + figure.size());
  const auto cells = style.width > used + 10 ? std::min(style.width - used, 48U) : 10U;
  // Without a known capacity there is nothing to draw a share of.
  auto out = usable ? lead + bar(bar_parts(load), capacity, cells, style.unicode) + "  " + figure + "\n"
                    : lead + figure + " needed\n";

  const std::array<Part, 6> parts{Part{"weights", load.weights},   Part{"tables", load.tables},
                                  Part{"KV cache", load.kv_cache}, Part{"state", load.state},
                                  Part{"compute", load.compute},   Part{"runtime", load.overhead}};
  std::vector<std::string> items;
  for (const auto& part : parts)
    if (part.bytes > 0) items.push_back(fmt::format("{} {}", part.name, gib_text(part.bytes)));
  if (usable) {
    if (load.total() <= *usable)
      items.push_back(fmt::format("free {}", gib_text(*usable - load.total())));
    else
      items.push_back(fmt::format("short by {}", gib_text(load.total() - *usable)));
  }
  return out + wrapped("         ", items, "   ", style);
}

std::string devices_text(const Report& r, const TextStyle& style) {
  constexpr std::size_t many = 4;  // beyond, devices that are alike share a bar
  const auto n = r.devices.size();
  std::string out;
  for (std::size_t i = 0, next = 0; i < n; i = next) {
    const auto& device = r.machine.devices[i];
    const auto alike = [&](std::size_t other) {
      return r.devices[other] == r.devices[i] && r.usable[other] == r.usable[i];
    };
    for (next = i + 1; n > many && next < n && alike(next);) ++next;
    const bool unified = device.spec.kind == DeviceKind::unified;
    auto label = unified ? std::string("Memory") : n == 1 ? "VRAM" : device.id;
    if (next - i > 1) label += fmt::format("-{}", next - 1);
    out += device_text(label, r.devices[i], r.usable[i], style, next - i > 1);
  }
  if (r.host.total() > 0 && !r.machine.unified())
    out += device_text("RAM", r.host, r.machine.host.usable_bytes(), style);
  return out;
}

std::string speed_line(const Report& r, const TextStyle& style) {
  const auto& s = r.speed;
  std::vector<std::string> items;
  if (s.decode_tokens_per_s)
    items.push_back(fmt::format("about {} tok/s ({}-{})", speed_text(s.decode_tokens_per_s->mid),
                                speed_text(s.decode_tokens_per_s->low), speed_text(s.decode_tokens_per_s->high)));
  if (s.prefill_tokens_per_s)
    items.push_back(fmt::format("prompt about {} tok/s", speed_text(s.prefill_tokens_per_s->mid)));
  if (s.time_to_first_token_s)
    items.push_back(fmt::format("{} {} s", r.context.allocated > 0 ? "first token" : "a prompt read in",
                                seconds_text(s.time_to_first_token_s->mid)));
  if (s.load_from_disk_s) items.push_back(fmt::format("loaded in {} s", seconds_text(*s.load_from_disk_s)));
  if (s.limited_by) items.push_back(fmt::format("limited by {}", name_of(*s.limited_by)));
  if (s.parallel)
    items.push_back(fmt::format("{} users: about {} tok/s each, {} together", s.parallel->users,
                                speed_text(s.parallel->user_tokens_per_s.mid),
                                speed_text(s.parallel->total_tokens_per_s.mid)));
  return items.empty() ? std::string() : wrapped("  Speed  ", items, "   ", style);
}

std::string room_line(const Report& r, const TextStyle& style) {
  std::vector<std::string> items;
  const auto& c = r.context;
  const auto own = r.model.context_length;
  if (c.max_on_gpu && *c.max_on_gpu > 0)
    items.push_back(*c.max_on_gpu + 256 > own && own > 0
                        ? fmt::format("the model's whole context of {} tokens", format_grouped(own))
                        : fmt::format("up to {} tokens on the GPU", format_grouped(*c.max_on_gpu)));
  else if (c.max && *c.max > 0)
    items.push_back(fmt::format("up to {} tokens in all memory", format_grouped(*c.max)));
  if (r.larger_quant)
    items.push_back(fmt::format("{} fits too ({})", r.larger_quant->quant, format_bytes(r.larger_quant->device_bytes)));
  return items.empty() ? std::string() : wrapped("  Room   ", items, "; ", style);
}

/// Why the verdict is what it is, and what was required beyond that and is not met.
std::string reason_lines(const Report& r, const TextStyle& style) {
  const auto& verdict = r.verdict;
  std::vector<std::string> reasons, unmet;
  // What does not run or is not known needs no other word for it.
  const bool judged = verdict.code != VerdictCode::wont_run && verdict.code != VerdictCode::unknown;
  const auto level = required_level(r);
  if (judged && !meets(verdict.code, level)) unmet.push_back(fmt::format("--require {}", name_of(level)));
  for (const auto& reason : verdict.reasons)
    if (reason.code != "fits") (is_gate(reason) && judged ? unmet : reasons).push_back(reason.message);
  std::string out;
  if (!reasons.empty()) out += wrapped("  why    ", reasons, "; ", style);
  if (!unmet.empty()) out += wrapped("  unmet  ", unmet, "; ", style);
  return out;
}

std::string advice_lines(const Report& r, const TextStyle& style) {
  auto out = reason_lines(r, style);
  std::vector<std::string> changes;
  for (const auto& a : r.alternatives) changes.push_back(fmt::format("{} ({})", a.change, name_of(a.verdict)));
  if (!changes.empty()) out += wrapped("  try    ", changes, ", ", style);
  return out;
}

/// The command of the engine asked for; another's would do something else.
std::string_view command_shown(const Report& r) {
  const auto asked =
      std::find_if(r.request.begin(), r.request.end(), [](const auto& o) { return o.first == "engine"; });
  const auto* engine = asked == r.request.end() ? nullptr : std::get_if<std::string>(&asked->second);
  const auto it = std::find_if(r.commands.begin(), r.commands.end(), [&](const auto& named) {
    return named.first == (engine == nullptr ? "llama.cpp" : *engine);
  });
  return it == r.commands.end() ? std::string_view() : it->second;
}

std::string footer(const Report& r, const TextStyle& style) {
  std::string out;
  std::vector<std::string> assumed;
  for (const auto& a : r.assumptions) assumed.push_back(a.message);
  if (!assumed.empty()) out += wrapped("  assumed  ", assumed, ", ", style);
  for (const auto& note : r.speed.notes) out += wrapped("  note     ", {note}, " ", style);
  for (const auto& warning : r.warnings) out += wrapped("  warning  ", {warning.message}, " ", style);
  // A command is to be copied: never wrapped.
  if (const auto command = command_shown(r); !command.empty()) out += fmt::format("  run      {}\n", command);
  return out;
}

std::string explanation(const Report& r, const TextStyle& style) {
  std::string out;
  for (const auto& b : r.breakdowns) {
    out += "\n  " + colored(b.title, Color::bold, style) + "\n";
    for (const auto& part : b.parts) {
      out +=
          fmt::format("    {:<36}{:>22} B  {:>10}\n", part.name, format_grouped(part.bytes), format_bytes(part.bytes));
      if (!part.basis.empty()) out += colored("      " + part.basis, Color::dim, style) + "\n";
    }
    out += fmt::format("    {:<36}{:>22} B  {:>10}\n", "= total", format_grouped(b.total), format_bytes(b.total));
  }
  return out;
}

}  // namespace

std::string to_text(const Report& report, const TextStyle& style) {
  std::string out = headline(report, style) + advice_lines(report, style) + "\n";
  out += devices_text(report, style);
  out += speed_line(report, style);
  out += room_line(report, style);
  const auto end = footer(report, style);
  if (!end.empty()) out += "\n" + end;
  if (style.explain) out += explanation(report, style);
  return out;
}

}  // namespace willitrun
