// SPDX-License-Identifier: Apache-2.0
// What the host's vectors multiply; to the bit as code for any host does.
#pragma once

#include "engine/double_product.h"
#include "engine/float_product.h"
#include "engine/whole_product.h"

namespace doppel::engine {

// Null where the host has not what they need.
struct VectorProducts {
  FloatProduct floats = nullptr;
  FloatProductRun float_run = nullptr;  // where there is the other
  WholeProduct whole = nullptr;
  DoubleProduct doubles = nullptr;
  DoubleProductRun double_run = nullptr;  // where there is the other
};

VectorProducts avx2_products();
VectorProducts avx512_products();
VectorProducts avx512vnni_products();
VectorProducts best_products();  // of this host

}  // namespace doppel::engine
