#include "engine/fiber.h"

#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define DOPPEL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DOPPEL_ASAN 1
#endif
#endif
#ifdef DOPPEL_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace doppel::engine {
namespace {

constexpr std::size_t kPage = 4096;

#ifdef DOPPEL_ASAN
void before_switch(void** save, const void* bottom, std::size_t bytes) {
  __sanitizer_start_switch_fiber(save, bottom, bytes);
}
void after_switch(void* saved, const void** bottom, std::size_t* bytes) {
  __sanitizer_finish_switch_fiber(saved, bottom, bytes);
}
void clean_stack(const void* low, std::size_t bytes) { __asan_unpoison_memory_region(low, bytes); }
#else
void before_switch(void**, const void*, std::size_t) {}
void after_switch(void*, const void**, std::size_t*) {}
void clean_stack(const void*, std::size_t) {}
#endif

}  // namespace

Fiber::Suspended Fiber::resume(Main main, void* argument) {
  if (context_ == nullptr) {
    clean_stack(low_, bytes_);
    main_ = main;
    argument_ = argument;
    fake_stack_ = nullptr;
    context_ = boost::context::detail::make_fcontext(low_ + bytes_, bytes_, start);
  }
  void* own_fake_stack = nullptr;
  before_switch(&own_fake_stack, low_, bytes_);
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

// A jump into a suspended fibre passes the fibre that it comes from, or this one where it is the resumer's.
void Fiber::arrived(boost::context::detail::transfer_t transfer) {
  auto* from = static_cast<Fiber*>(transfer.data);
  if (from != this) {
    after_switch(fake_stack_, nullptr, nullptr);
    from->context_ = transfer.fctx;
    return;
  }
  after_switch(fake_stack_, &resumer_stack_, &resumer_stack_bytes_);
  resumer_ = transfer.fctx;
}

void Fiber::suspend(SwitchReason reason) {
  reason_ = reason;
  before_switch(reason == SwitchReason::Left ? nullptr : &fake_stack_, resumer_stack_, resumer_stack_bytes_);
  arrived(boost::context::detail::jump_fcontext(resumer_, this));
}

void Fiber::switch_to(Fiber& next) {
  next.resumer_ = resumer_;
  next.resumer_stack_ = resumer_stack_;
  next.resumer_stack_bytes_ = resumer_stack_bytes_;
  before_switch(&fake_stack_, next.low_, next.bytes_);
  arrived(boost::context::detail::jump_fcontext(next.context_, this));
}

FiberPool::~FiberPool() {
  for (const auto& fiber : all_) {
    munmap(fiber->stack_low() - kPage, kStackBytes + kPage);
    if (fiber->local != nullptr) munmap(fiber->local, fiber->local_bytes);
  }
}

Fiber* FiberPool::take() {
  if (!free_.empty()) {
    Fiber* fiber = free_.back();
    free_.pop_back();
    return fiber;
  }
  void* memory = mmap(nullptr, kStackBytes + kPage, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  mprotect(memory, kPage, PROT_NONE);
  all_.push_back(std::make_unique<Fiber>(static_cast<std::byte*>(memory) + kPage, kStackBytes));
  return all_.back().get();
}

bool FiberPool::ensure_local(Fiber& fiber, std::size_t bytes) {
  if (bytes <= fiber.local_bytes) return true;
  const std::size_t rounded = (bytes + kPage - 1) / kPage * kPage;
  void* memory =
      mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  if (fiber.local != nullptr) munmap(fiber.local, fiber.local_bytes);
  fiber.local = static_cast<std::byte*>(memory);
  fiber.local_bytes = rounded;
  return true;
}

}  // namespace doppel::engine
