// SPDX-License-Identifier: Apache-2.0
#include "engine/fiber.h"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>
#include <ranges>

namespace doppel::engine {
namespace {

constexpr std::size_t kPage = 4096;
// Stacks begin at different places of a page, so that those of a block's warps do not meet in the same few
// sets of the host's first cache.
constexpr std::size_t kStackColours = 16;
constexpr std::size_t kStackColourBytes = 832;

}  // namespace

Fiber::Suspended Fiber::resume(Main main, void* argument) {
  if (context_ == nullptr) {
    clean_stack(low_, bytes_);
    main_ = main;
    argument_ = argument;
    fake_stack_ = nullptr;
    drop_calls(calls_);
    calls_ = new_calls();
    context_ = boost::context::detail::make_fcontext(low_ + bytes_ - top_, bytes_ - top_, start);
  }
  void* own_fake_stack = nullptr;
  resumer_calls_ = current_calls();
  before_switch(&own_fake_stack, low_, bytes_, calls_);
  const auto back = boost::context::detail::jump_fcontext(context_, this);
  after_switch(own_fake_stack, nullptr, nullptr);
  auto* suspended = static_cast<Fiber*>(back.data);
  suspended->context_ = suspended->reason_ == SwitchReason::Left ? nullptr : back.fctx;
  return {suspended, suspended->reason_};
}

void Fiber::start(boost::context::detail::transfer_t transfer) {
  auto* self = static_cast<Fiber*>(transfer.data);
  after_switch(nullptr, &self->resumer_stack_, &self->resumer_stack_bytes_);
  self->resumer_ = transfer.fctx;
  // main may be called again after it returned: it looks for more to do each time.
  while (true) {
    self->main_(self->argument_);
    self->suspend(SwitchReason::Idle);
  }
}

FiberPool::~FiberPool() {
  for (const auto& fiber : all_) munmap(fiber->stack_low() - kPage, fiber->stack_bytes() + kPage);
}

Fiber* FiberPool::take(std::size_t stack_bytes) {
  auto latest_first = std::views::reverse(free_);
  const auto large_enough = std::ranges::find_if(
      latest_first, [&](const Fiber* fiber) { return fiber->stack_bytes() >= stack_bytes; });
  if (large_enough != latest_first.end()) {
    Fiber* fiber = *large_enough;
    free_.erase(std::next(large_enough).base());
    return fiber;
  }
  const std::size_t bytes = (stack_bytes + kPage - 1) / kPage * kPage;
  void* memory = mmap(nullptr, bytes + kPage, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  mprotect(memory, kPage, PROT_NONE);
  all_.push_back(std::make_unique<Fiber>(static_cast<std::byte*>(memory) + kPage, bytes,
                                         all_.size() % kStackColours * kStackColourBytes));
  return all_.back().get();
}

}  // namespace doppel::engine
