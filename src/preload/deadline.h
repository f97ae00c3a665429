// SPDX-License-Identifier: Apache-2.0
// How long it is until a moment that the program read off one of its clocks.
#pragma once

#include <time.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <ctime>

#include <cstdint>

namespace doppel::preload {

// By the clock as the calling thread sees it; below 0 where that is past.
std::int64_t until_ns(clockid_t clock, const timespec& deadline);

}  // namespace doppel::preload
