// SPDX-License-Identifier: Apache-2.0
// Bodies of functions that a front end reads when they are asked for.
#pragma once

#include "ir/module.h"

namespace doppel::ir {

class BodySource {
 public:
  virtual ~BodySource() = default;
  // Fills in what stands in the body of a function that the module has without it: its registers, variables,
  // prototypes, operations, blocks and forms. At most once for each.
  virtual void read(FunctionId id, Function& into) = 0;
};

}  // namespace doppel::ir
