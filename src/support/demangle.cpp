// SPDX-License-Identifier: Apache-2.0
#include "support/demangle.h"

#include <cxxabi.h>

#include <cstdlib>

namespace doppel {

std::string demangled(const std::string& name) {
  // Without this prefix a name such as "i" would be taken for a type, "int".
  if (!name.starts_with("_Z")) return name;
  int status = 0;
  char* text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  std::string out = status == 0 && text != nullptr ? text : name;
  std::free(text);
  return out;
}

}  // namespace doppel
