// SPDX-License-Identifier: Apache-2.0
// Where the parts of this installation lie, in the build tree and in an installed one.
#pragma once

#include <filesystem>
#include <string>

#include "support/result.h"

namespace doppel::cli {

// The folder that holds libcuda.so.1. Error NotFound names the folders looked through.
Result<std::filesystem::path> driver_folder();

// libnvidia-ml.so.1, which monitors and `doppel smi` ask.
Result<std::filesystem::path> management_library();

// libdoppel.so, which holds the engine and LLVM.
Result<std::filesystem::path> core_library();

// libdoppel_program.so, which is loaded into the program (src/preload).
Result<std::filesystem::path> program_library();

// The program that `bench` runs.
Result<std::filesystem::path> suite_program();

// The measured error of the timing model; may be missing.
std::filesystem::path error_band_file();

}  // namespace doppel::cli
