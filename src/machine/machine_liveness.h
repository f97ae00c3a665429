// SPDX-License-Identifier: Apache-2.0
// Which values of a lowered function are live where its basic blocks begin and end.
#pragma once

#include <vector>

#include "machine/machine_operation.h"

namespace doppel::machine {

class MachineLiveness {
 public:
  static MachineLiveness build(const ControlFlowGraph& graph, const MachineFunction& machine);
  // In ascending order.
  const std::vector<ValueId>& at_begin(BlockId block) const { return at_begin_[block]; }
  const std::vector<ValueId>& at_end(BlockId block) const { return at_end_[block]; }

 private:
  std::vector<std::vector<ValueId>> at_begin_, at_end_;
};

}  // namespace doppel::machine
