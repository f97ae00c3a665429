// SPDX-License-Identifier: Apache-2.0
// C++ names as people write them.
#pragma once

#include <string>

namespace doppel {

// "step(float*, int)" for "_Z4stepPfi"; a name that is not mangled comes back as it is.
std::string demangled(const std::string& name);

}  // namespace doppel
