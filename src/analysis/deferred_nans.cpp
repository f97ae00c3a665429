// SPDX-License-Identifier: Apache-2.0
#include "analysis/deferred_nans.h"

#include "ir/operation.h"

namespace doppel::analysis {
namespace {

using ir::NanRule;
using ir::Operation;
using ir::Type;

// The type of what it computes with.
Type source_type(const Operation& operation) {
  return operation.source_type != Type::None ? operation.source_type : operation.type;
}

bool gives_canonical_nan(const Operation& operation) {
  return ir::row(operation).nan == NanRule::Canonical && operation.type == Type::F32 &&
         !operation.attributes.sat;
}

bool is_plain_move(const Operation& operation) {
  return operation.op == ir::Op::Mov && operation.results[0].is_register() &&
         operation.sources[0].is_register();
}

}  // namespace

bool ignores_nan_payload(const Operation& operation) {
  return ir::row(operation).nan != NanRule::Bits && source_type(operation) == Type::F32;
}

std::vector<bool> deferred_nans(const ir::Function& function) {
  std::vector<bool> defined(function.registers.size(), false), deferred(function.registers.size(), true);
  // Only parameters in register space have a register.
  for (std::size_t i = 0; i < function.parameter_registers.size(); ++i) {
    if (function.parameters[i].space == ir::Space::Reg) deferred[function.parameter_registers[i]] = false;
  }
  for (std::size_t i = 0; i < function.return_registers.size(); ++i) {
    if (function.return_parameters[i].space == ir::Space::Reg) deferred[function.return_registers[i]] = false;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const Operation& operation : function.operations) {
      const bool fine =
          gives_canonical_nan(operation) || (is_plain_move(operation) && deferred[operation.sources[0].reg]);
      ir::for_each_definition(operation, [&](ir::RegisterId reg) {
        defined[reg] = true;
        if (!fine && deferred[reg]) {
          deferred[reg] = false;
          changed = true;
        }
      });
    }
  }
  for (std::size_t reg = 0; reg < deferred.size(); ++reg) {
    deferred[reg] = deferred[reg] && defined[reg] && function.width(static_cast<ir::RegisterId>(reg)) == 32;
  }
  return deferred;
}

}  // namespace doppel::analysis
