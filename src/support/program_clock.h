// SPDX-License-Identifier: Apache-2.0
// What the driver interface and the library that is loaded into the program before it (src/preload) tell each
// other about the program's time. Plain C types: the two are linked with nothing in common.
#pragma once

extern "C" {

// Of the driver interface, for the calling thread. Times are in microseconds of virtual time.
struct DoppelProgramClock {
  // Whether it is a thread of the program's, outside of a call of the interface. All others see the host's
  // clocks, or their timed waits would go wrong.
  bool (*is_program)();
  // Whether virtual time runs: from the first initialisation of the interface on.
  bool (*runs)();
  double (*now_us)();
  // Processor time of the calling thread, and of all of the program's.
  double (*thread_busy_us)();
  double (*process_busy_us)();
  // It slept or waited for something outside of the process for so long; it waited for another thread, which
  // came there at that time.
  void (*falls_asleep)(double microseconds);  // before a sleep of which is known how long it is
  void (*sleep_us)(double microseconds);
  void (*wait_until_us)(double time_us);
  // The calling thread creates one; and could not. Then: the calling thread, a new one of the program's, was
  // created; below 0: before time ran. It ends.
  void (*announce_thread)(double created_us);
  void (*withdraw_thread)(double created_us);
  void (*begin_thread)(double created_us);
  void (*end_thread)();
};

// Of the preloaded library: called once, when the driver interface is loaded; and when virtual time begins.
using DoppelAttachClock = void (*)(const DoppelProgramClock* clock);
using DoppelClockBegins = void (*)();
}
