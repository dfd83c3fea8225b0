// The style of the HTML report. Text has a contrast of 4.5 or more on its ground in both schemes (WCAG 2.2, 1.4.3); no
// meaning rests on colour alone.
#pragma once

#include <string_view>

namespace willitrun {

inline constexpr std::string_view html_style = R"~(
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1f24; --dim: #57606a; --line: #d0d7de; --soft: #f4f6f8;
  --good: #0b6b2e; --fair: #7a4f00; --bad: #a5161d; --info: #1f4e9c; --bar: #57606a; --mark: #1f4e9c; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171b; --ink: #e8eaed; --dim: #a3abb5; --line: #3a424c; --soft: #1e2329;
    --good: #5fd38a; --fair: #e8b04a; --bad: #ff8a85; --info: #8ab4f8; --bar: #a3abb5; --mark: #8ab4f8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 90rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.45 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.summary { font-weight: 600; margin: 0; }
.dim, small, footer { color: var(--dim); }
small { font-size: .8rem; display: block; white-space: nowrap; }
th small { font-weight: 400; white-space: normal; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--dim); padding: .4rem .6rem; font-size: .85rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-top: 1px solid var(--line); }
thead th { background: var(--soft); border-top: 0; overflow-wrap: break-word; min-width: 5rem; max-width: 16rem; }
.matrix tbody th { position: sticky; left: 0; background: var(--soft); font-weight: 600; min-width: 8rem;
  max-width: 14rem; overflow-wrap: anywhere; }
.matrix td { min-width: 9rem; }
.why td { overflow-wrap: anywhere; min-width: 6rem; }
.num { text-align: right; }
.verdict { font-weight: 600; white-space: nowrap; }
.fits { color: var(--good); } .tight, .offload, .unknown, .waived { color: var(--fair); }
.cpu { color: var(--info); } .wont_run, .failed, .error { color: var(--bad); } .passed { color: var(--good); }
.tag { border: 1px solid currentColor; border-radius: 3px; padding: 0 .3em; font-size: .8rem; font-weight: 600; }
.bar { display: block; height: .55rem; margin: .25rem 0; border: 1px solid var(--bar); border-radius: 2px;
  overflow: hidden; max-width: 11rem; }
.bar i { display: block; height: 100%; background: var(--bar); }
.bar .over { background: repeating-linear-gradient(45deg, var(--bad) 0 4px, var(--ground) 4px 7px); }
.cell { display: inline-block; vertical-align: top; min-width: 8rem; margin: 0 1.2rem .4rem 0; }
figure { margin: 0 0 1.5rem; } figcaption { font-weight: 600; margin-bottom: .3rem; overflow-wrap: anywhere; }
.panels { display: flex; flex-wrap: wrap; gap: 1rem; }
.panels svg { flex: 1 1 20rem; max-width: 34rem; min-width: 0; height: auto; border: 1px solid var(--line);
  border-radius: 6px; }
svg text { fill: var(--ink); font: 11px system-ui, sans-serif; } svg .axis { stroke: var(--line); }
svg .path { fill: none; stroke: var(--mark); stroke-width: 2; } svg .band { fill: var(--mark); opacity: .22; }
svg .limit { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 6 4; }
svg .dot { fill: var(--mark); } svg .hollow { fill: var(--ground); stroke: var(--mark); stroke-width: 2; }
details { margin-top: .4rem; } summary { cursor: pointer; }
footer { margin-top: 2rem; font-size: .85rem; overflow-wrap: anywhere; }
@media print { :root { --ground: #fff; --ink: #000; --dim: #444; --line: #999; --soft: #eee; --good: #0b6b2e;
    --fair: #7a4f00; --bad: #a5161d; --info: #1f4e9c; --bar: #444; --mark: #1f4e9c; }
  body { max-width: none; padding: 0; font-size: 9pt; } .wide { overflow: visible; border: 0; }
  .matrix tbody th { position: static; } .bar i { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  tr, figure { break-inside: avoid; } thead { display: table-header-group; } }
)~";

}  // namespace willitrun
