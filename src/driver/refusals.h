// SPDX-License-Identifier: Apache-2.0
// What was refused of what the program asked for. It is said when it happens; since a program may not look at
// its results, it stands in the run record too, and is repeated when the run has ended.
#pragma once

#include <string_view>

#include "support/result.h"

namespace doppel::driver {

// A launch that was not queued, or a kernel that a program asked for and did not get.
void note_refused_launch(std::string_view kernel, const Error& error);
void note_refused_kernel(std::string_view kernel, const Error& error);
// An image that was not loaded.
void note_refused_module(const Error& error);
// A function of the interface that is not there yet.
void note_refused_call(std::string_view function);

}  // namespace doppel::driver
