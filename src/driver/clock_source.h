// What libcuda.so.1 hands to the preloaded libdoppel_clock.so: the two meet at run time, by the name of the
// function.
#pragma once

extern "C" {

struct DoppelClockSource {
  // Virtual time of the calling thread in microseconds since some fixed moment; false for a thread that keeps
  // the host's time (Doppel's own).
  bool (*now_us)(double* time_us);
  // The calling thread slept for so long.
  void (*advance_us)(double microseconds);
};

// Defined by libdoppel_clock.so: from now on the host's clocks answer with this source.
using DoppelClockInstall = void (*)(const DoppelClockSource* source);
#define DOPPEL_CLOCK_INSTALL "doppel_clock_install"
}
