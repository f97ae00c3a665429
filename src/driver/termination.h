// Ends a process that is interrupted (Ctrl-C, the command's time-out) in order: what runs is cancelled and
// the run record is written before the signal takes its usual effect.
#pragma once

namespace doppel::device {
class Platform;
}

namespace doppel::driver {

// For SIGINT, SIGTERM and SIGHUP, each only where the program has not set a handler of its own.
void end_on_signals(device::Platform& platform);

}  // namespace doppel::driver
