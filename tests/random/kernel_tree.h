// SPDX-License-Identifier: Apache-2.0
// A random kernel as a tree, so that a part of it can be taken out and what is left is still a kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/dim3.h"

namespace doppel::random {

struct Statement {
  enum class Kind : std::uint8_t {
    Code,    // lines that only make sense together
    If,      // predicate: body, else other
    Loop,    // as often as the register says: body
    Switch,  // by the register's two lower bits: one of cases
    Tangle,  // three cases with jumps forward into and over them by %p0, %p1, %p2: no if-else nest is equal
             // to it
    TwoEntries,  // a loop that a predicate enters in its middle: cases 0 and 1, as often as the register says
    Break,       // out of loop `id` where the predicate holds
    Continue,    // to the next turn of loop `id` where the predicate holds
    Exit,        // the thread ends where the predicate holds
  };
  Kind kind = Kind::Code;
  std::vector<std::string> lines;
  std::string predicate;              // "%p1" or "!%p1"
  std::string selector;               // the loop's or switch's register, or a constant
  int id = 0;                         // names labels
  bool uses_ret = false;              // Exit: by ret
  std::uint64_t filling_threads = 0;  // Code: so many fill the shared cells, which hold anything before
  std::vector<Statement> body, other;
  std::vector<std::vector<Statement>> cases;
};

// A value that may differ within a bound, written to its place of the approximate buffer.
struct Approximation {
  double ulp = 0;
  double relative = 0;
  double absolute = 0;
  bool ftz = false;
};

struct Kernel {
  std::uint64_t seed = 0;
  bool recent = false;  // for sm_120a
  std::string name;
  Dim3 grid, block;
  std::vector<std::string> functions;         // device functions, whole
  std::vector<Statement> body;                // up to the first dump of the registers
  std::vector<Statement> tail;                // after it: threads may leave here
  std::vector<Approximation> approximations;  // in the order of their slots

  std::uint64_t threads() const { return grid.count() * block.count(); }
};

// Sizes of the kernel's buffers, which are its parameters: in, out, atomics, approximate.
inline constexpr std::size_t kAtomicBytes = 256;
std::size_t input_bytes(const Kernel& kernel);
std::size_t output_bytes(const Kernel& kernel);
std::size_t approximate_bytes(const Kernel& kernel);

// The module's text. Registers that no statement names are neither loaded nor stored.
std::string module_text(const std::vector<const Kernel*>& kernels);
// How many statements there are, inner ones included.
std::size_t statement_count(const Kernel& kernel);

}  // namespace doppel::random
