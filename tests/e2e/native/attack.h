// SPDX-License-Identifier: Apache-2.0
// Kernels that try to reach an address, one for each way that PTX has to touch memory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace e2e {

enum class Access { Read, Write, Atomic };

struct Attack {
  std::string_view name;  // of the kernel (out, address)
  Access access;
  // %rd1: out; %rd2: the address, a multiple of 16; %r1: the lane. What is read goes to %r2, or elsewhere.
  std::string_view body;
};

const std::vector<Attack>& attacks();
// All of them, and beside them:
//   shared_beyond(out, offset): stores at a 32-bit offset in shared memory
//   parameter_beyond(out, offset): reads a parameter at an offset
//   print(out, address): device printf with its format at the address
//   peek_shared(flags): block 1 reads the shared memory of block 0 while that waits; flags: 4 zeroed words of
//   64 bits recurse(out, depth): calls that nest wide(out): a frame of some hundred vectors; gives 2016
std::string attack_module();

}  // namespace e2e
