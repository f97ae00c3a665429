// SPDX-License-Identifier: Apache-2.0
// Peaks that follow from a card's counts, rates and advertised boost clock: the figures of a specification
// table.
#pragma once

#include <string>
#include <vector>

#include "card/card.h"

namespace doppel::card {

struct TensorPeak {
  std::string type;  // "fp16, fp32 accumulation"
  std::string unit;  // "TFLOPS", or "TOPS" for integers
  double dense = 0;
  double sparse = 0;  // with 2:4 sparsity; 0 where the card has none for this type
};

struct Peaks {
  double fp32_tflops = 0;
  double fp16_tflops = 0;  // outside the tensor cores
  double fp64_tflops = 0;
  double int32_tops = 0;  // additions
  double ray_tracing_tflops = 0;
  double memory_gb_per_second = 0;
  double l2_gb_per_second = 0;      // reads, at the boost clock
  double shared_gb_per_second = 0;  // all SMs, at the boost clock
  double pcie_gb_per_second = 0;    // one direction
  double nvlink_gb_per_second = 0;  // both directions together, as vendors count it; 0 without NVLink
  std::vector<TensorPeak> tensor;   // the types that the card has
  TensorPeak best_tensor;           // the one with the largest figure
};

// All at `card.clocks.boost_mhz`.
Peaks peaks(const Card& card);

}  // namespace doppel::card
