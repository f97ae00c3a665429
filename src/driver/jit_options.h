// SPDX-License-Identifier: Apache-2.0
// The options of the just-in-time compiler: two parallel arrays, values cast to pointers. What matters here
// are the log buffers; options that steer an optimiser change no result and are accepted.
#pragma once

#include <doppel/cuda/module.h>
#include <doppel/cuda/result.h>

#include <string_view>

#include "support/result.h"

namespace doppel::driver {

class JitOptions {
 public:
  // The arrays must live as long as this. NotSupported names an option that would change what the program
  // means.
  static Result<JitOptions> read(unsigned count, const CUjit_option* options, void** values);

  // CU_JIT_MAX_REGISTERS: the most registers that a thread may take, as .maxnreg says it; 0: not given.
  unsigned max_registers() const { return max_registers_; }

  // Writes the texts into the program's buffers, cut to their size, and tells how much was written.
  void write_info(std::string_view text) const;
  void write_error(std::string_view text) const;

 private:
  struct Log {
    char* buffer = nullptr;
    void** size = nullptr;  // in: capacity, out: bytes written
  };
  static void write(const Log& log, std::string_view text);
  unsigned max_registers_ = 0;
  Log info_;
  Log error_;
};

}  // namespace doppel::driver
