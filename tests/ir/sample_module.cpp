// SPDX-License-Identifier: Apache-2.0
#include "sample_module.h"

#include <algorithm>

#include "ir/verify.h"

namespace doppel::ir::test {
namespace {

// Of the operation and of its sources, where the row names them.
struct Types {
  Type type = Type::U32, source_type = Type::None;
};

Types types_of(Op op) {
  switch (op) {
    case Op::ISet:
    case Op::ISelect:
    case Op::IConvert:
    case Op::IPack:
      return {op == Op::IPack ? Type::U8 : Type::U32, Type::S32};
    case Op::FSet:
    case Op::FSelect:
    case Op::FToI:
      return {Type::S32, Type::F32};
    case Op::IToF:
      return {Type::F32, Type::S32};
    case Op::FConvert:
      return {Type::F32, Type::F64};
    case Op::MbarrierTest:
      return {Type::B64, Type::B32};
    case Op::SharedRank:
      return {Type::U32, Type::U32};
    case Op::FPack:
      return {Type::F16x2, Type::F32};
    case Op::Dp4a:
    case Op::Dp2a:
      return {Type::S32, Type::U32};
    case Op::ToGeneric:
    case Op::FromGeneric:
    case Op::Pack:
    case Op::Unpack:
      return {Type::B64};
    case Op::Lop3:
    case Op::Redux:
      return {Type::B32};
    case Op::Vote:
      return {Type::Pred};
    default:
      return {row(op).issue == IssueRules::Float || row(op).nan != NanRule::Bits || op == Op::FCopysign
                  ? Type::F32
                  : Type::U32};
  }
}

Attributes attributes_of(Op op) {
  const AttributeSet has = row(op).attributes;
  Attributes a;
  if ((has & kMulPart) != 0) a.mul_part = MulPart::Lo;
  if ((has & kRounding) != 0) a.rounding = op == Op::FToI ? Rounding::Rzi : Rounding::Rn;
  if ((has & kCompare) != 0) a.compare = Compare::Eq;
  if ((has & kAtomicOp) != 0) a.atomic_op = op == Op::Redux ? AtomicOp::And : AtomicOp::Add;
  if ((has & kShuffle) != 0) a.shuffle = ShuffleMode::Bfly;
  if ((has & kVote) != 0) a.vote = VoteMode::All;
  if ((has & kMatch) != 0) a.match = MatchMode::Any;
  if ((has & kBarrier) != 0) a.barrier = BarrierMode::RedPopc;
  if ((has & kShift) != 0) a.shift = ShiftMode::Clamp;
  if ((has & kDirection) != 0) a.direction = ShiftDirection::Left;
  if ((has & kTestp) != 0) a.testp = TestpMode::Finite;
  if ((has & kMatrixLayout) != 0) a.layout = MatrixLayout::Rows;
  if ((has & kBarrierStep) != 0) a.barrier_step = BarrierStep::Arrive;
  if ((has & kTensor) != 0) a.tensor = TensorMode::Tile;
  if ((has & kSpace) != 0) a.space = Space::Shared;
  if ((has & kScope) != 0) a.scope = Scope::Gpu;
  if ((has & kLut) != 0) a.lut = 0x96;
  if ((has & kMatrix) != 0) a.matrix = find_matrix_form("m8n8k16_s32_s8_s8_s32").value();
  return a;
}

bool needs_set_barrier(Op op) { return op == Op::ConvergeBreak || op == Op::ConvergeWait; }

class Sample {
 public:
  explicit Sample(Op op) {
    operation_.op = op;
    operation_.type = types_of(op).type;
    operation_.source_type = types_of(op).source_type;
    operation_.attributes = attributes_of(op);
    // Two parts of a value, one element of memory, a register of A and B each and two of C and D; a call
    // passes nothing.
    const bool multiplies = op == Op::MatrixMultiply;
    const std::size_t parts = op == Op::Pack || op == Op::Unpack ? 2 : op == Op::Call ? 0 : 1;
    add(row(op).results, multiplies ? 2 : parts, operation_.results);
    add(row(op).sources, multiplies ? 4 : parts, operation_.sources);
    if (row(op).issue == IssueRules::Texture) add_texture_operands();
    if (op == Op::ConvergeSet || needs_set_barrier(op)) operation_.sources = {Operand::of_immediate(3)};
    for (int i = 0; i < row(op).accesses; ++i) {
      Access access;
      access.space = Space::Global;
      access.type = operation_.type;
      if (op == Op::MatrixLoad || op == Op::MatrixStore) {
        access.type = Type::B32;
        access.vector = 4;
      }
      if (op == Op::AsyncCopy) {
        access.space = i == 0 ? Space::Shared : Space::Global;
        access.completion = Completion::Group;
      }
      if (op == Op::BulkCopy) {
        access.space = i == 0 ? Space::Global : Space::Shared;
        access.completion = Completion::BulkGroup;
      }
      if (op == Op::TensorCopy && i == 0) {
        access.space = Space::Shared;
        access.completion = Completion::BulkGroup;
      } else if (op == Op::TensorCopy) {
        access.space = Space::Generic;
        access.type = Type::B64;
        access.vector = 16;
      }
      if (op == Op::AsyncStore || op == Op::LaunchCancel) {
        access.space = Space::Shared;
        access.completion = Completion::Mbarrier;
        access.barrier.base = Address::Base::Register;
        access.barrier.reg = new_register(64);
      }
      access.address.base = Address::Base::Register;
      access.address.reg = new_register(64);
      operation_.accesses.push_back(access);
    }
  }

  Module module() && {
    const bool ends = ends_block(operation_);
    if (row(operation_).flow == Flow::Targets) operation_.targets.push_back(1);
    module_.front_end = "test";
    module_.target = "sm_120";
    function_.forms = {"sample"};
    if (operation_.op == Op::Call) {
      operation_.callee = std::make_shared<const Callee>(Callee{1, std::nullopt, {}});
      module_.functions.resize(1);
    }
    Operation leave;
    leave.op = Op::Return;
    function_.name = "sample";
    function_.is_kernel = true;
    function_.linkage = Linkage::Visible;
    if (needs_set_barrier(operation_.op)) {
      // It is set in a block of its own before.
      Operation set;
      set.op = Op::ConvergeSet;
      set.type = operation_.type;
      set.sources = operation_.sources;
      function_.operations = {set, operation_, leave};
      function_.blocks = {{0, 1}, {1, 3}};
    } else {
      function_.operations = {operation_, leave};
      function_.blocks = ends ? std::vector<Block>{{0, 1}, {1, 2}} : std::vector<Block>{{0, 2}};
    }
    std::vector<Function> functions{function_};
    if (operation_.op == Op::Call) {
      Function callee;
      callee.name = "callee";
      callee.operations = {leave};
      callee.blocks = {{0, 1}};
      functions.push_back(callee);
    }
    module_.functions = std::move(functions);
    return std::move(module_);
  }

 private:
  // A texture or surface of two dimensions, and the values that it gives or takes.
  void add_texture_operands() {
    const Op op = operation_.op;
    const bool query = op == Op::TextureQuery;
    const std::size_t values = op == Op::TextureFetch || op == Op::TextureGather ? 4 : 1;
    operation_.results.clear();
    operation_.sources = {Operand::of_register(new_register(64))};
    for (int i = 0; i < (query ? 0 : 2); ++i)
      operation_.sources.push_back(Operand::of_register(new_register(32)));
    std::vector<Operand>& holds =
        op == Op::SurfaceStore || op == Op::SurfaceReduce ? operation_.sources : operation_.results;
    for (std::size_t i = 0; i < values; ++i) holds.push_back(Operand::of_register(new_register(32)));
    TextureForm& form = operation_.attributes.texture;
    if (query) {
      form.query = TextureQuery::Width;
      return;
    }
    form.geometry = TextureGeometry::D2;
    if (op == Op::TextureGather) form.component = TextureComponent::Red;
    if (op != Op::TextureFetch && op != Op::TextureGather) form.bounds = SurfaceBounds::Clamp;
  }

  RegisterId new_register(int bits) {
    function_.registers.push_back(static_cast<std::uint8_t>(bits));
    return static_cast<RegisterId>(function_.registers.size() - 1);
  }

  // Of any width: an equal part of the type.
  int width(const OperandRole& role, std::size_t parts) const {
    const int bits = operation_.op == Op::MatrixMultiply ? 32 : width_of(role, operation_);
    return bits != 0 ? bits : bit_width(operation_.type) / static_cast<int>(std::max<std::size_t>(parts, 1));
  }

  void add(const OperandRoles& roles, std::size_t parts, std::vector<Operand>& to) {
    for (const OperandRole& role : roles.all()) {
      const std::size_t count = role.optional ? 0 : role.many ? parts : 1;
      for (std::size_t i = 0; i < count; ++i)
        to.push_back(Operand::of_register(new_register(width(role, parts))));
    }
  }

  Operation operation_;
  Function function_;
  Module module_;
};

}  // namespace

Module sample_module(Op op) { return Sample(op).module(); }

}  // namespace doppel::ir::test
