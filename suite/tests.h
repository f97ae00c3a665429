// SPDX-License-Identifier: Apache-2.0
// The tests of the suite by name. Each runs alone, checks its own answer and times itself with the card's
// events.
#pragma once

#include <span>
#include <stdexcept>

#include "host/card.h"
#include "result.h"

namespace doppel::suite {

// What a test throws where the card has no units for it. That is no failure.
class Absent : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Test {
  const char* name;
  const char* what;
  Result (*run)(const host::Card& card);
  // Where it is set, `run` only takes the time, of more work than a check can wait for; this says of less of
  // it whether the answer is right.
  bool (*check)(const host::Card& card) = nullptr;
};

std::span<const Test> fma_tests();
std::span<const Test> mandelbrot_tests();
std::span<const Test> stream_tests();
std::span<const Test> copy_tests();
std::span<const Test> peer_tests();
std::span<const Test> launch_tests();
std::span<const Test> matmul_tests();
std::span<const Test> sgemm_step_tests();
std::span<const Test> tensor_tests();
std::span<const Test> gemm_tests();
std::span<const Test> data_tests();
std::span<const Test> application_tests();
std::span<const Test> attention_tests();
std::span<const Test> cache_tests();
std::span<const Test> cryptography_tests();
std::span<const Test> finance_tests();
std::span<const Test> science_tests();
std::span<const Test> texture_tests();

}  // namespace doppel::suite
