// SPDX-License-Identifier: Apache-2.0
// What a program hands to cuModuleLoadData and its like, reduced to the PTX texts that make the module.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "support/result.h"

namespace doppel::driver {

// The PTX texts of one module. More than one: relocatable code, to be linked (ptx/link.h).
struct ModuleSource {
  std::vector<std::string> ptx;
  unsigned max_registers = 0;  // asked of the linker (CU_JIT_MAX_REGISTERS); 0: not
};

// `image` is one of: PTX text ending in NUL, a fatbin, the wrapper that nvcc puts around fatbins, an ELF
// cubin (refused: machine code), or what cuLinkComplete answered. Its size is not part of the interface, so
// sizes come from the headers; compute_capability (86, 120) chooses among a fatbin's entries.
Result<ModuleSource> read_image(const void* image, int compute_capability);

// The same where the caller knows the size (a file, cuLinkAddData); it may then also be a host object or an
// archive of them, as nvcc -dc and -lib write. No texts at all: the device runtime, of which nothing is
// needed.
Result<ModuleSource> read_image(std::span<const std::byte> image, int compute_capability);

// What cuLinkComplete hands out: the texts in one image that read_image takes back.
std::string pack_linked(const ModuleSource& source);

}  // namespace doppel::driver
