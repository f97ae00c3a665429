// SPDX-License-Identifier: Apache-2.0
// Products of matrices on the tensor cores: one operation each, as the assembler makes them.
#include <algorithm>

#include "machine/operation_selection.h"

namespace doppel::machine {
namespace {

using ir::MatrixElement;
using ir::MatrixForm;

struct Rule {
  const char* mnemonic;
  Pipe pipe;
};

// Of factors of two types the slower one counts.
Rule rule_of(const MatrixForm& form) {
  if (form.is_narrow()) return {"OMMA", Pipe::TensorScaledFp4};
  switch (std::min(form.a, form.b)) {
    case MatrixElement::F16:
      return {"HMMA", form.d == MatrixElement::F16 ? Pipe::TensorF16 : Pipe::TensorF16ToF32};
    case MatrixElement::BF16:
      return {"HMMA", Pipe::TensorBf16};
    case MatrixElement::TF32:
      return {"HMMA", Pipe::TensorTf32};
    case MatrixElement::F64:
      return {"DMMA", Pipe::Fp64};
    case MatrixElement::S8:
    case MatrixElement::U8:
      return {"IMMA", Pipe::TensorInt8};
    case MatrixElement::S4:
    case MatrixElement::U4:
      return {"IMMA", Pipe::TensorInt4};
    case MatrixElement::B1:
      return {"BMMA", Pipe::TensorBit};
    case MatrixElement::E4M3:
    case MatrixElement::E5M2:
      return {"QMMA", Pipe::TensorFp8};
    case MatrixElement::E3M2:
    case MatrixElement::E2M3:
      return {"QMMA", Pipe::TensorFp6};
    default:
      return {"QMMA", Pipe::TensorFp4};
  }
}

}  // namespace

void select_matrix(OperationBuilder& b, const ir::Operation& in) {
  if (in.op != ir::Op::MatrixMultiply) b.no_rule(in);
  const MatrixForm& form = in.attributes.matrix;
  const Rule rule = rule_of(form);
  const int products = form.m * form.n * form.k;
  MachineOperation& operation =
      b.emit(in, rule.mnemonic, rule.pipe, b.result_of(in), source_values(b, in), 2 * products / 32);
  const int in_pass = rule.pipe == Pipe::Fp64 ? 32 : 16 * 8 * 128 / form.bits_of(form.a);
  operation.is_sparse = form.sparse;
  operation.passes = static_cast<std::uint16_t>(std::max(1, products / in_pass));
  for (std::size_t i = 1; i < in.results.size(); ++i) b.add_result(operation, b.value_of(in.results[i]));
}

}  // namespace doppel::machine
