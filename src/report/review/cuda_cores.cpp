// SPDX-License-Identifier: Apache-2.0
#include "card/peaks.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {

std::string cuda_cores(const Review& review, Figures& figures) {
  std::vector<BarGroup> groups;
  const auto add = [&](const char* test, const Limit& peak) {
    if (BarGroup group = bars_of(figures, review, test, peak); !group.bars.empty())
      groups.push_back(std::move(group));
  };
  constexpr double kGiga = 1e3;  // of a tera
  add("fma-fp32", [](const card::Card& c) { return kGiga * card::peaks(c).fp32_tflops; });
  add("fma-fp16", [](const card::Card& c) { return kGiga * card::peaks(c).fp16_tflops; });
  add("fma-fp64", [](const card::Card& c) { return kGiga * card::peaks(c).fp64_tflops; });
  // A multiply-add counts as two.
  add("fma-int32", [](const card::Card& c) {
    return 2 * c.pipes.int32_multiply.per_cycle * c.sm_count * c.clocks.boost_mhz / kGiga;
  });
  if (groups.empty()) return paragraph("None of the tests of these units was run.");
  return paragraph(
             "Chains of multiply-adds in every thread of every SM. The upright mark is the peak at the "
             "advertised boost clock; the card runs them at the clock that it sustains.") +
         bars_html(groups, Scale::OfEach) + paragraph(band_note(figures, review));
}

}  // namespace doppel::report::review
