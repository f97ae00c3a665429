// SPDX-License-Identifier: Apache-2.0
// Input values that find mistakes: the ends and special values of every type that shares the width, and
// random bits.
#pragma once

#include <cstdint>
#include <random>

namespace doppel::every_form {

std::uint16_t interesting16(std::mt19937& random);
std::uint32_t interesting32(std::mt19937& random);
std::uint64_t interesting64(std::mt19937& random);

}  // namespace doppel::every_form
