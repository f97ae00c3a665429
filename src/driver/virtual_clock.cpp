// SPDX-License-Identifier: Apache-2.0
#include "driver/virtual_clock.h"

#include <dlfcn.h>
#include <unistd.h>

#include "device/host_clock.h"
#include "device/run_recorder.h"
#include "driver/call.h"
#include "driver/process.h"
#include "support/program_clock.h"

namespace doppel::driver {
namespace {

thread_local bool is_program_thread = getpid() == gettid();
thread_local int call_depth = 0;

device::HostClock& clock() { return platform().clock(); }

bool runs() { return driver_state() == CUDA_SUCCESS; }

// A function of the program's on a thread of Doppel's is the program's too while it runs.
bool is_program() {
  if (call_depth > 0) return false;
  return is_program_thread || (runs() && clock().in_host_function());
}

void begin_thread(double created_us) {
  is_program_thread = true;
  if (runs() && created_us >= 0) clock().begin_thread(created_us);
}

constexpr DoppelProgramClock kProgramClock{
    .is_program = is_program,
    .runs = runs,
    .now_us = [] { return clock().now_us(); },
    .thread_busy_us = [] { return clock().thread_busy_us(); },
    .process_busy_us = [] { return clock().process_busy_us(); },
    .falls_asleep = [](double microseconds) { clock().falls_asleep(microseconds); },
    .sleep_us = [](double microseconds) { clock().sleep_us(microseconds); },
    .wait_until_us = [](double time_us) { clock().wait_until_us(time_us); },
    .announce_thread = [](double created_us) { clock().announce_thread(created_us); },
    .withdraw_thread = [](double created_us) { clock().withdraw_thread(created_us); },
    .begin_thread = begin_thread,
    .end_thread = [] { clock().end_thread(); },
};

// Before any call, so that threads that are created before the first one are known, too.
[[gnu::constructor]] void attach() {
  if (const auto tell = reinterpret_cast<DoppelAttachClock>(dlsym(RTLD_DEFAULT, "doppel_attach_clock")))
    tell(&kProgramClock);
}

}  // namespace

CallScope::CallScope(const char* name) : name_(name) {
  ++call_depth;
  const bool ready = driver_state() == CUDA_SUCCESS;
  // A host function's call is made on a thread of Doppel's.
  if (!ready || !clock().in_host_function()) is_program_thread = true;
  if (!ready) return;
  entered_ = true;
  clock().enter(name);
  if (call_depth > 1) return;
  recorded_ = platform().options().keep_timeline;
  if (recorded_) {
    start_us_ = clock().now_us();
    waited_us_ = clock().waited_us();
  }
  clock().advance_us(platform().host().calls.any_us);
}

CallScope::~CallScope() {
  if (entered_) {
    if (recorded_) {
      platform().recorder().host_call(name_, start_us_, clock().now_us(), clock().waited_us() - waited_us_);
    }
    clock().leave();
  }
  --call_depth;
}

void begin_virtual_time() {
  const auto tell = reinterpret_cast<DoppelClockBegins>(dlsym(RTLD_DEFAULT, "doppel_clock_begins"));
  if (tell == nullptr) return;
  clock().set_sleeps_told();
  tell();
}

}  // namespace doppel::driver
