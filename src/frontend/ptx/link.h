// SPDX-License-Identifier: Apache-2.0
// Links relocatable modules (nvcc -rdc=true, cuLinkAddData) into one: the rules are those of .visible,
// .extern, .weak and .common (PTX ISA 11.6).
#pragma once

#include <vector>

#include "frontend/ptx/module.h"
#include "support/result.h"

namespace doppel::ptx {

// Declarations meet their definitions by name; of several weak definitions the first is taken, of several
// common ones the largest. Names that are not visible outside their module stay apart, renamed where they
// would collide. Functions that stay undefined are kept as declarations (the runtime's own: vprintf, malloc,
// ...); a variable that stays undefined, or a name defined twice, is an error that names it.
// origins: takes where each function of the result comes from; only of more than one module.
struct FunctionOrigin {
  std::size_t module = 0;  // of `modules`
  FunctionId function = 0;
};
Result<Module> link(std::vector<Module> modules, std::vector<FunctionOrigin>* origins = nullptr);

}  // namespace doppel::ptx
