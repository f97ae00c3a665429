// SPDX-License-Identifier: Apache-2.0
#include "analysis/loop_values.h"

#include "analysis/warp_progress.h"

namespace doppel::analysis {

using ir::Operation;
using ir::RegisterId;

bool reads_any(const Operation& operation, const Registers& set) {
  bool any = false;
  for_each_use(operation, [&](RegisterId reg) { any = any || set[reg]; });
  return any;
}

void LoopValues::close_over_uses(Registers& set) const {
  for (bool changed = true; changed;) {
    changed = false;
    for_each_operation([&](const Operation& each, std::uint32_t) {
      if (!reads_any(each, set)) return;
      for_each_definition(each, [&](RegisterId reg) {
        changed = changed || !set[reg];
        set[reg] = true;
      });
    });
  }
}

Registers LoopValues::grown() const {
  Registers defined = none();
  for_each_operation([&](const Operation& each, std::uint32_t) {
    for_each_definition(each, [&](RegisterId reg) { defined[reg] = true; });
  });
  Registers result = none();
  for (RegisterId reg = 0; reg < defined.size(); ++reg) {
    if (!defined[reg] || result[reg] || !liveness_.live_in(loop_.header, reg)) continue;
    Registers reached = none();
    for_each_operation([&](const Operation& each, std::uint32_t) {
      bool uses = false, defines = false;
      for_each_use(each, [&](RegisterId used) { uses = uses || used == reg; });
      for_each_definition(each, [&](RegisterId made) { defines = defines || made == reg; });
      // Where the guard is false, the old value stays.
      if (uses || (defines && each.guard))
        for_each_definition(each, [&](RegisterId made) { reached[made] = true; });
    });
    close_over_uses(reached);
    if (!reached[reg]) continue;
    for (RegisterId each = 0; each < result.size(); ++each) result[each] = result[each] || reached[each];
  }
  return result;
}

bool LoopValues::rounds_are_alike(const Registers& grown) const {
  bool alike = true;
  for_each_operation([&](const Operation& each, std::uint32_t) {
    if (each.op == ir::Op::Nanosleep && !each.guard) return;
    const bool computes = each.accesses.empty() && !ir::ends_block(each) && !waits_for_lanes(each);
    if (!computes && reads_any(each, grown)) alike = false;
  });
  for (const BlockId exit : loop_.exits) {
    for (RegisterId reg = 0; reg < grown.size(); ++reg)
      alike = alike && !(grown[reg] && liveness_.live_in(exit, reg));
  }
  return alike;
}

}  // namespace doppel::analysis
