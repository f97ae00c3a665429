// SPDX-License-Identifier: Apache-2.0
// The style of the HTML form: light and dark by what the reader's system asks, wide tables that scroll in
// their own box, and pages to print, on which tables of many columns lie across.
#pragma once

namespace doppel::report {

inline constexpr const char* kHtmlStyle = R"css(
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1f23; --soft: #5a626b; --line: #d8dde2; --box: #f3f5f7;
        --c0: #3f73a8; --c1: #5b8f00; --c2: #b8561e; --c3: #7a5ea8; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181b; --ink: #e6e8ea; --soft: #a2abb4; --line: #363c43; --box: #1f2429;
          --c0: #6ba3dc; --c1: #86c232; --c2: #e08a52; --c3: #ab90da; }
}
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 80rem; padding: 1rem;
       background: var(--paper); color: var(--ink); overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: .5rem 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.origin, caption, .why { color: var(--soft); font-size: .87rem; }
.verdict { background: var(--box); border-left: .3rem solid var(--c1); padding: .6rem 1rem; margin: 1rem 0; }
.verdict.withheld { border-color: var(--c2); }
.verdict p { margin: .2rem 0; white-space: pre-line; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; min-width: 100%; }
caption { text-align: left; padding: .3rem 0; } caption span { display: block; max-width: calc(100vw - 2rem); }
th, td { text-align: left; padding: .25rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top;
         overflow-wrap: normal; }
th { font-weight: 600; } tbody th[scope=row] { font-weight: 400; min-width: 11rem; overflow-wrap: anywhere; }
.number { text-align: right; white-space: nowrap; }
thead .number { white-space: normal; }
.across table { font-size: .9em; } .across th, .across td { padding: .25rem .4rem; }
.group th { padding-top: 1rem; border-bottom-width: 2px; }
[title] { text-decoration: underline dotted var(--soft); text-underline-offset: .2em; cursor: help; }
.bars { display: grid; grid-template-columns: minmax(0, 1fr); gap: .15rem; }
.bars .name { margin: .7rem 0 0; font-weight: 600; }
.bar { display: grid; grid-template-columns: minmax(0, 1fr) 16.5rem; align-items: center; gap: .6rem; }
.bar i { display: block; height: .85rem; min-width: 2px; border-radius: 2px; print-color-adjust: exact; }
.why { margin: 0 0 .2rem; }
.c0 { background: var(--c0); } .c1 { background: var(--c1); } .c2 { background: var(--c2); } .c3 { background: var(--c3); }
details { margin: .5rem 0; } summary { cursor: pointer; }
@media (max-width: 40rem) { body { font-size: 14px; padding: .6rem; } th, td { padding: .2rem .45rem; }
  .bar { grid-template-columns: minmax(0, 1fr); gap: 0; } tbody th[scope=row] { min-width: 8.5rem; } }
@page { size: A4; margin: 14mm; }
@page across { size: A4 landscape; margin: 10mm; }
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --box: #fff;
          --c0: #3f73a8; --c1: #5b8f00; --c2: #b8561e; --c3: #7a5ea8; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .scroll { overflow: visible; } tr, .kernel { break-inside: avoid; } thead { display: table-header-group; }
  h2, caption { break-after: avoid; } .across { page: across; font-size: 7.5pt; } .across th, .across td { padding: 1pt 3pt; }
  .across tbody th[scope=row] { min-width: 0; } [title] { text-decoration: none; }
}
)css";

}  // namespace doppel::report
