// SPDX-License-Identifier: Apache-2.0
#include "driver/virtual_clock.h"

#include <unistd.h>

#include "device/host_clock.h"
#include "device/run_recorder.h"
#include "driver/call.h"
#include "driver/process.h"

namespace doppel::driver {
namespace {

thread_local bool is_program_thread = getpid() == gettid();
thread_local int call_depth = 0;

}  // namespace

CallScope::CallScope(const char* name) : name_(name) {
  is_program_thread = true;
  ++call_depth;
  if (driver_state() != CUDA_SUCCESS) return;
  entered_ = true;
  platform().clock().enter();
  recorded_ = call_depth == 1 && platform().options().keep_timeline;
  if (recorded_) start_us_ = platform().clock().now_us();
}

CallScope::~CallScope() {
  --call_depth;
  if (!entered_) return;
  if (recorded_) platform().recorder().host_call(name_, start_us_, platform().clock().now_us());
  platform().clock().leave();
}

}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

int doppel_read_virtual_clock(double* time_us) {
  if (!is_program_thread || call_depth > 0) return -1;
  if (driver_state() != CUDA_SUCCESS) return 0;
  *time_us = platform().clock().now_us();
  return 1;
}

void doppel_advance_virtual_clock(double microseconds) {
  if (is_program_thread && driver_state() == CUDA_SUCCESS) platform().clock().advance_us(microseconds);
}

}  // extern "C"
