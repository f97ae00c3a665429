// Static objects of this library outlive the process' exit handlers: none is ever destroyed
// (static_objects.cpp).
#pragma once

namespace doppel::driver {

// std::atexit, which is closed to everything else in this library.
bool at_exit(void (*handler)());

}  // namespace doppel::driver
