// SPDX-License-Identifier: Apache-2.0
// Runs random kernels on the reference and on another machine, and tells where they differ.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/launch_case.h"
#include "random/kernel_tree.h"

namespace doppel::random {

struct Difference {
  enum class Kind {
    Generator,  // the text does not parse, or the reference refuses the kernel: the generator or the
                // reference is wrong
    Machine,    // the other machine refuses the kernel or ends with a fault
    Values,     // both ran, and left different bytes
  };
  Kind kind = Kind::Values;
  std::uint64_t seed = 0;
  std::string what;
};

// All kernels go into one module. `machine` may be null: then only the reference runs.
std::vector<Difference> run_kernels(const std::vector<Kernel>& kernels, harness::Runner* machine);

// The buffers of a launch: in, out, atomics, approximate.
harness::LaunchCase make_case(const Kernel& kernel, std::shared_ptr<const ptx::Module> module,
                              std::string text);

}  // namespace doppel::random
