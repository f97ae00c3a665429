// SPDX-License-Identifier: Apache-2.0
// What the sets read, and how they describe a prediction.
#pragma once

#include <doppel/prediction.h>

#include <fstream>
#include <string>

namespace doppel::truth {

// A file of measurements under truth/; throws std::runtime_error with the cause.
std::ifstream open(const char* file);

// What bound it, registers, occupancy, hits.
std::string note_of(const Prediction& prediction);

}  // namespace doppel::truth
