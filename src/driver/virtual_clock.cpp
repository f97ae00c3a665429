#include "driver/virtual_clock.h"

#include <dlfcn.h>
#include <unistd.h>

#include "device/host_clock.h"
#include "driver/clock_source.h"

namespace doppel::driver {
namespace {

device::HostClock* offered = nullptr;
// Threads of Doppel's own must see the host's clock, or their timed waits would go wrong.
thread_local bool is_program_thread = getpid() == gettid();

bool now_us(double* time_us) {
  if (!is_program_thread) return false;
  *time_us = offered->now_us();
  return true;
}

void advance_us(double microseconds) {
  if (is_program_thread) offered->advance_us(microseconds);
}

}  // namespace

void offer_virtual_clock(device::HostClock& clock) {
  const auto install = reinterpret_cast<DoppelClockInstall>(dlsym(RTLD_DEFAULT, DOPPEL_CLOCK_INSTALL));
  if (install == nullptr) return;
  offered = &clock;
  is_program_thread = true;
  static const DoppelClockSource source{now_us, advance_us};
  install(&source);
}

void mark_program_thread() { is_program_thread = true; }

}  // namespace doppel::driver
