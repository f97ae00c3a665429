// SPDX-License-Identifier: Apache-2.0
#include "engine/matrix_products.h"

#include "jit/warp_abi.h"

namespace doppel::engine {

void MatrixProducts::prepare(Entry& entry, std::uint64_t form, std::uint32_t how, const MatrixRules& rules) {
  ir::Attributes what = jit::unpacked_matrix_attributes(how);
  what.matrix = ir::unpacked_matrix_form(form);
  entry = {form, how, matrix_product(what, rules, best_products())};
}

}  // namespace doppel::engine
