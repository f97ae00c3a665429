// SPDX-License-Identifier: Apache-2.0
// Who hears of compilations: the command, which shows them and does not count them in a time-out.
#pragma once

#include <cstdint>

#include "ir/module.h"

namespace doppel::jit {

// Called from any thread, once before and once after each compilation; not for objects from the cache.
class CompileListener {
 public:
  CompileListener() = default;
  CompileListener(const CompileListener&) = delete;
  CompileListener& operator=(const CompileListener&) = delete;
  virtual ~CompileListener() = default;
  virtual void begins(const ir::Module& module, std::uint32_t function) = 0;
  virtual void ends() = 0;
};

}  // namespace doppel::jit
