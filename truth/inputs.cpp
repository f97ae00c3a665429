// SPDX-License-Identifier: Apache-2.0
#include "inputs.h"

#include <fmt/format.h>

#include <stdexcept>

namespace doppel::truth {

std::ifstream open(const char* file) {
  std::ifstream in(std::string(DOPPEL_SOURCE_DIR) + "/truth/" + file);
  if (!in) throw std::runtime_error(std::string("truth/") + file + ": cannot be read");
  return in;
}

std::string note_of(const Prediction& prediction) {
  return fmt::format(
      "{}, {} registers{}, occupancy {:.2f}, L1 {:.2f}, L2 {:.2f}", prediction.bound, prediction.registers,
      prediction.spilled_bytes > 0 ? fmt::format(" and {} bytes", prediction.spilled_bytes) : "",
      prediction.occupancy, prediction.l1_hit, prediction.l2_hit);
}

}  // namespace doppel::truth
