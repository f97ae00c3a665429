// SPDX-License-Identifier: Apache-2.0
#include "engine/signals.h"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <csignal>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <mutex>

#include "engine/worker.h"
#include "memory/shared_pages.h"

namespace doppel::engine {

// ThreadSanitizer's holds a signal back until the thread next calls the C library, as a kernel's loop never
// does.
#ifdef DOPPEL_TSAN
int host_sigaction(int signal, const struct sigaction* wanted, struct sigaction* old) __asm__("__sigaction");
#else
static int host_sigaction(int signal, const struct sigaction* wanted, struct sigaction* old) {
  return sigaction(signal, wanted, old);
}
#endif

namespace {

// The worker that the thread is, if it is one now. Read by signal handlers: the first use must not allocate,
// so it lies in the thread's static block.
__attribute__((tls_model("initial-exec"))) constinit thread_local Worker* current_worker = nullptr;

constexpr std::size_t kSignalStackBytes = std::size_t{128} << 10;
// Ignored unless somebody asks for it, and not used by debuggers or thread libraries.
constexpr int kInterruptSignal = SIGURG;
constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, kInterruptSignal};

struct sigaction previous[64];

const void* code_address(const ucontext_t& context) {
#if defined(__x86_64__)
  return reinterpret_cast<const void*>(context.uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<const void*>(context.uc_mcontext.pc);
#else
#error "this processor's signal context is not known"
#endif
}

bool is_store(const ucontext_t& context) {
#if defined(__x86_64__)
  return (context.uc_mcontext.gregs[REG_ERR] & 2) != 0;
#else
  (void)context;
  return false;
#endif
}

// What the handler returns to, on the fibre's own stack, of which nothing is needed any more.
[[noreturn]] void abandon_warp() { current_worker->leave_warp(); }

void return_to_abandon(ucontext_t& context, const Fiber& fiber) {
  // As after a call: the stack pointer is 16-byte aligned before the return address is pushed.
  auto top = reinterpret_cast<std::uint64_t>(fiber.stack_high()) - 256;
  top &= ~std::uint64_t{63};
#if defined(__x86_64__)
  context.uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(top - 8);
  context.uc_mcontext.gregs[REG_RBP] = 0;
  context.uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(&abandon_warp);
  context.uc_mcontext.gregs[REG_EFL] &= ~0x400;  // direction flag, as the calling convention wants it
#elif defined(__aarch64__)
  context.uc_mcontext.sp = top;
  context.uc_mcontext.regs[29] = 0;
  context.uc_mcontext.pc = reinterpret_cast<std::uint64_t>(&abandon_warp);
#endif
}

void pass_on(int signal, siginfo_t* info, void* context) {
  const struct sigaction& old = previous[signal];
  if ((old.sa_flags & SA_SIGINFO) != 0 && old.sa_sigaction != nullptr) {
    old.sa_sigaction(signal, info, context);
    return;
  }
  if (old.sa_handler == SIG_IGN && signal == kInterruptSignal) return;
  if (old.sa_handler == SIG_DFL || old.sa_handler == SIG_IGN) {
    if (signal == kInterruptSignal) return;  // the default is to ignore it
    // The instruction faults again and ends the process the way it would have without us.
    struct sigaction plain{};
    plain.sa_handler = SIG_DFL;
    host_sigaction(signal, &plain, nullptr);
    if (info->si_code <= 0) raise(signal);  // sent by somebody: it would not come again
    return;
  }
  old.sa_handler(signal);
}

void handle(int signal, siginfo_t* info, void* opaque) {
  if (signal == SIGSEGV && info->si_code == SEGV_ACCERR && memory::moved_meanwhile()) return;
  auto& context = *static_cast<ucontext_t*>(opaque);
  Worker* worker = current_worker;
  Warp* warp = worker != nullptr ? worker->current() : nullptr;
  if (warp == nullptr || warp->fiber == nullptr) {
    pass_on(signal, info, opaque);
    return;
  }
  if (signal == kInterruptSignal) {
    if (worker->in_callback == 0 && worker->grid->stopped()) return_to_abandon(context, *warp->fiber);
    return;
  }
  if (info->si_code <= 0) {  // sent by kill, not caused by the code
    pass_on(signal, info, opaque);
    return;
  }
  SignalReport& report = worker->signal_report;
  report.signal = signal;
  report.code = code_address(context);
  report.address = reinterpret_cast<std::uint64_t>(info->si_addr);
  // An address that is none at all (not canonical) comes without its value.
  report.address_known = signal != SIGSEGV || info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR;
  report.is_store = is_store(context);
  return_to_abandon(context, *warp->fiber);
}

}  // namespace

void install_fault_handlers() {
  static std::mutex mutex;
  for (const int signal : kSignals) {
    struct sigaction now{};
    host_sigaction(signal, nullptr, &now);
    if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == handle) continue;
    const std::lock_guard lock(mutex);
    struct sigaction ours{};
    ours.sa_sigaction = handle;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&ours.sa_mask);
    struct sigaction old{};
    host_sigaction(signal, &ours, &old);
    if (!((old.sa_flags & SA_SIGINFO) != 0 && old.sa_sigaction == handle)) previous[signal] = old;
  }
}

namespace {

// A thread's signal stack, in use until the thread ends.
struct SignalStack {
  void* memory = mmap(nullptr, kSignalStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  void use() const {
    if (memory == MAP_FAILED) return;
    stack_t ours{};
    ours.ss_sp = memory;
    ours.ss_size = kSignalStackBytes;
    sigaltstack(&ours, nullptr);
  }
  ~SignalStack() {
    if (memory == MAP_FAILED) return;
    stack_t now{};
    sigaltstack(nullptr, &now);
    if (now.ss_sp == memory) {
      stack_t none{};
      none.ss_flags = SS_DISABLE;
      sigaltstack(&none, nullptr);
    }
    munmap(memory, kSignalStackBytes);
  }
};

}  // namespace

SignalScope::SignalScope(Worker& worker) {
  current_worker = &worker;
  stack_t now{};
  sigaltstack(nullptr, &now);
  if ((now.ss_flags & SS_DISABLE) != 0) {
    static thread_local const SignalStack stack;
    stack.use();
  }
}

SignalScope::~SignalScope() { current_worker = nullptr; }

void interrupt(pthread_t thread) { pthread_kill(thread, kInterruptSignal); }

}  // namespace doppel::engine
