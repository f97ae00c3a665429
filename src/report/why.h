// SPDX-License-Identifier: Apache-2.0
// Why a kernel takes its time, in a sentence: from its record and the card's numbers.
#pragma once

#include <string>

#include "card/card.h"
#include "device/run_record.h"

namespace doppel::report {

// "The grid fills 32 of 84 SMs, and its warps mostly wait for results: …". Empty where nothing was timed.
std::string why(const device::KernelRecord& kernel, const card::Card& card);

}  // namespace doppel::report
