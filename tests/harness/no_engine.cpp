// SPDX-License-Identifier: Apache-2.0
// Stands in where the build has no engine: tests that need one say that they are skipped.
#include "harness/launch_case.h"

namespace doppel::harness {

std::unique_ptr<Runner> make_engine_runner(bool) { return nullptr; }
bool has_engine() { return false; }

}  // namespace doppel::harness
