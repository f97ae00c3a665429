// SPDX-License-Identifier: Apache-2.0
// What the review's page adds to the style of reports.
#pragma once

namespace doppel::report::review {

inline constexpr const char* kReviewStyle = R"css(
body { max-width: 66rem; counter-reset: part; overflow-wrap: break-word; }
header { border-bottom: 2px solid var(--line); padding-bottom: .8rem; }
h1 { font-size: 1.7rem; line-height: 1.2; }
h2 { counter-increment: part; font-size: 1.35rem; margin: 3rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
h2::before { content: counter(part) ". "; color: var(--soft); }
h3 { font-size: 1.1rem; margin: 1.8rem 0 .4rem; } h4 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .6rem 0; }
nav a { color: inherit; }
p { margin: .5rem 0; max-width: 50rem; } ul { padding-left: 1.2rem; max-width: 50rem; } li { margin: .25rem 0; }
cite { font-style: normal; color: var(--soft); font-size: .85rem; white-space: normal; }
caption .name { display: inline; }
data { font-variant-numeric: tabular-nums; }
data[title] { text-decoration: none; cursor: help; }
data.setting { color: var(--soft); }
td data.setting, th data.setting { font-size: .95em; font-weight: 400; }
td.number data { white-space: nowrap; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; padding: 0; list-style: none; color: var(--soft); font-size: .87rem; }
.key i { display: inline-block; width: .9rem; height: .7rem; border-radius: 2px; margin-right: .4rem; print-color-adjust: exact; }
.chart { margin: .8rem 0; display: grid; gap: .8rem; }
.set { break-inside: avoid; } .set p { margin: 0; max-width: none; }
.what { font-size: .93rem; } .note { color: var(--soft); font-size: .87rem; }
.chart .bar { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: .8rem; align-items: center; }
.chart .bar svg { display: block; width: 100%; height: 1.1rem; }
.chart .bar span { font-size: .93rem; }
svg .c0 { fill: var(--c0); } svg .c1 { fill: var(--c1); } svg rect { print-color-adjust: exact; }
.c0 { background: var(--c0); } .c1 { background: var(--c1); }
svg path { fill: none; stroke: var(--ink); stroke-width: 1.5px; vector-effect: non-scaling-stroke; }
svg .limit { stroke: var(--c2); stroke-width: 3px; }
.choices { display: grid; align-items: start; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem; margin: 1rem 0; }
.choice { background: var(--box); border-top: .3rem solid var(--line); padding: .4rem 1rem .8rem; border-radius: 3px; }
.choice.k0 { border-color: var(--c0); } .choice.k1 { border-color: var(--c1); }
.choice h4 { margin: .4rem 0; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .6rem; color: var(--soft); font-size: .87rem; }
@media screen and (max-width: 40rem) { section .scroll { font-size: .77rem; } section .scroll th, section .scroll td { padding: .2rem .15rem; }
  section .scroll table .number { white-space: normal; } section .scroll tbody th[scope=row] { min-width: 4rem; }
  .across table { font-size: .9em; } .brief data.setting { display: none; } .chart .bar { grid-template-columns: minmax(0, 1fr); gap: .1rem; } h1 { font-size: 1.4rem; } }
@media print { p:has(+ .chart) { break-after: avoid; } .across { page: auto; } .scroll table { font-size: 8.5pt; } .across table { font-size: 7.5pt; } nav { display: none; } h2 { break-before: auto; } h2, h3, h4 { break-after: avoid; }
  .choices { grid-template-columns: minmax(0, 1fr); } }
)css";

}  // namespace doppel::report::review
