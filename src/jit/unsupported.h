// SPDX-License-Identifier: Apache-2.0
// Thrown inside code generation for a PTX form that has no lowering; never leaves the part.
#pragma once

#include <string>

namespace doppel::jit {

struct Unsupported {
  std::string message;  // names function, line and form
};

}  // namespace doppel::jit
