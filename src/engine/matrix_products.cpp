// SPDX-License-Identifier: Apache-2.0
#include "engine/matrix_products.h"

#include "engine/float_memo.h"
#include "jit/warp_abi.h"

namespace doppel::engine {

MatrixProducts::MatrixProducts() = default;
MatrixProducts::~MatrixProducts() = default;

void MatrixProducts::make_memo() { memo_ = std::make_unique<FloatMemo>(); }

void MatrixProducts::prepare(Entry& entry, std::uint64_t form, std::uint32_t how, const MatrixRules& rules) {
  ir::Attributes what = jit::unpacked_matrix_attributes(how);
  what.matrix = ir::unpacked_matrix_form(form);
  entry = {form, how, matrix_product(what, rules, best_products())};
}

}  // namespace doppel::engine
