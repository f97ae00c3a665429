// SPDX-License-Identifier: Apache-2.0
// The end of the process, in order: what runs is cancelled, the run record is written, and what was being
// compiled goes to the cache, before the process ends with the status or the signal that is its own.
//
// A process ends by exit() (and so by returning from main) or quick_exit(), by _exit() where the library
// src/preload/exit is loaded, or by a signal that the program does not handle: asked for from outside,
// abort(), a fault. Whichever comes first, a thread of ours (the finisher) does the work within bounds, since
// the thread that ends the process may hold any lock; the calls of all other threads wait meanwhile, so that
// none of them meets the error of a cancelled kernel and ends the process with a status of its own.
#pragma once

#include <atomic>

namespace doppel::device {
class Platform;
}

namespace doppel::driver {

// From when the platform is there. Also ends this process when the `doppel` that started it was killed
// (DOPPEL_PARENT).
void prepare_for_the_end(device::Platform& platform);

// When all handlers of the program have run.
void finish_at_unload();

namespace detail {
extern std::atomic<bool> ending;
void wait_for_the_end() noexcept;
}  // namespace detail

// In every call, before and after its work: does not return while another thread ends the process, or only
// when that takes longer than it should.
inline void hold_while_ending() noexcept {
  if (detail::ending.load(std::memory_order_relaxed)) [[unlikely]]
    detail::wait_for_the_end();
}

}  // namespace doppel::driver
