// SPDX-License-Identifier: Apache-2.0
// The works of bench-on-card that have files of their own, and how all of them tell their times.
#pragma once

#include <functional>

#include "card.h"
#include "turned_image.h"

namespace bench {

enum class Clock { Host, Processor };

// Prints the smallest time of the repeats after the first; amount is what a repeat does, in the unit named.
void report(const char* work, double amount, const char* unit, bool correct,
            const std::function<void()>& repeat, Clock clock = Clock::Host);

// `side` by `side` fetches of a texture, as turn_opencl.cpp has them.
void turn(const doppel::host::Card& card, const doppel::host::Module& module, const Turn& how, int side);

}  // namespace bench
