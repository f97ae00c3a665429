// SPDX-License-Identifier: Apache-2.0
// The words of PTX for its opcodes.
#include "frontend/ptx/instruction.h"

namespace doppel::ptx {

std::string_view name_of(Opcode opcode) {
  static constexpr std::string_view kNames[] = {
#define OPCODE(name, word) word,
#define REFUSED(word)
#include "frontend/ptx/opcodes.def"
#undef OPCODE
#undef REFUSED
  };
  return kNames[static_cast<std::size_t>(opcode)];
}

}  // namespace doppel::ptx
