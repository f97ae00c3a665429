// SPDX-License-Identifier: Apache-2.0
// Sizes, offsets and values of the driver interface as one header declares them.
#pragma once

#include <string>
#include <vector>

struct Fact {
  const char* name;
  long value;
};

std::vector<Fact> our_facts();    // by include/doppel/cuda
std::vector<Fact> their_facts();  // by the toolkit's cuda.h
