// SPDX-License-Identifier: Apache-2.0
// The machine that generated code runs on: everything in code generation that depends on it. DOPPEL_HOST_CPU
// names another model of LLVM's list (x86-64-v3, say), so that the code for smaller hosts can be tested on
// larger ones.
#pragma once

#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <string>

#include "jit/compiled_module.h"

namespace doppel::jit {

class HostTarget {
 public:
  static const HostTarget& get();  // found once a process

  const std::string& cpu() const { return cpu_; }            // LLVM's name
  const std::string& features() const { return features_; }  // "+avx2,+fma,…"
  // Gathers, scatters and masks of 512-bit vectors. Found when code is first made: where all of it comes from
  // the cache, nobody asks.
  bool wide_vectors() const;
  // Quick code is LLVM's without optimisation; its own quick selector does not know vectors of 32 lanes.
  std::unique_ptr<llvm::TargetMachine> machine(Effort effort) const;
  // Attributes that a generated function needs to use the host's vectors in full.
  void apply(llvm::Function& function) const;

 private:
  HostTarget();
  std::string cpu_, features_;
  const llvm::Target* target_ = nullptr;
};

}  // namespace doppel::jit
