// SPDX-License-Identifier: Apache-2.0
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {

std::string bus(const Review& review, Figures& figures) {
  std::vector<BarGroup> groups;
  for (const char* test :
       {"copy-h2d-pinned", "copy-d2h-pinned", "copy-h2d-pageable", "copy-d2h-pageable", "host-read"}) {
    if (BarGroup group = bars_of(figures, review, test, Against::Peak); !group.bars.empty())
      groups.push_back(std::move(group));
  }
  if (groups.empty()) return paragraph("No test of the bus was run.");
  return paragraph(
             "Copies between the host and the card, in a host that gives each card the link that it can use. "
             "The upright mark is the link's own rate in one direction. Copies of ordinary memory hang on "
             "the "
             "host as well.") +
         bars_html(groups, Scale::OfAll) + paragraph(band_note(figures, review));
}

}  // namespace doppel::report::review
