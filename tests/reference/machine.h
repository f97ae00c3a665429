// SPDX-License-Identifier: Apache-2.0
// A machine that runs PTX one thread and one instruction at a time, for tests: slow, plain, and written from
// the ISA text.
//
// Convergence, where the ISA leaves it open: threads run in the order of their index, each until it waits or
// has used its turn. activemask holds a thread until every other live thread of its warp waits; then those at
// the lowest such place answer together. A warp operation answers once all live threads of its member mask
// wait at one of the same form and mask.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "frontend/ptx/module.h"
#include "reference/layout.h"
#include "reference/memory.h"
#include "support/dim3.h"
#include "support/result.h"

namespace doppel::reference {

struct Launch {
  std::string_view kernel;
  Dim3 grid, block;
  std::uint32_t dynamic_shared_bytes = 0;
  std::span<const std::byte> parameters;   // laid out by parameter_offsets()
  std::uint64_t step_limit = 200'000'000;  // instructions of all threads together; more is an error
};

class Machine {
 public:
  // The module must outlive the machine.
  explicit Machine(const ptx::Module& module);

  std::uint64_t allocate(std::uint64_t size) { return memory_.allocate(size, 256); }
  std::span<std::byte> bytes(std::uint64_t address, std::uint64_t size) {
    return memory_.find(address, size);
  }

  // Errors name the block, thread and line: a bad access, a trap, a deadlock, a form the reference does not
  // know.
  Result<void> run(const Launch& launch);

 private:
  const ptx::Module& module_;
  Memory memory_;
  ModuleLayout layout_;
};

}  // namespace doppel::reference
