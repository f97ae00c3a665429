// The program's clocks on the virtual timeline (--clock virtual): tells the preloaded clock library, where
// there is one, what time it is on the card's machine.
#pragma once

namespace doppel::device {
class HostClock;
}

namespace doppel::driver {

void offer_virtual_clock(device::HostClock& clock);

// The calling thread is the program's: it has called the interface.
void mark_program_thread();

}  // namespace doppel::driver
