// SPDX-License-Identifier: Apache-2.0
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {

std::string cuda_cores(const Review& review, Figures& figures) {
  std::vector<BarGroup> groups;
  for (const char* test : {"fma-fp32", "fma-fp16", "fma-fp64", "tensor-f64", "fma-int32"}) {
    if (BarGroup group = bars_of(figures, review, test, Against::Peak); !group.bars.empty())
      groups.push_back(std::move(group));
  }
  if (groups.empty()) return paragraph("None of the tests of these units was run.");
  return paragraph(
             "Chains of multiply-adds in every thread of every SM. The upright mark is the peak at the "
             "advertised boost clock; the card runs them at the clock that it sustains.") +
         bars_html(groups, Scale::OfEach) + paragraph(band_note(figures, review));
}

}  // namespace doppel::report::review
