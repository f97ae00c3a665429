// What the sets read: cards and files of measurements, and how they describe a prediction.
#pragma once

#include <fstream>
#include <string>

#include "card/card.h"
#include "timing/launch_timing.h"

namespace doppel::truth {

// Both throw std::runtime_error with the cause.
card::Card find_card(const char* id);
std::ifstream open(const char* file);  // under truth/

// What bound it, registers, occupancy, hits.
std::string note_of(const timing::Prediction& prediction);

}  // namespace doppel::truth
