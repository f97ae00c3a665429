// SPDX-License-Identifier: Apache-2.0
#include "same_module.h"

#include <fmt/format.h>

#include <cstring>
#include <tuple>

namespace doppel::ptx::test {
namespace {

bool same(const Operand& a, const Operand& b) {
  if (std::tie(a.kind, a.negated, a.address_base, a.component, a.special, a.reg, a.label, a.function,
               a.symbol, a.offset, a.immediate) != std::tie(b.kind, b.negated, b.address_base, b.component,
                                                            b.special, b.reg, b.label, b.function, b.symbol,
                                                            b.offset, b.immediate) ||
      a.elements.size() != b.elements.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.elements.size(); ++i) {
    if (!same(a.elements[i], b.elements[i])) return false;
  }
  return true;
}

bool same(const std::vector<Operand>& a, const std::vector<Operand>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!same(a[i], b[i])) return false;
  }
  return true;
}

bool same(const Modifiers& a, const Modifiers& b) {
  const auto fields = [](const Modifiers& m) {
    return std::tuple_cat(
        std::tie(m.rounding, m.compare, m.bool_op, m.mul_part, m.cache_op, m.semantics, m.scope, m.atomic_op,
                 m.shuffle, m.vote, m.match, m.barrier, m.shift, m.direction, m.prmt, m.testp, m.layout,
                 m.space, m.vector),
        std::tie(m.ftz, m.sat, m.satfinite, m.relu, m.approx, m.full, m.carry_out, m.carry_in, m.uniform,
                 m.to, m.aligned, m.noftz, m.xorsign, m.abs, m.nan, m.shiftamt, m.wait, m.lut));
  };
  return fields(a) == fields(b);
}

bool same(const Call& a, const Call& b) {
  return a.callee == b.callee && same(a.target, b.target) && a.prototype == b.prototype &&
         a.possible_targets == b.possible_targets && same(a.returns, b.returns) &&
         same(a.arguments, b.arguments);
}

bool same(const Instruction& a, const Instruction& b) {
  if (a.opcode != b.opcode || a.type != b.type || a.source_type != b.source_type ||
      !same(a.modifiers, b.modifiers))
    return false;
  if (a.guard.has_value() != b.guard.has_value()) return false;
  if (a.guard && (a.guard->predicate != b.guard->predicate || a.guard->negated != b.guard->negated))
    return false;
  if (!same(a.operands, b.operands) || a.second_destination.has_value() != b.second_destination.has_value())
    return false;
  if (a.second_destination && !same(*a.second_destination, *b.second_destination)) return false;
  if ((a.call == nullptr) != (b.call == nullptr) || (a.call != nullptr && !same(*a.call, *b.call)))
    return false;
  return a.branch_targets == b.branch_targets && a.source.file == b.source.file &&
         a.source.line == b.source.line;
}

bool same(const Variable& a, const Variable& b) {
  if (std::tie(a.space, a.type, a.size, a.alignment, a.linkage, a.managed, a.initializer) !=
          std::tie(b.space, b.type, b.size, b.alignment, b.linkage, b.managed, b.initializer) ||
      a.relocations.size() != b.relocations.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.relocations.size(); ++i) {
    const Relocation &x = a.relocations[i], &y = b.relocations[i];
    if (std::tie(x.offset, x.size, x.generic, x.is_function, x.target, x.addend) !=
        std::tie(y.offset, y.size, y.generic, y.is_function, y.target, y.addend)) {
      return false;
    }
  }
  return true;
}

bool same(const std::vector<Variable>& a, const std::vector<Variable>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!same(a[i], b[i])) return false;
  }
  return true;
}

std::string difference(const Function& a, const Function& b) {
  if (a.name != b.name || a.is_kernel != b.is_kernel || a.is_declaration != b.is_declaration ||
      a.linkage != b.linkage)
    return "head";
  if (!same(a.parameters, b.parameters) || !same(a.return_parameters, b.return_parameters))
    return "parameters";
  if (a.parameter_registers != b.parameter_registers || a.return_registers != b.return_registers)
    return "parameter registers";
  if (a.registers.size() != b.registers.size()) return "number of registers";
  for (std::size_t i = 0; i < a.registers.size(); ++i) {
    if (a.registers[i].type != b.registers[i].type) return fmt::format("register {}", i);
  }
  if (!same(a.variables, b.variables)) return "variables";
  if (a.prototypes.size() != b.prototypes.size()) return "prototypes";
  for (std::size_t i = 0; i < a.prototypes.size(); ++i) {
    if (!same(a.prototypes[i].parameters, b.prototypes[i].parameters)) return "prototype parameters";
    if (!same(a.prototypes[i].return_parameters, b.prototypes[i].return_parameters))
      return "prototype return parameters";
  }
  if (a.instructions.size() != b.instructions.size()) return "number of instructions";
  for (std::size_t i = 0; i < a.instructions.size(); ++i) {
    if (!same(a.instructions[i], b.instructions[i]))
      return fmt::format("instruction {} ({})", i, a.instructions[i].form);
  }
  if (a.labels != b.labels) return "labels";
  if (std::memcmp(&a.bounds, &b.bounds, offsetof(LaunchBounds, explicit_cluster)) != 0 ||
      a.bounds.explicit_cluster != b.bounds.explicit_cluster || a.bounds.no_return != b.bounds.no_return)
    return "bounds";
  return {};
}

}  // namespace

std::string difference(const Module& a, const Module& b) {
  if (std::tie(a.version_major, a.version_minor, a.target, a.address_size, a.files) !=
      std::tie(b.version_major, b.version_minor, b.target, b.address_size, b.files)) {
    return "header";
  }
  if (a.variables.size() != b.variables.size()) return "number of variables";
  for (std::size_t i = 0; i < a.variables.size(); ++i) {
    if (a.variables[i].name != b.variables[i].name || !same(a.variables[i], b.variables[i]))
      return "variable " + a.variables[i].name;
  }
  if (a.functions.size() != b.functions.size()) return "number of functions";
  for (std::size_t i = 0; i < a.functions.size(); ++i) {
    const std::string found = difference(a.functions[i], b.functions[i]);
    if (!found.empty()) return a.functions[i].name + ": " + found;
  }
  return {};
}

}  // namespace doppel::ptx::test
