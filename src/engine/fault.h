// SPDX-License-Identifier: Apache-2.0
// Why a launch ended early, with all that a user needs to find the place.
#pragma once

#include <cstdint>
#include <string>

#include "support/dim3.h"

namespace doppel::engine {

struct Fault {
  enum class Kind {
    IllegalAddress,  // unmapped memory, or out of bounds under --check
    MisalignedAddress,
    Assert,     // device assert()
    Trap,       // trap, brkpt
    Cancelled,  // time-out or Ctrl-C
    Deadlock,   // every warp waits at a barrier that can no longer complete
    StackOverflow,
    HostOutOfMemory,
    UninitializedShared,  // --check
    SharedRace,           // --check
    WrongBarrier,         // an mbarrier that was not made, or a count that it cannot have
    WrongTensorMap,       // of a copy: no tensor map, or one that does not suit it
    UncorrectableMemory,  // ECC cannot correct what is there
  };
  Kind kind = Kind::IllegalAddress;
  std::string kernel;
  Dim3 block{0, 0, 0};         // ctaid
  Dim3 thread{0, 0, 0};        // tid of the first thread concerned
  bool thread_known = false;   // false: `thread` is the first of the warp
  std::string function;        // the device function, where it is not the kernel itself
  std::uint32_t ptx_line = 0;  // 0: unknown
  std::string source_file;     // from .loc; empty: none
  std::uint32_t source_line = 0;
  std::uint64_t address = 0;
  std::uint32_t bytes = 0;
  bool is_store = false;
  std::string space;       // "global", "shared", …
  std::string allocation;  // "12 bytes after the 4,096-byte allocation at 0x…, made by cuMemAlloc #3"
  std::string message;     // the assertion's text, or more on the cause
};

// Some lines for standard error.
std::string describe(const Fault& fault);

}  // namespace doppel::engine
