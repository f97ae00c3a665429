// SPDX-License-Identifier: Apache-2.0
// What would help a kernel, in a sentence: only what its counters support.
#pragma once

#include <string>

#include "card/card.h"
#include "device/run_record.h"

namespace doppel::report {

// "Line 31 (ld.global.f32) moves 32 sectors a warp where 4 would do: …". Empty where nothing was timed, or
// nothing stands out.
std::string advice(const device::KernelRecord& kernel, const card::Card& card);

// "line 31 (ld.global.f32)", "histogram.cu:12".
std::string place_text(const device::CodeRecord& place);

}  // namespace doppel::report
