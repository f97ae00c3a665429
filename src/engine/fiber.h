// SPDX-License-Identifier: Apache-2.0
// A stack of its own for a warp, so that it can be suspended in the middle of generated code.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/local_memory.h"
#include "engine/stack_switch.h"
#include "support/result.h"

namespace doppel::engine {

// Why control came back from a fibre.
enum class SwitchReason : std::uintptr_t {
  Idle,  // nothing left to start
  Barrier,
  Yield,
  Left,  // the warp ended for good: trap, fault, cancel. The fibre's stack holds nothing any more
};

class Fiber {
 public:
  using Main = void (*)(void* argument);

  struct Suspended {
    Fiber* fiber;
    SwitchReason reason;
  };

  // top: bytes at the stack's upper end that stay unused.
  Fiber(std::byte* stack_low, std::size_t stack_bytes, std::size_t top)
      : low_(stack_low), bytes_(stack_bytes), top_(top) {}
  ~Fiber() { drop_calls(calls_); }
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs it, from the start of `main` where it is fresh, until it or a fibre that it switched to suspends.
  Suspended resume(Main main, void* argument);
  // On the fibre: back to who resumed it.
  void suspend(SwitchReason reason);
  // On the fibre: straight on to a suspended one, which goes back to the same resumer. Costs half of going
  // there through the resumer.
  void switch_to(Fiber& next);
  // Forgets what was on the stack.
  void reset() { context_ = nullptr; }

  std::byte* stack_low() const { return low_; }
  std::byte* stack_high() const { return low_ + bytes_; }
  std::size_t stack_bytes() const { return bytes_; }

  LocalMemory local;  // of the warp on it

 private:
  static void start(boost::context::detail::transfer_t transfer);
  void arrived(boost::context::detail::transfer_t transfer);
  std::byte* low_;
  std::size_t bytes_;
  std::size_t top_;
  boost::context::detail::fcontext_t context_ = nullptr;
  boost::context::detail::fcontext_t resumer_ = nullptr;
  SwitchReason reason_ = SwitchReason::Idle;
  Main main_ = nullptr;
  void* argument_ = nullptr;
  // For the sanitizers, which have to be told of every change of stacks.
  void* fake_stack_ = nullptr;
  const void* resumer_stack_ = nullptr;
  std::size_t resumer_stack_bytes_ = 0;
  void* calls_ = nullptr;
  void* resumer_calls_ = nullptr;
};

// Here, because a return on another stack than the call's is never foreseen by the host: the fewer there are
// between a barrier and the code behind it, the better.

// A jump into a suspended fibre passes the fibre that it comes from, or this one where it is the resumer's.
inline void Fiber::arrived(boost::context::detail::transfer_t transfer) {
  auto* from = static_cast<Fiber*>(transfer.data);
  if (from != this) {
    after_switch(fake_stack_, nullptr, nullptr);
    from->context_ = transfer.fctx;
    return;
  }
  after_switch(fake_stack_, &resumer_stack_, &resumer_stack_bytes_);
  resumer_ = transfer.fctx;
}

inline void Fiber::suspend(SwitchReason reason) {
  reason_ = reason;
  before_switch(reason == SwitchReason::Left ? nullptr : &fake_stack_, resumer_stack_, resumer_stack_bytes_,
                resumer_calls_);
  arrived(boost::context::detail::jump_fcontext(resumer_, this));
}

inline void Fiber::switch_to(Fiber& next) {
  next.resumer_ = resumer_;
  next.resumer_stack_ = resumer_stack_;
  next.resumer_stack_bytes_ = resumer_stack_bytes_;
  next.resumer_calls_ = resumer_calls_;
  before_switch(&fake_stack_, next.low_, next.bytes_, next.calls_);
  arrived(boost::context::detail::jump_fcontext(next.context_, this));
}

// Stacks with a guard page below each; taken from the host page by page as they are touched.
class FiberPool {
 public:
  FiberPool() = default;
  ~FiberPool();
  FiberPool(const FiberPool&) = delete;
  FiberPool& operator=(const FiberPool&) = delete;

  Fiber* take(std::size_t stack_bytes);  // at least so large; null: the host has no memory
  void give_back(Fiber* fiber) { free_.push_back(fiber); }

 private:
  std::vector<std::unique_ptr<Fiber>> all_;
  std::vector<Fiber*> free_;
};

}  // namespace doppel::engine
