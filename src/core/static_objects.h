// SPDX-License-Identifier: Apache-2.0
// Static objects of Doppel's libraries outlive the process' exit handlers: none is ever destroyed
// (static_objects.cpp).
#pragma once

namespace doppel::core {

// std::atexit, which is closed to everything else in these libraries.
bool at_exit(void (*handler)());

}  // namespace doppel::core
