// SPDX-License-Identifier: Apache-2.0
#include "ir/verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/attribute_names.h"
#include "ir/print.h"
#include "ir/verify_convergence.h"

namespace doppel::ir {
namespace {

struct Violation {
  std::string message;
};

template <typename... Arguments>
[[noreturn]] void violated(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  throw Violation{fmt::format(format, std::forward<Arguments>(arguments)...)};
}

class FunctionVerifier {
 public:
  FunctionVerifier(const Module& module, const Function& function) : module_(module), function_(function) {}

  std::string run() {
    try {
      declarations();
      blocks();
      for (at_ = 0; at_ < function_.operations.size(); ++at_) operation(function_.operations[at_]);
      if (const auto wrong = verify_convergence(function_)) {
        at_ = wrong->operation;
        throw Violation{wrong->message};
      }
      return {};
    } catch (const Violation& violation) {
      return where() + violation.message;
    }
  }

 private:
  std::string where() const {
    std::string place = fmt::format("ir: function '{}'", function_.name);
    if (at_ < function_.operations.size()) {
      const Operation& operation = function_.operations[at_];
      place += fmt::format(", operation {}", at_);
      if (operation.origin.text.line != 0) place += fmt::format(" (line {})", operation.origin.text.line);
      place += fmt::format(", {}", name_of(operation.op));
    }
    return place + ": ";
  }

  void declarations() const {
    for (const std::uint8_t width : function_.registers) {
      if (width != 1 && width != 8 && width != 16 && width != 32 && width != 64 && width != 128)
        violated("no register has {} bits", width);
    }
    if (function_.is_declaration) return;
    if (function_.parameter_registers.size() != function_.parameters.size() ||
        function_.return_registers.size() != function_.return_parameters.size())
      violated("a parameter lacks its register");
    parameters(function_.parameters, function_.parameter_registers);
    parameters(function_.return_parameters, function_.return_registers);
  }

  void parameters(const std::vector<Variable>& all, const std::vector<RegisterId>& registers) const {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].space == Space::Reg) register_exists(registers[i]);
    }
  }

  void blocks() const {
    std::uint32_t at = 0;
    for (BlockId id = 0; id < function_.blocks.size(); ++id) {
      const Block& block = function_.blocks[id];
      if (block.first != at || block.last < block.first || block.last > function_.operations.size())
        violated("block b{} does not begin where the one before it ends", id);
      if (block.first == block.last && id + 1 != function_.blocks.size()) violated("block b{} is empty", id);
      for (std::uint32_t i = block.first; i + 1 < block.last; ++i) {
        if (ends_block(function_.operations[i]))
          violated("operation {} ends block b{} before its end", i, id);
      }
      at = block.last;
    }
    if (at != function_.operations.size()) violated("operations stand outside of all blocks");
  }

  void register_exists(RegisterId reg) const {
    if (reg >= function_.registers.size()) violated("there is no register %{}", reg);
  }

  void operation(const Operation& o) const {
    const OperationRow& facts = row(o);
    if (o.guard) {
      register_exists(o.guard->predicate);
      if (function_.width(o.guard->predicate) != 1) violated("%{} is no predicate", o.guard->predicate);
    }
    attributes(o, facts);
    operands(o, facts.results, o.results, true);
    operands(o, facts.sources, o.sources, false);
    if (o.accesses.size() != facts.accesses)
      violated("{} accesses where {} belong", o.accesses.size(), facts.accesses);
    for (const Access& each : o.accesses) {
      access(each);
      completion(o, each);
    }
    if (o.op == Op::Load || o.op == Op::Store) {
      const auto& values = o.op == Op::Load ? o.results : o.sources;
      if (values.size() != o.accesses[0].vector)
        violated("{} values where the access has {}", values.size(), o.accesses[0].vector);
    }
    if (o.op == Op::Atomic || o.op == Op::Reduce) atomic(o);
    if (o.op == Op::MatrixLoad || o.op == Op::MatrixStore) matrix_rows(o);
    if (o.op == Op::AsyncCopy) copy(o);
    if (o.op == Op::BulkCopy) bulk_copy(o);
    if (o.op == Op::TensorCopy) tensor_copy(o);
    if (o.op == Op::AsyncStore || o.op == Op::LaunchCancel) async_store(o);
    if (facts.issue == IssueRules::Texture) texture(o);
    if (o.op == Op::Pack || o.op == Op::Unpack) parts(o);
    targets(o, facts);
    if (o.op == Op::Call) {
      call(o);
    } else if (o.callee) {
      violated("it calls nothing");
    }
    if (!function_.forms.empty() && o.origin.form >= function_.forms.size())
      violated("its form is none of the function's");
  }

  static void attributes(const Operation& o, const OperationRow& facts) {
    for_each_attribute(o.attributes,
                       [&]<typename Field>(AttributeSet which, const Field& field, Words words) {
                         if ((facts.attributes & which) == 0 && field != Field{})
                           violated("it has no '{}'", word_of(words, field));
                       });
    if ((facts.attributes & kLut) == 0 && o.attributes.lut != 0) violated("it has no table");
    if (((facts.attributes & kMatrix) == 0) != (o.attributes.matrix == MatrixForm{}))
      violated("its shape of a matrix is missing, or it has none");
    if (((facts.attributes & kTexture) == 0) != (o.attributes.texture == TextureForm{}))
      violated("its form of a texture is missing, or it has none");
  }

  static void atomic(const Operation& o) {
    const std::size_t elements = o.accesses[0].vector;
    const std::size_t sources = o.attributes.atomic_op == AtomicOp::Cas ? 2 * elements : elements;
    if (o.sources.size() != sources || (o.op == Op::Atomic && o.results.size() != elements))
      violated("operands for another number of elements than the {} of its access", elements);
  }

  // Roles that may be missing do so from the front on, as far as the number of operands asks for.
  void operands(const Operation& o, const OperandRoles& roles, const std::vector<Operand>& all,
                bool are_results) const {
    const char* const what = are_results ? "results" : "sources";
    std::size_t needed = 0, most = 0;
    bool any_number = false;
    for (const OperandRole& role : roles.all()) {
      any_number = any_number || role.many;
      needed += role.optional || role.many ? 0 : 1;
      ++most;
    }
    if (all.size() < needed || (!any_number && all.size() > most))
      violated("{} {} where {} to {} belong", all.size(), what, needed, most);
    std::size_t spare = all.size() - needed, at = 0;
    for (const OperandRole& role : roles.all()) {
      std::size_t count = 1;
      if (role.many) {
        count = spare;
      } else if (role.optional) {
        count = std::min<std::size_t>(spare, 1);
      }
      if (role.many || role.optional) spare -= count;
      for (std::size_t i = 0; i < count; ++i) operand(o, role, all[at++], are_results);
    }
  }

  void operand(const Operation& o, const OperandRole& role, const Operand& each, bool is_result) const {
    const int width = width_of(role, o);
    if (width == 0 && role.width != OperandRole::Width::Any) violated("its type is missing");
    if (each.negated && width != 1) violated("only a predicate may be negated");
    switch (each.kind) {
      case Operand::Kind::Sink:
        if (!is_result) violated("a source is missing");
        return;
      case Operand::Kind::Register: {
        register_exists(each.reg);
        const int has = function_.width(each.reg);
        if (width != 0 && has != width && !(role.relaxed && has > width))
          violated("%{} has {} bits where {} belong", each.reg, has, width);
        return;
      }
      case Operand::Kind::Immediate:
        if (is_result) violated("a result is a constant");
        return;
      case Operand::Kind::Special:
      case Operand::Kind::Function:
        if (o.op != Op::Mov) violated("only mov reads a special register or the address of a function");
        if (each.kind == Operand::Kind::Function && each.function >= module_.functions.size())
          violated("there is no function {}", each.function);
        return;
      case Operand::Kind::Symbol:
        if (o.op != Op::Mov && o.op != Op::ToGeneric && o.op != Op::MapShared && o.op != Op::SharedRank &&
            o.op != Op::Call)
          violated("only mov takes an address of a variable");
        symbol(each.symbol());
        return;
    }
  }

  void symbol(SymbolRef s) const {
    std::size_t count = 0;
    switch (s.scope) {
      case SymbolRef::Scope::Module:
        count = module_.variables.size();
        break;
      case SymbolRef::Scope::Function:
        count = function_.variables.size();
        break;
      case SymbolRef::Scope::Parameter:
        count = function_.parameters.size();
        break;
      case SymbolRef::Scope::ReturnParameter:
        count = function_.return_parameters.size();
        break;
    }
    if (s.index >= count) violated("there is no variable {} in its scope", s.index);
  }

  void access(const Access& a) const {
    if (a.vector == 0 || bit_width(a.type) < 8) violated("an access of no bytes");
    address(a.address);
  }

  void address(const Address& a) const {
    if (a.base == Address::Base::Symbol) symbol(a.symbol);
    if (a.base != Address::Base::Register) return;
    register_exists(a.reg);
    const int width = function_.width(a.reg);
    if (width != 32 && width != 64) violated("%{} of {} bits holds no address", a.reg, width);
  }

  void completion(const Operation& o, const Access& a) const {
    if (a.completion != Completion::Mbarrier && a.barrier != Address{})
      violated("an mbarrier that nothing arrives at");
    address(a.barrier);
    if (a.completion == Completion::None) return;
    if (!o.results.empty()) violated("a register would have its result before it ends");
    if (row(o).memory == MemoryEffect::Hint) violated("a hint is no access that ends");
  }

  static void async_store(const Operation& o) {
    if (o.accesses[0].completion != Completion::Mbarrier) violated("nothing tells of its end");
  }

  static void copy(const Operation& o) {
    const Access &to = o.accesses[0], &from = o.accesses[1];
    if (from.space != Space::Global || to.space != Space::Shared)
      violated("a copy is from global to shared memory");
    if (from.bytes() != to.bytes() || from.bytes() > 16)
      violated("a copy of {} bytes to {}", from.bytes(), to.bytes());
    if (from.completion != Completion::Group || to.completion != Completion::Group)
      violated("a copy ends with its group");
  }

  static void bulk_copy(const Operation& o) {
    const Access &to = o.accesses[0], &from = o.accesses[1];
    const bool to_shared = to.space == Space::Shared || to.space == Space::SharedCluster;
    if (to_shared ? from.space != Space::Global && from.space != Space::Shared
                  : to.space != Space::Global || from.space != Space::Shared)
      violated("a bulk copy is between global and shared memory, or blocks of a cluster");
    if (to.completion != (to_shared ? Completion::Mbarrier : Completion::BulkGroup))
      violated("a bulk copy ends with its group, or by a barrier where it writes shared memory");
  }

  // The mask, then the coordinates, then offsets: of each dimension between the first and the last, or two.
  static void tensor_copy(const Operation& o) {
    const Access &shared = o.accesses[0], &map = o.accesses[1];
    const bool loads = shared.completion == Completion::Mbarrier;
    if (shared.space != Space::Shared && !(loads && shared.space == Space::SharedCluster))
      violated("a tensor copy is between global and shared memory");
    if (!loads && shared.completion != Completion::BulkGroup)
      violated("a tensor copy ends with its group, or by a barrier where it writes shared memory");
    if (map.bytes() != 128 || map.completion != Completion::None) violated("a tensor map has 128 bytes");
    const std::size_t operands = o.sources.size() - 1;
    const auto between = [&](std::size_t least, std::size_t most) {
      return least <= operands && operands <= most;
    };
    bool fits = false;
    switch (o.attributes.tensor) {
      case TensorMode::None:
        break;
      case TensorMode::Tile:
        fits = between(1, 5);
        break;
      case TensorMode::Gather4:
        fits = loads && operands == 5;
        break;
      case TensorMode::Im2col:
        fits = loads && between(4, 8) && operands % 2 == 0;
        break;
      case TensorMode::Im2colW:
        fits = loads && between(5, 7);
        break;
      case TensorMode::Im2colNoOffsets:
        fits = !loads && between(3, 5);
        break;
    }
    if (!fits) violated("{} operands do not suit its mode", operands);
    if (loads && o.attributes.atomic_op != AtomicOp::None)
      violated("only what is in global memory is reduced");
  }

  // A lane for each row, eight for each register.
  void matrix_rows(const Operation& o) const {
    const std::size_t registers = o.op == Op::MatrixLoad ? o.results.size() : o.sources.size() - 1;
    if (registers != 1 && registers != 2 && registers != 4) violated("{} registers of a fragment", registers);
    if (o.accesses[0].type != Type::B32 || o.accesses[0].vector != 4)
      violated("a row of a matrix is four words");
    if (o.attributes.layout == MatrixLayout::None) violated("its layout is missing");
  }

  // Handles, then words, then values, as many as the form has.
  void texture(const Operation& o) const {
    const TextureForm& form = o.attributes.texture;
    const std::size_t handles = form.sampler ? 2 : 1;
    const std::size_t words = o.op == Op::TextureQuery ? (form.level == TextureLevel::Level ? 1 : 0)
                                                       : static_cast<std::size_t>(form.words());
    const bool writes = o.op == Op::SurfaceStore || o.op == Op::SurfaceReduce;
    if (o.sources.size() < handles + words || (!writes && o.sources.size() != handles + words))
      violated("{} sources do not suit its form", o.sources.size());
    for (std::size_t i = 0; i < handles + words; ++i) {
      const int wanted = i < handles ? 64 : 32;
      const Operand& each = o.sources[i];
      if (each.is_register() && function_.width(each.reg) != wanted)
        violated("%{} has {} bits where {} belong", each.reg, function_.width(each.reg), wanted);
    }
    const std::size_t values =
        writes ? o.sources.size() - handles - words : o.results.size() - (form.resident ? 1 : 0);
    if (values != 1 && values != 2 && values != 4) violated("{} values", values);
    if (form.resident && o.results.back().is_register() && function_.width(o.results.back().reg) != 1)
      violated("%{} is no predicate", o.results.back().reg);
  }

  void parts(const Operation& o) const {
    const auto& all = o.op == Op::Pack ? o.sources : o.results;
    const int width = bit_width(o.type);
    if (all.empty() || width % static_cast<int>(all.size()) != 0)
      violated("{} parts of {} bits", all.size(), width);
    const int part = width / static_cast<int>(all.size());
    for (const Operand& each : all) {
      if (each.is_register() && function_.width(each.reg) != part)
        violated("%{} has {} bits where a part has {}", each.reg, function_.width(each.reg), part);
    }
  }

  void targets(const Operation& o, const OperationRow& facts) const {
    const bool branches = facts.flow == Flow::Targets;
    if (branches != !o.targets.empty() || (o.op == Op::Branch && o.targets.size() != 1))
      violated("{} targets", o.targets.size());
    for (const BlockId target : o.targets) {
      if (target >= function_.blocks.size()) violated("there is no block b{}", target);
    }
  }

  void call(const Operation& o) const {
    if (!o.callee) violated("whom it calls is missing");
    const Callee& callee = *o.callee;
    const auto exists = [&](FunctionId id) {
      if (id >= module_.functions.size()) violated("there is no function {}", id);
    };
    if (callee.function) {
      exists(*callee.function);
    } else if (o.sources.empty()) {
      violated("the address of the function is missing");
    }
    std::ranges::for_each(callee.possible_targets, exists);
    if (callee.prototype && *callee.prototype >= function_.prototypes.size())
      violated("there is no prototype {}", *callee.prototype);
  }

  const Module& module_;
  const Function& function_;
  std::size_t at_ = SIZE_MAX;
};

std::string verify_variable(const Module& module, const Variable& variable) {
  if (!variable.initializer.empty() && variable.initializer.size() != variable.size)
    return fmt::format("ir: variable '{}': {} bytes of contents where it has {}", variable.name,
                       variable.initializer.size(), variable.size);
  for (const Relocation& each : variable.relocations) {
    const std::size_t count = each.is_function ? module.functions.size() : module.variables.size();
    if (each.target >= count || each.size > 8 || each.offset > variable.size ||
        variable.size - each.offset < each.size)
      return fmt::format("ir: variable '{}': an address in it lies outside, or is of nothing", variable.name);
  }
  return {};
}

}  // namespace

int width_of(const OperandRole& role, const Operation& operation) {
  switch (role.width) {
    case OperandRole::Width::Type:
      return bit_width(operation.type);
    case OperandRole::Width::SourceType:
      return bit_width(operation.source_type);
    case OperandRole::Width::Product:
      return bit_width(operation.type) * (operation.attributes.mul_part == MulPart::Wide ? 2 : 1);
    case OperandRole::Width::Word:
      return 32;
    case OperandRole::Width::Long:
      return 64;
    case OperandRole::Width::Predicate:
      return 1;
    case OperandRole::Width::Any:
      break;
  }
  return 0;
}

std::string verify(const Module& module, const Function& function) {
  return FunctionVerifier(module, function).run();
}

std::string verify(const Module& module) {
  for (const Variable& each : module.variables) {
    if (std::string wrong = verify_variable(module, each); !wrong.empty()) return wrong;
  }
  for (const Function& each : module.functions) {
    if (std::string wrong = verify(module, each); !wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace doppel::ir
