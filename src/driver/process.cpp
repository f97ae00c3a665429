// SPDX-License-Identifier: Apache-2.0
#include "driver/process.h"

#include <pthread.h>

#include <atomic>
#include <mutex>

#include "device/device.h"
#include "device/options.h"
#include "driver/call.h"
#include "driver/termination.h"
#include "driver/virtual_clock.h"

namespace doppel::driver {
namespace {

enum class State : int { Before, Ready, Failed, Forked, Ended };

struct Process {
  std::mutex mutex;
  std::atomic<State> state{State::Before};
  CUresult failure = CUDA_SUCCESS;
  device::Platform* platform = nullptr;
};

// Neither it nor the platform is ever destroyed: libraries still call while the process ends.
Process& process() {
  static auto* const made = new Process;
  return *made;
}

// A child keeps the parent's memory but none of its threads: what is initialised is lost to it, and says so.
void after_fork_in_child() {
  State ready = State::Ready;
  process().state.compare_exchange_strong(ready, State::Forked);
}

// A CUDA_VISIBLE_DEVICES that is meant to.
bool hides_all(const std::optional<std::string>& visible) {
  return visible && (visible->empty() || visible->starts_with("-"));
}

CUresult create_platform() {
  auto options = device::Options::from_environment();
  if (!options) {
    log().error("{}", options.error().message);
    return CUDA_ERROR_NO_DEVICE;
  }
  const std::optional<std::string> visible = options->visible_devices;
  auto made = device::Platform::create(*std::move(options));
  if (!made) {
    if (made.error().kind == Error::Kind::NoDevice) {
      if (hides_all(visible))
        log().info("{}", made.error().message);
      else
        log().warn("{}", made.error().message);
      return CUDA_ERROR_NO_DEVICE;
    }
    log().error("{}", made.error().message);
    return made.error().kind == Error::Kind::OutOfMemory ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_NO_DEVICE;
  }
  process().platform = made->release();
  return CUDA_SUCCESS;
}

// After the program's own handlers and destructors, which may still call.
[[gnu::destructor]] void end_of_process() {
  if (process().state == State::Ready) finish_at_unload();
}

}  // namespace

int driver_version() {
  static const int version = [] {
    const auto options = device::Options::from_environment();
    return options ? options->driver_version : device::kNewestDriverVersion;
  }();
  return version;
}

CUresult initialize() {
  Process& self = process();
  const std::lock_guard lock(self.mutex);
  switch (self.state.load()) {
    case State::Ready:
      return CUDA_SUCCESS;
    case State::Failed:
      return self.failure;
    case State::Forked:
      return CUDA_ERROR_NOT_INITIALIZED;
    case State::Ended:
      return CUDA_ERROR_DEINITIALIZED;
    case State::Before:
      break;
  }
  self.failure = create_platform();
  if (self.failure != CUDA_SUCCESS) {
    self.state = State::Failed;
    return self.failure;
  }
  pthread_atfork(nullptr, nullptr, after_fork_in_child);
  prepare_for_the_end(*self.platform);
  begin_virtual_time();
  self.state = State::Ready;
  return CUDA_SUCCESS;
}

void mark_ended() {
  State ready = State::Ready;
  process().state.compare_exchange_strong(ready, State::Ended);
}

CUresult driver_state() {
  switch (process().state.load(std::memory_order_acquire)) {
    case State::Ready:
      return CUDA_SUCCESS;
    case State::Ended:
      return CUDA_ERROR_DEINITIALIZED;
    case State::Failed:
      return process().failure;
    case State::Before:
    case State::Forked:
      break;
  }
  return CUDA_ERROR_NOT_INITIALIZED;
}

device::Platform& platform() { return *process().platform; }

}  // namespace doppel::driver
