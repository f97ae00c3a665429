// SPDX-License-Identifier: Apache-2.0
#include "engine/matrix_products.h"

namespace doppel::engine {

void MatrixProducts::prepare(Entry& entry, std::uint64_t form, std::uint64_t how, const MatrixRules& rules) {
  ir::Attributes what;
  what.matrix = ir::unpacked_matrix_form(form);
  what.satfinite = (how & 1) != 0;
  what.atomic_op = static_cast<ir::AtomicOp>(how >> 1 & 255);
  what.rounding = static_cast<ir::Rounding>(how >> 9 & 255);
  entry = {form, how, matrix_product(what, rules)};
}

}  // namespace doppel::engine
