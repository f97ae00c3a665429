// SPDX-License-Identifier: Apache-2.0
// The compilations of this process: the gate before them, what the `doppel` command is told of them, and what
// people want to see of their passes.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "jit/compile_gate.h"
#include "jit/compile_listener.h"
#include "support/pass_log.h"

namespace doppel::device {

class Compilations final : public jit::CompileListener {
 public:
  // Empty: nobody is told.
  explicit Compilations(const std::string& record_folder);

  jit::CompileGate& gate() { return gate_; }
  PassLog& passes() { return passes_; }
  // A kernel is launched for the first time. Its code may be in the cache.
  void launched(const ir::Module& module, std::uint32_t function);
  void begins(const ir::Module& module, std::uint32_t function) override;
  void ends() override;

 private:
  std::uint32_t number(const ir::Module& module, std::uint32_t function);  // with mutex_ held
  void tell() const;

  jit::CompileGate gate_;
  PassLog passes_;
  std::string pipe_;
  std::mutex mutex_;
  std::map<std::pair<const ir::Module*, std::uint32_t>, std::uint32_t> numbers_;  // in the order of launch
  std::uint32_t under_way_ = 0, last_ = 0;
};

}  // namespace doppel::device
