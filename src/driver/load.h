// SPDX-License-Identifier: Apache-2.0
// From the image that a program hands over to a program that contexts can load.
#pragma once

#include <memory>

#include "device/program.h"
#include "driver/image.h"
#include "driver/jit_options.h"

namespace doppel::driver {

// Why an image was not loaded: the code for the caller, with its words already in the caller's log and on
// standard error.
using Loaded = tl::expected<std::shared_ptr<device::Program>, CUresult>;

// `card` chooses among a fatbin's entries.
Loaded load_program(const Result<ModuleSource>& source, const JitOptions& options);
Loaded load_image(const void* image, const card::Card& card, const JitOptions& options);
Loaded load_file(const char* path, const card::Card& card, const JitOptions& options);

// The bytes of a regular file of at most 2 GiB; Io names it.
Result<std::string> read_file(const char* path);

}  // namespace doppel::driver
