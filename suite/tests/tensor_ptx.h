// SPDX-License-Identifier: Apache-2.0
// The kernel of a type of the tensor cores, written as PTX: clang compiles CUDA C++ for no card that has all
// of them.
#pragma once

#include <string>

#include "tensor_form.h"

namespace doppel::suite {

// A kernel `(double* out, unsigned iterations)` of the name below. Each warp holds A and B of ones; an
// iteration adds their product once to each of its kTensorChains accumulators of zeros, kTensorSteps times
// over. Each thread stores the sum of all elements of its accumulators.
std::string tensor_ptx(const TensorForm& form);
// "tensor_f16_f32"
std::string tensor_kernel(const TensorForm& form);

inline constexpr int kTensorSteps = 2;

}  // namespace doppel::suite
