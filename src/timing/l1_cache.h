// SPDX-License-Identifier: Apache-2.0
// The L1 of one SM: tags of 128-byte lines in 32-byte sectors, least recently used lines leave first.
#pragma once

#include <cstdint>
#include <vector>

#include "timing/sm_parameters.h"

namespace doppel::timing {

class L1Cache {
 public:
  static constexpr int kSectorsPerLine = 4;
  static constexpr int kWays = 16;

  explicit L1Cache(std::int64_t bytes);

  // When the sector's data is there for a load that looks it up now: kNever where it misses.
  Cycle find(std::uint64_t sector);
  // The sector arrives at `ready`. Looks up of it before that wait until then.
  void fill(std::uint64_t sector, Cycle ready);
  // A store passes: the sector stays valid where it is present.
  bool contains(std::uint64_t sector) const;

 private:
  struct Line {
    std::uint64_t tag = UINT64_MAX;
    std::uint64_t used = 0;
    Cycle ready[kSectorsPerLine] = {kNever, kNever, kNever, kNever};
  };
  std::uint64_t set_of(std::uint64_t line) const { return (line ^ (line >> 7) ^ (line >> 14)) % sets_; }
  Line* lookup(std::uint64_t line);

  std::uint64_t sets_ = 1;
  std::uint64_t clock_ = 0;
  std::vector<Line> lines_;
};

}  // namespace doppel::timing
