// SPDX-License-Identifier: Apache-2.0
#include "timing/l1_cache.h"

#include <algorithm>

namespace doppel::timing {

L1Cache::L1Cache(std::int64_t bytes) {
  sets_ = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(bytes) / (128 * kWays));
  lines_.resize(sets_ * kWays);
}

L1Cache::Line* L1Cache::lookup(std::uint64_t line) {
  Line* const set = &lines_[set_of(line) * kWays];
  for (int way = 0; way < kWays; ++way) {
    if (set[way].tag == line) return &set[way];
  }
  return nullptr;
}

Cycle L1Cache::find(std::uint64_t sector) {
  Line* const line = lookup(sector / kSectorsPerLine);
  if (line == nullptr) return kNever;
  line->used = ++clock_;
  return line->ready[sector % kSectorsPerLine];
}

void L1Cache::fill(std::uint64_t sector, Cycle ready) {
  const std::uint64_t tag = sector / kSectorsPerLine;
  Line* line = lookup(tag);
  if (line == nullptr) {
    Line* const set = &lines_[set_of(tag) * kWays];
    line = std::min_element(set, set + kWays, [](const Line& a, const Line& b) { return a.used < b.used; });
    *line = Line{};
    line->tag = tag;
  }
  line->used = ++clock_;
  line->ready[sector % kSectorsPerLine] = ready;
}

bool L1Cache::contains(std::uint64_t sector) const {
  const std::uint64_t tag = sector / kSectorsPerLine;
  const Line* const set = &lines_[set_of(tag) * kWays];
  for (int way = 0; way < kWays; ++way) {
    if (set[way].tag == tag) return set[way].ready[sector % kSectorsPerLine] != kNever;
  }
  return false;
}

}  // namespace doppel::timing
