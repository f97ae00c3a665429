// SPDX-License-Identifier: Apache-2.0
// Each opcode with its type to the operation of the IR that does it.
#include "frontend/ptx/instruction_to_ir.h"

#include <stdexcept>
#include <string>

#include "ir/attribute_names.h"
#include "ir/tensor_map.h"

namespace doppel::ptx {
namespace {

using ir::Op;

// The parser rewrites or refuses what has none.
[[noreturn]] void no_operation(Opcode opcode) {
  throw std::logic_error("no operation stands for '" + std::string(name_of(opcode)) + "'");
}

// Of opcodes that serve whole numbers and floats, by the type. Those that need more than that are not here.
Op by_type(Opcode opcode, bool is_float_type) {
  const auto either = [&](Op integer, Op floating) { return is_float_type ? floating : integer; };
  switch (opcode) {
    case Opcode::Add:
      return either(Op::IAdd, Op::FAdd);
    case Opcode::Sub:
      return either(Op::ISub, Op::FSub);
    case Opcode::Mul:
      return either(Op::IMul, Op::FMul);
    case Opcode::Abs:
      return either(Op::IAbs, Op::FAbs);
    case Opcode::Neg:
      return either(Op::INeg, Op::FNeg);
    case Opcode::Min:
      return either(Op::IMin, Op::FMin);
    case Opcode::Max:
      return either(Op::IMax, Op::FMax);
    case Opcode::Setp:
      return either(Op::ICompare, Op::FCompare);
    case Opcode::Set:
      return either(Op::ISet, Op::FSet);
    case Opcode::Slct:
      return either(Op::ISelect, Op::FSelect);
    case Opcode::Div:
      return either(Op::IDiv, Op::FDiv);
    default:
      no_operation(opcode);
  }
}

// Of opcodes that are one operation whatever their suffixes.
Op plain(Opcode opcode) {
  switch (opcode) {
    case Opcode::Mad:
      return Op::IMad;
    case Opcode::Mul24:
      return Op::IMul24;
    case Opcode::Mad24:
      return Op::IMad24;
    case Opcode::Sad:
      return Op::ISad;
    case Opcode::Rem:
      return Op::IRem;
    case Opcode::Popc:
      return Op::Popc;
    case Opcode::Clz:
      return Op::Clz;
    case Opcode::Bfind:
      return Op::Bfind;
    case Opcode::Fns:
      return Op::Fns;
    case Opcode::Brev:
      return Op::Brev;
    case Opcode::Bfe:
      return Op::Bfe;
    case Opcode::Bfi:
      return Op::Bfi;
    case Opcode::Szext:
      return Op::Szext;
    case Opcode::Bmsk:
      return Op::Bmsk;
    case Opcode::Dp4a:
      return Op::Dp4a;
    case Opcode::Dp2a:
      return Op::Dp2a;
    case Opcode::Testp:
      return Op::FTest;
    case Opcode::Copysign:
      return Op::FCopysign;
    case Opcode::Fma:
      return Op::FFma;
    case Opcode::Rsqrt:
      return Op::FRsqrt;
    case Opcode::Sin:
      return Op::FSin;
    case Opcode::Cos:
      return Op::FCos;
    case Opcode::Lg2:
      return Op::FLg2;
    case Opcode::Ex2:
      return Op::FEx2;
    case Opcode::Tanh:
      return Op::FTanh;
    case Opcode::Selp:
      return Op::Select;
    case Opcode::And:
      return Op::And;
    case Opcode::Or:
      return Op::Or;
    case Opcode::Xor:
      return Op::Xor;
    case Opcode::Not:
      return Op::Not;
    case Opcode::Cnot:
      return Op::Cnot;
    case Opcode::Lop3:
      return Op::Lop3;
    case Opcode::Shf:
      return Op::Shf;
    case Opcode::Shl:
      return Op::Shl;
    case Opcode::Shr:
      return Op::Shr;
    case Opcode::Shfl:
      return Op::Shuffle;
    case Opcode::Prmt:
      return Op::Prmt;
    case Opcode::Ld:
    case Opcode::Ldu:
      return Op::Load;
    case Opcode::St:
      return Op::Store;
    case Opcode::Prefetch:
    case Opcode::Prefetchu:
      return Op::Prefetch;
    case Opcode::Applypriority:
    case Opcode::Discard:
      return Op::CacheHint;
    case Opcode::Createpolicy:
      return Op::CachePolicy;
    case Opcode::Isspacep:
      return Op::InSpace;
    case Opcode::CvtPack:
      return Op::IPack;
    case Opcode::Bra:
      return Op::Branch;
    case Opcode::BrxIdx:
      return Op::BranchTable;
    case Opcode::Call:
      return Op::Call;
    case Opcode::Ret:
      return Op::Return;
    case Opcode::Exit:
      return Op::Exit;
    case Opcode::Trap:
    case Opcode::Brkpt:  // without a debugger
      return Op::Trap;
    case Opcode::BarWarpSync:
      return Op::WarpSync;
    case Opcode::Membar:
      return Op::Fence;
    case Opcode::Mapa:
      return Op::MapShared;
    case Opcode::Getctarank:
      return Op::SharedRank;
    case Opcode::StAsync:
    case Opcode::RedAsync:
      return Op::AsyncStore;
    case Opcode::StBulk:
      return Op::BulkFill;
    case Opcode::ClusterlaunchcontrolTryCancel:
      return Op::LaunchCancel;
    case Opcode::Setmaxnreg:
      return Op::RegisterCount;
    case Opcode::Atom:
      return Op::Atomic;
    case Opcode::Red:
      return Op::Reduce;
    case Opcode::Vote:
      return Op::Vote;
    case Opcode::Match:
      return Op::Match;
    case Opcode::Activemask:
      return Op::ActiveMask;
    case Opcode::Redux:
      return Op::Redux;
    case Opcode::Nanosleep:
      return Op::Nanosleep;
    case Opcode::Elect:
      return Op::Elect;
    case Opcode::Movmatrix:
      return Op::MatrixTranspose;
    case Opcode::Mma:
      return Op::MatrixMultiply;
    case Opcode::Ldmatrix:
      return Op::MatrixLoad;
    case Opcode::Stmatrix:
      return Op::MatrixStore;
    case Opcode::Mbarrier:
    case Opcode::CpAsyncMbarrierArrive:
      return Op::Mbarrier;
    case Opcode::MbarrierWait:
      return Op::MbarrierTest;
    case Opcode::CpAsyncBulk:
      return Op::BulkCopy;
    case Opcode::CpAsyncBulkCommitGroup:
      return Op::BulkCommit;
    case Opcode::CpAsyncBulkWaitGroup:
      return Op::BulkWait;
    case Opcode::CpAsyncBulkPrefetch:
    case Opcode::CpAsyncBulkPrefetchTensor:
      return Op::CacheHint;
    case Opcode::CpAsyncBulkTensor:
      return Op::TensorCopy;
    case Opcode::CpAsync:
      return Op::AsyncCopy;
    case Opcode::CpAsyncCommitGroup:
      return Op::AsyncCommit;
    case Opcode::CpAsyncWaitGroup:
    case Opcode::CpAsyncWaitAll:
      return Op::AsyncWait;
    case Opcode::Tex:
      return Op::TextureFetch;
    case Opcode::Tld4:
      return Op::TextureGather;
    case Opcode::Txq:
    case Opcode::Suq:
    case Opcode::Istypep:
      return Op::TextureQuery;
    case Opcode::Suld:
      return Op::SurfaceLoad;
    case Opcode::Sust:
      return Op::SurfaceStore;
    case Opcode::Sured:
      return Op::SurfaceReduce;
    case Opcode::Griddepcontrol:
      return Op::GridDependency;
    case Opcode::Pmevent:
      return Op::PerformanceEvent;
    default:
      no_operation(opcode);
  }
}

Op conversion(const Instruction& in) {
  if (is_packed(in.type)) return Op::FPack;
  const bool from_float = is_float(in.source_type), to_float = is_float(in.type);
  if (from_float) return to_float ? Op::FConvert : Op::FToI;
  return to_float ? Op::IToF : Op::IConvert;
}

Op barrier(BarrierMode mode) {
  if (mode == BarrierMode::Sync) return Op::Barrier;
  return mode == BarrierMode::Arrive ? Op::BarrierArrive : Op::BarrierReduce;
}

Op choose(const Instruction& in) {
  const Modifiers& m = in.modifiers;
  switch (in.opcode) {
    case Opcode::Add:
      return m.carry_out ? Op::IAddCarry : by_type(in.opcode, is_float(in.type));
    case Opcode::Sub:
      return m.carry_out ? Op::ISubCarry : by_type(in.opcode, is_float(in.type));
    case Opcode::AddC:
      return Op::IAddCarry;
    case Opcode::SubC:
      return Op::ISubCarry;
    case Opcode::MadC:
      return Op::IMadCarry;
    case Opcode::Mad:
      return m.carry_out ? Op::IMadCarry : Op::IMad;
    case Opcode::Div:
      if (m.approx || m.full) return Op::FDivApprox;
      return by_type(in.opcode, is_float(in.type));
    case Opcode::Rcp:
      return m.approx ? Op::FRcpApprox : Op::FRcp;
    case Opcode::Sqrt:
      return m.approx ? Op::FSqrtApprox : Op::FSqrt;
    case Opcode::Mul:
    case Opcode::Abs:
    case Opcode::Neg:
    case Opcode::Min:
    case Opcode::Max:
    case Opcode::Setp:
      return by_type(in.opcode, is_float(in.type));
    case Opcode::Set:
    case Opcode::Slct:
      return by_type(in.opcode, is_float(in.source_type));
    case Opcode::Mov:
      if (in.operands[0].kind == Operand::Kind::Vector) return Op::Unpack;
      return in.operands[1].kind == Operand::Kind::Vector ? Op::Pack : Op::Mov;
    case Opcode::Cvta:
      return m.to ? Op::FromGeneric : Op::ToGeneric;
    case Opcode::Cvt:
      return conversion(in);
    case Opcode::Bar:
      return barrier(m.barrier);
    case Opcode::BarrierCluster:
      return m.barrier == BarrierMode::Arrive ? Op::ClusterArrive : Op::ClusterWait;
    default:
      return plain(in.opcode);
  }
}

// Those of PTX that the operation has; the others say what chose it, or have no effect.
ir::Attributes attributes(ir::Attributes all, ir::AttributeSet has) {
  ir::for_each_attribute(all, [has]<typename Field>(ir::AttributeSet which, Field& field, ir::Words) {
    if ((has & which) == 0) field = {};
  });
  if ((has & ir::kLut) == 0) all.lut = 0;
  if ((has & ir::kMatrix) == 0) all.matrix = {};
  if ((has & ir::kTexture) == 0) all.texture = {};
  return all;
}

ir::Operand operand(const Operand& from) {
  switch (from.kind) {
    case Operand::Kind::Register:
      return ir::Operand::of_register(from.reg, from.negated);
    case Operand::Kind::Immediate:
      return ir::Operand::of_immediate(from.immediate);
    case Operand::Kind::Special:
      return ir::Operand::of_special(from.special, from.component);
    case Operand::Kind::Symbol:
      return ir::Operand::of_symbol(from.symbol, from.offset);
    case Operand::Kind::Function:
      return ir::Operand::of_function(from.function);
    case Operand::Kind::Address:
      // Of a call: the variable that holds an argument. Of a policy's range, which nobody reads.
      if (from.address_base == Operand::AddressBase::Symbol)
        return ir::Operand::of_symbol(from.symbol, from.offset);
      if (from.address_base == Operand::AddressBase::Register) return ir::Operand::of_register(from.reg);
      return ir::Operand::of_immediate(static_cast<std::uint64_t>(from.offset));
    case Operand::Kind::Sink:
    case Operand::Kind::Label:
    case Operand::Kind::Vector:
      break;
  }
  return {};
}

void append(std::vector<ir::Operand>& to, const Operand& from) {
  if (from.kind != Operand::Kind::Vector) {
    to.push_back(operand(from));
    return;
  }
  for (const Operand& element : from.elements) to.push_back(operand(element));
}

ir::Access access(const Instruction& in, const Operand& address) {
  const Modifiers& m = in.modifiers;
  ir::Access to;
  to.space = m.space;
  to.type = in.type == Type::None ? Type::B8 : in.type;
  to.vector = m.vector;
  to.semantics = m.semantics;
  to.scope = m.scope;
  to.cache = m.cache_op;
  to.address.offset = address.offset;
  switch (address.address_base) {
    case Operand::AddressBase::None:
      break;
    case Operand::AddressBase::Register:
      to.address.base = ir::Address::Base::Register;
      to.address.reg = address.reg;
      break;
    case Operand::AddressBase::Symbol:
      to.address.base = ir::Address::Base::Symbol;
      to.address.symbol = address.symbol;
      break;
  }
  return to;
}

// [target], [source], and how many bytes, which the accesses have.
void add_copy(const Instruction& in, ir::Operation& to) {
  ir::Access source = access(in, in.operands.at(1)), target = access(in, in.operands.at(0));
  source.space = Space::Global;
  target.space = Space::Shared;
  target.cache = CacheOp::None;
  source.completion = target.completion = ir::Completion::Group;
  to.accesses = {target, source};
  for (std::size_t i = 3; i < in.operands.size(); ++i) append(to.sources, in.operands[i]);
}

// [target], [source], how many bytes, perhaps [barrier], perhaps a mask.
void add_bulk_copy(const Instruction& in, ir::Operation& to) {
  ir::Access target = access(in, in.operands.at(0)), source = access(in, in.operands.at(1));
  target.vector = source.vector = 1;
  source.space = in.modifiers.source_space;
  std::size_t at = 2;
  append(to.sources, in.operands.at(at++));
  target.completion = ir::Completion::BulkGroup;
  if (at < in.operands.size() && in.operands[at].kind == Operand::Kind::Address) {
    target.completion = ir::Completion::Mbarrier;
    target.barrier = access(in, in.operands[at++]).address;
  }
  source.completion = target.completion;
  source.barrier = target.barrier;
  to.accesses = {target, source};
  for (; at < in.operands.size(); ++at) append(to.sources, in.operands[at]);
}

// [target], [map, coordinates], [barrier], perhaps offsets, perhaps a mask; or [map, coordinates], [source].
void add_tensor_copy(const Instruction& in, ir::Operation& to) {
  const bool loads = in.modifiers.space != Space::Global;
  std::size_t at = loads ? 1 : 0;
  ir::Access map = access(in, in.operands.at(at++));
  map.space = Space::Generic;
  map.type = Type::B64;
  map.vector = sizeof(ir::TensorMap) / 8;
  to.sources.push_back(ir::Operand::of_immediate(ir::kOwnBlock));
  append(to.sources, in.operands.at(at++));
  ir::Access shared = access(in, in.operands.at(loads ? 0 : at++));
  shared.space = loads ? in.modifiers.space : Space::Shared;
  shared.completion = ir::Completion::BulkGroup;
  if (loads) {
    shared.completion = ir::Completion::Mbarrier;
    shared.barrier = access(in, in.operands.at(at++)).address;
  }
  to.accesses = {shared, map};
  for (; at < in.operands.size(); ++at) {
    if (in.operands[at].kind == Operand::Kind::Vector) {
      append(to.sources, in.operands[at]);
    } else {
      to.sources[0] = operand(in.operands[at]);
      if (to.sources[0].is_immediate()) to.sources[0].immediate &= ir::kOwnBlock - 1;
    }
  }
}

// [target], perhaps a value, [barrier].
void add_async_store(const Instruction& in, ir::Operation& to) {
  ir::Access target = access(in, in.operands.front());
  target.completion = ir::Completion::Mbarrier;
  target.barrier = access(in, in.operands.back()).address;
  to.accesses = {target};
  if (in.operands.size() > 2) append(to.sources, in.operands[1]);
}

void add_call(const Instruction& in, ir::Operation& to) {
  const Call& call = *in.call;
  to.callee =
      std::make_shared<const ir::Callee>(ir::Callee{call.callee, call.prototype, call.possible_targets});
  if (!call.callee) to.sources.push_back(operand(call.target));
  for (const Operand& argument : call.arguments) to.sources.push_back(operand(argument));
  for (const Operand& result : call.returns) to.results.push_back(operand(result));
}

// The operands behind the destination that are data: not the labels of branches, nor the table of lop3.
void add_operands(const Instruction& in, const ir::OperationRow& row, ir::Operation& to) {
  std::size_t at = 0;
  if (row.results.count != 0 && !in.operands.empty() && in.operands[0].kind != Operand::Kind::Address)
    append(to.results, in.operands[at++]);
  if (in.second_destination) to.results.push_back(operand(*in.second_destination));
  to.sources.reserve(in.operands.size() - at);
  for (; at < in.operands.size(); ++at) {
    const Operand& each = in.operands[at];
    if (each.kind == Operand::Kind::Label || (to.op == Op::Lop3 && at == 4)) continue;
    if (each.kind == Operand::Kind::Address && to.accesses.size() < row.accesses) {
      to.accesses.push_back(access(in, each));
    } else {
      append(to.sources, each);
    }
  }
}

// add.cc and sub.cc begin a chain: with a carry of 0, and of 1 where nothing has been borrowed. What is not
// .cc leaves the flag as it was.
void add_carry(const Instruction& in, RegisterId carry, ir::Operation& to) {
  const Modifiers& m = in.modifiers;
  to.results.push_back(m.carry_out ? ir::Operand::of_register(carry) : ir::Operand{});
  to.sources.push_back(m.carry_in ? ir::Operand::of_register(carry)
                                  : ir::Operand::of_immediate(to.op == Op::ISubCarry ? 1 : 0));
}

}  // namespace

bool uses_carry(const Instruction& instruction) {
  return instruction.modifiers.carry_in || instruction.modifiers.carry_out;
}

ir::Operation to_ir(const Instruction& in, RegisterId carry) {
  ir::Operation to;
  to.op = choose(in);
  to.type = in.type;
  to.source_type = in.source_type;
  to.guard = in.guard;
  const ir::OperationRow& row = ir::row(to.op);
  to.attributes = attributes(in.modifiers, row.attributes);
  if (in.call) {
    add_call(in, to);
  } else if (to.op == Op::AsyncCopy) {
    add_copy(in, to);
  } else if (to.op == Op::BulkCopy) {
    add_bulk_copy(in, to);
  } else if (to.op == Op::TensorCopy) {
    add_tensor_copy(in, to);
  } else if (to.op == Op::AsyncStore || to.op == Op::LaunchCancel) {
    add_async_store(in, to);
  } else if (to.op == Op::BulkFill) {
    to.accesses = {access(in, in.operands[0])};
    append(to.sources, in.operands[1]);
  } else {
    add_operands(in, row, to);
  }
  // Others may change the barrier meanwhile.
  if (to.op == Op::MbarrierTest && !to.accesses[0].is_strong())
    to.accesses[0].semantics = MemorySemantics::Acquire;
  if (uses_carry(in)) add_carry(in, carry, to);
  // All threads of the warp take part.
  if (to.op == Op::MatrixTranspose || to.op == Op::MatrixMultiply || to.op == Op::MatrixLoad ||
      to.op == Op::MatrixStore)
    to.sources.push_back(ir::Operand::of_immediate(~std::uint64_t{0}));
  return to;
}

}  // namespace doppel::ptx
