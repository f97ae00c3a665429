// SPDX-License-Identifier: Apache-2.0
// The tensor cores by type: what the card's file says, and what the suite's kernels reach.
#include <fmt/format.h>

#include <algorithm>

#include "card/peaks.h"
#include "report/html_text.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {
namespace {

const card::TensorPeak* find_peak(const card::Peaks& peaks, const std::string& type) {
  const auto found = std::ranges::find(peaks.tensor, type, &card::TensorPeak::type);
  return found == peaks.tensor.end() ? nullptr : &*found;
}

// Types of either card, in the order of their lists.
std::vector<std::string> types_of(const Review& review) {
  std::vector<std::string> out;
  for (const CardRun& run : review.cards) {
    for (const card::TensorPeak& peak : card::peaks(run.card).tensor) {
      if (std::ranges::find(out, peak.type) == out.end()) out.push_back(peak.type);
    }
  }
  return out;
}

// "fp4, block scaled (mxfp4, nvfp4)" as a part of an id.
std::string id_of(const std::string& type) {
  std::string out;
  for (const char c : type) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (word) out += c;
    if (!word && !out.empty() && out.back() != '-') out += '-';
  }
  while (out.ends_with('-')) out.pop_back();
  return out;
}

std::string peak_table(const Review& review, Figures& figures) {
  HtmlTable table{
      .caption =
          "Peaks by type, dense and with structured sparsity (half of the terms are not there), at "
          "the advertised boost clock; TFLOPS, of integers TOPS. None: no unit of that type; a program that "
          "asks "
          "for it may run all the same, on others",
      .columns = {"Type"},
      .rows = {}};
  for (const CardRun& run : review.cards) {
    table.columns.push_back(figures.name(run.name) + " dense");
    table.columns.emplace_back("sparse");
  }
  for (const std::string& type : types_of(review)) {
    std::vector<std::string> row = {escaped(type)};
    for (const CardRun& run : review.cards) {
      const card::Peaks peaks = card::peaks(run.card);
      const card::TensorPeak* peak = find_peak(peaks, type);
      const auto cell = [&](const char* kind, double value) {
        return value <= 0 ? "-"
                          : derived(figures, run.card,
                                    {fmt::format("tensor.{}.{}", id_of(type), kind),
                                     value,
                                     peak->unit,
                                     "operations an SM and cycle of boost, twice as many where sparse",
                                     {"sm_count", "clocks.boost_mhz"}});
      };
      row.push_back(peak == nullptr ? "none" : cell("dense", peak->dense));
      row.push_back(peak == nullptr ? "" : cell("sparse", peak->sparse));
    }
    table.rows.push_back(std::move(row));
  }
  return table_html(table);
}

// Dense and sparse of one type together.
BarGroup type_bars(Figures& figures, const Review& review, const std::string& type) {
  BarGroup group = bars_of(figures, review, "tensor-" + type, Against::Peak);
  const BarGroup sparse = bars_of(figures, review, "tensor-sparse-" + type, Against::Peak);
  for (Bar bar : sparse.bars) {
    bar.label += ", sparse";
    const auto behind =
        std::ranges::find_if(group.bars, [&](const Bar& other) { return other.card > bar.card; });
    group.bars.insert(behind, std::move(bar));
  }
  return group;
}

}  // namespace

std::string tensor_cores(const Review& review, Figures& figures) {
  constexpr std::string_view kDense = "tensor-", kSparse = "tensor-sparse-";
  std::vector<BarGroup> groups;
  std::vector<std::string> seen;
  for (const CardRun& run : review.cards) {
    for (const Measure& measure : run.measures) {
      if (!measure.test.starts_with(kDense) || measure.test.starts_with(kSparse)) continue;
      const std::string type = measure.test.substr(kDense.size());
      // Products of doubles run on the FP64 units, far below these: they stand with the CUDA cores.
      if (type == "f64" || std::ranges::find(seen, type) != seen.end()) continue;
      seen.push_back(type);
      if (BarGroup group = type_bars(figures, review, type); !group.bars.empty())
        groups.push_back(std::move(group));
    }
  }
  std::string out = peak_table(review, figures);
  if (groups.empty()) return out + paragraph("No test of these units was run.");
  return out +
         paragraph(
             "The same at work: chains of matrix operations in every warp of every SM, at the clock that the "
             "card sustains under them. The upright mark is the advertised peak; of sparse operations the "
             "terms "
             "that are not there count as well, as they do in it.") +
         bars_html(groups, Scale::OfAll) + paragraph(band_note(figures, review));
}

}  // namespace doppel::report::review
