// SPDX-License-Identifier: Apache-2.0
// The door to compiling, which a process that ends shuts: what is being compiled may be finished and kept for
// the next time, and nothing new is begun that nobody will wait for.
#pragma once

#include <atomic>

namespace doppel::jit {

// Lock-free, so that it may be shut in a signal handler.
class CompileGate {
 public:
  // One compilation, for as long as it lives. False where the gate is shut.
  class Pass {
   public:
    explicit Pass(CompileGate* gate) : gate_(gate) {
      if (gate_ == nullptr) return;
      ++gate_->inside_;
      open_ = !gate_->shut_;
    }
    ~Pass() {
      if (gate_ != nullptr) --gate_->inside_;
    }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    explicit operator bool() const { return open_; }

   private:
    CompileGate* gate_;
    bool open_ = true;
  };

  void shut() noexcept { shut_ = true; }
  // Compilations under way.
  unsigned inside() const noexcept { return inside_; }

 private:
  std::atomic<unsigned> inside_{0};
  std::atomic<bool> shut_{false};
};

}  // namespace doppel::jit
