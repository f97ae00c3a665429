// SPDX-License-Identifier: Apache-2.0
// mov with its packing forms, special registers, isspacep (PTX ISA 9.7.9.3, 9.7.9.4, 10).
#include <algorithm>
#include <cstddef>

#include "jit/launch_context.h"
#include "jit/lower.h"

namespace doppel::jit {

using ir::Op;
using ir::Operand;
using ir::Operation;
using ir::SpecialRegister;
using llvm::Value;

namespace {

// {low, ..., high} to one value.
void lower_pack(FunctionEmitter& emitter, const Operation& operation) {
  llvm::IRBuilder<>& b = emitter.b();
  const int bits = ir::bit_width(operation.type);
  const int part = bits / static_cast<int>(operation.sources.size());
  const bool uniform = std::ranges::all_of(operation.sources, [&](const Operand& source) {
    return emitter.analysis().operand_pattern(source, part).is_uniform();
  });
  Value* result = nullptr;
  int at = 0;
  for (const Operand& source : operation.sources) {
    const Lanes lanes = emitter.read(source, part);
    Value* value = emitter.resize(uniform ? lanes.parts[0] : emitter.materialize(lanes), part, false);
    value = emitter.resize(value, bits, false);
    if (at != 0) value = b.CreateShl(value, emitter.constant(value->getType(), static_cast<unsigned>(at)));
    result = result == nullptr ? value : b.CreateOr(result, value);
    at += part;
  }
  emitter.write(operation.results[0], result);
}

void lower_unpack(FunctionEmitter& emitter, const Operation& operation) {
  llvm::IRBuilder<>& b = emitter.b();
  const int part = ir::bit_width(operation.type) / static_cast<int>(operation.results.size());
  const Lanes source = emitter.read(operation.sources[0], operation.type);
  Value* whole = source.pattern.is_uniform() ? source.parts[0] : emitter.materialize(source);
  std::vector<Value*> parts;
  for (std::size_t i = 0; i < operation.results.size(); ++i) {
    Value* shifted =
        i == 0 ? whole
               : b.CreateLShr(whole, emitter.constant(whole->getType(), i * static_cast<unsigned>(part)));
    parts.push_back(emitter.resize(shifted, part, false));
  }
  for (std::size_t i = 0; i < parts.size(); ++i) emitter.write(operation.results[i], parts[i]);
}

// isspacep: which window a generic address lies in. What is in neither of the block's windows is global.
bool lower_isspacep(FunctionEmitter& emitter, const Operation& operation) {
  llvm::IRBuilder<>& b = emitter.b();
  Value* address = emitter.read_vector(operation.sources[0], ir::Type::B64);
  const auto inside = [&](Value* start, Value* size) {
    return b.CreateICmpULT(b.CreateSub(address, start), size);
  };
  Value* shared_start = emitter.splat(emitter.launch().field(offsetof(WarpContext, shared), b.getInt64Ty()));
  Value* shared_size =
      b.CreateAdd(emitter.launch().field(offsetof(WarpContext, static_shared_bytes), b.getInt32Ty()),
                  emitter.launch().field(offsetof(WarpContext, dynamic_shared_bytes), b.getInt32Ty()));
  Value* shared = inside(shared_start, emitter.splat(b.CreateZExt(shared_size, b.getInt64Ty())));
  Value* cluster = inside(shared_start, emitter.constant(address->getType(), kSharedWindowBytes));
  Value* stride = emitter.launch().field(offsetof(WarpContext, local_stride), b.getInt64Ty());
  Value* local =
      inside(emitter.materialize(emitter.launch().window_base(ir::Space::Local)), emitter.splat(stride));
  Value* result = nullptr;
  switch (operation.attributes.space) {
    case ir::Space::Shared:
      result = shared;
      break;
    case ir::Space::SharedCluster:
      result = cluster;
      break;
    case ir::Space::Local:
      result = local;
      break;
    case ir::Space::Global:
      result = b.CreateNot(b.CreateOr(cluster, local));
      break;
    case ir::Space::Param:
      result = inside(emitter.materialize(emitter.launch().window_base(ir::Space::Param)),
                      emitter.splat(emitter.i64(emitter.launch().kernel_parameter_bytes())));
      break;
    case ir::Space::Const:
      result = llvm::Constant::getNullValue(shared->getType());
      break;
    default:
      return false;
  }
  emitter.write(operation.results[0], result);
  return true;
}

Value* cluster_extent(FunctionEmitter& emitter, std::uint32_t axis) {
  return emitter.launch().field(offsetof(WarpContext, cluster_nctaid) + std::size_t{4} * axis,
                                emitter.b().getInt32Ty());
}

Value* place_in_grid(FunctionEmitter& emitter, std::size_t offset, std::uint32_t axis) {
  return emitter.launch().field(offset + std::size_t{4} * axis, emitter.b().getInt32Ty());
}

// Of the block in its cluster.
Value* place_in_cluster(FunctionEmitter& emitter, std::uint32_t axis) {
  return emitter.b().CreateURem(place_in_grid(emitter, offsetof(WarpContext, ctaid), axis),
                                cluster_extent(emitter, axis));
}

Value* rank_in_cluster(FunctionEmitter& emitter) {
  llvm::IRBuilder<>& b = emitter.b();
  Value* const row = b.CreateAdd(place_in_cluster(emitter, 1),
                                 b.CreateMul(place_in_cluster(emitter, 2), cluster_extent(emitter, 1)));
  return b.CreateAdd(place_in_cluster(emitter, 0), b.CreateMul(row, cluster_extent(emitter, 0)));
}

// mapa: see kClusterRankShift.
void lower_map_shared(FunctionEmitter& emitter, const Operation& operation) {
  llvm::IRBuilder<>& b = emitter.b();
  Value* address = emitter.read_vector(operation.sources[0], operation.type);
  const auto constant = [&](std::uint64_t value) { return emitter.constant(address->getType(), value); };
  const bool generic = operation.attributes.space == ir::Space::Generic;
  Value* const window =
      emitter.splat(emitter.resize(emitter.launch().field(offsetof(WarpContext, shared), b.getInt64Ty()),
                                   ir::bit_width(operation.type), false));
  if (generic) address = b.CreateSub(address, window);
  Value* const rank = emitter.resize(emitter.read_vector(operation.sources[1], ir::Type::B32),
                                     ir::bit_width(operation.type), false);
  Value* result = b.CreateOr(b.CreateAnd(address, constant((std::uint64_t{1} << kClusterRankShift) - 1)),
                             b.CreateShl(b.CreateAdd(rank, constant(1)), constant(kClusterRankShift)));
  if (generic) result = b.CreateAdd(result, window);
  emitter.write(operation.results[0], result);
}

// getctarank
void lower_shared_rank(FunctionEmitter& emitter, const Operation& operation) {
  llvm::IRBuilder<>& b = emitter.b();
  Value* address = emitter.read_vector(operation.sources[0], operation.source_type);
  if (operation.attributes.space == ir::Space::Generic)
    address = b.CreateSub(address, emitter.splat(emitter.resize(
                                       emitter.launch().field(offsetof(WarpContext, shared), b.getInt64Ty()),
                                       ir::bit_width(operation.source_type), false)));
  Value* const rank = emitter.resize(
      b.CreateLShr(address, emitter.constant(address->getType(), kClusterRankShift)), 32, false);
  Value* const own = emitter.splat(rank_in_cluster(emitter));
  emitter.write(operation.results[0],
                b.CreateSelect(b.CreateICmpEQ(rank, emitter.constant(rank->getType(), 0)), own,
                               b.CreateSub(rank, emitter.constant(rank->getType(), 1))));
}

}  // namespace

Lanes read_special(FunctionEmitter& emitter, const Operand& operand) {
  llvm::IRBuilder<>& b = emitter.b();
  llvm::Type* word = b.getInt32Ty();
  llvm::Type* longer = b.getInt64Ty();
  const auto field = [&](std::size_t offset) {
    return emitter.uniform(emitter.launch().field(offset, word));
  };
  const auto component = [&](std::size_t offset) {
    return operand.component < 3 ? field(offset + 4 * operand.component) : emitter.uniform(emitter.i32(0));
  };
  const auto mask = [&](auto lane_mask) {
    analysis::LaneConstants values;
    for (int lane = 0; lane < kWarpLanes; ++lane)
      values[lane] = static_cast<std::int64_t>(lane_mask(static_cast<unsigned>(lane)));
    return emitter.varying(emitter.lane_constants(values, 32));
  };
  const auto ask = [&](std::size_t offset) {
    return emitter.launch().callback(offset, llvm::FunctionType::get(longer, {b.getPtrTy(), word}, false),
                                     {emitter.launch().context(), emitter.i32(emitter.operation_number())});
  };
  const auto high = [&](Value* value) { return emitter.resize(b.CreateLShr(value, 32), 32, false); };
  switch (operand.special) {
    case SpecialRegister::Tid: {
      Lanes lanes;
      lanes.pattern = emitter.analysis().special_pattern(operand);
      if (operand.component >= 3) return emitter.uniform(emitter.i32(0));
      if (lanes.pattern.is_parts()) {
        lanes.parts.push_back(
            lanes.pattern.alignment == 64
                ? emitter.i32(0)
                : emitter.launch().field(offsetof(WarpContext, tid_base) + 4 * operand.component, word));
        return lanes;
      }
      return emitter.varying(emitter.launch().field(
          offsetof(WarpContext, tid) + 4 * kWarpLanes * operand.component, emitter.int_type(32, false)));
    }
    case SpecialRegister::Laneid: {
      Lanes lanes;
      lanes.pattern = emitter.analysis().special_pattern(operand);
      lanes.parts.push_back(emitter.i32(0));
      return lanes;
    }
    case SpecialRegister::Ntid: {
      Lanes lanes = component(offsetof(WarpContext, ntid));
      lanes.pattern = emitter.analysis().special_pattern(operand);
      return lanes;
    }
    case SpecialRegister::Ctaid:
      return component(offsetof(WarpContext, ctaid));
    case SpecialRegister::Nctaid:
      return component(offsetof(WarpContext, nctaid));
    case SpecialRegister::Clusterid:
    case SpecialRegister::Nclusterid: {
      if (operand.component >= 3) return emitter.uniform(emitter.i32(0));
      const std::size_t of_grid = operand.special == SpecialRegister::Clusterid
                                      ? offsetof(WarpContext, ctaid)
                                      : offsetof(WarpContext, nctaid);
      return emitter.uniform(b.CreateUDiv(place_in_grid(emitter, of_grid, operand.component),
                                          cluster_extent(emitter, operand.component)));
    }
    case SpecialRegister::ClusterCtaid:
      return emitter.uniform(operand.component < 3 ? place_in_cluster(emitter, operand.component)
                                                   : emitter.i32(0));
    case SpecialRegister::ClusterCtarank:
      return emitter.uniform(rank_in_cluster(emitter));
    case SpecialRegister::ClusterNctaid:
      return component(offsetof(WarpContext, cluster_nctaid));
    case SpecialRegister::ClusterNctarank:
      return emitter.uniform(b.CreateMul(b.CreateMul(cluster_extent(emitter, 0), cluster_extent(emitter, 1)),
                                         cluster_extent(emitter, 2)));
    case SpecialRegister::IsExplicitCluster:
      return emitter.uniform(b.CreateICmpNE(
          emitter.launch().field(offsetof(WarpContext, is_explicit_cluster), word), emitter.i32(0)));
    case SpecialRegister::Warpid:
      return field(offsetof(WarpContext, warp_id));
    case SpecialRegister::Nwarpid:
      return field(offsetof(WarpContext, warps_per_sm));
    case SpecialRegister::Smid:
      return field(offsetof(WarpContext, sm_id));
    case SpecialRegister::Nsmid:
      return field(offsetof(WarpContext, sm_count));
    case SpecialRegister::Gridid:
      return emitter.uniform(emitter.launch().field(offsetof(WarpContext, grid_id), longer));
    case SpecialRegister::LanemaskEq:
      return mask([](unsigned lane) { return 1u << lane; });
    case SpecialRegister::LanemaskLt:
      return mask([](unsigned lane) { return (1u << lane) - 1; });
    case SpecialRegister::LanemaskLe:
      return mask([](unsigned lane) { return (2u << lane) - 1; });
    case SpecialRegister::LanemaskGt:
      return mask([](unsigned lane) { return ~((2u << lane) - 1); });
    case SpecialRegister::LanemaskGe:
      return mask([](unsigned lane) { return ~((1u << lane) - 1); });
    case SpecialRegister::Clock64:
      return emitter.uniform(ask(offsetof(RuntimeCallbacks, clock)));
    case SpecialRegister::Clock:
      return emitter.uniform(emitter.resize(ask(offsetof(RuntimeCallbacks, clock)), 32, false));
    case SpecialRegister::ClockHi:
      return emitter.uniform(high(ask(offsetof(RuntimeCallbacks, clock))));
    case SpecialRegister::Globaltimer:
      return emitter.uniform(ask(offsetof(RuntimeCallbacks, globaltimer)));
    case SpecialRegister::GlobaltimerLo:
      return emitter.uniform(emitter.resize(ask(offsetof(RuntimeCallbacks, globaltimer)), 32, false));
    case SpecialRegister::GlobaltimerHi:
      return emitter.uniform(high(ask(offsetof(RuntimeCallbacks, globaltimer))));
    case SpecialRegister::TotalSmemSize:
    case SpecialRegister::AggrSmemSize:
      return emitter.uniform(
          b.CreateAdd(emitter.launch().field(offsetof(WarpContext, static_shared_bytes), word),
                      emitter.launch().field(offsetof(WarpContext, dynamic_shared_bytes), word)));
    case SpecialRegister::DynamicSmemSize:
      return field(offsetof(WarpContext, dynamic_shared_bytes));
    case SpecialRegister::WarpSize:
      return emitter.uniform(emitter.i32(kWarpLanes));
    case SpecialRegister::CurrentGraphExec:
      return emitter.uniform(emitter.i64(0));
    case SpecialRegister::ReservedSmemOffset: {
      constexpr std::uint32_t kValues[] = {kReservedSharedOffset,
                                           kReservedSharedOffset + kReservedSharedBytes, kReservedSharedBytes,
                                           kReservedSharedOffset, kReservedSharedUserOffset};
      return emitter.uniform(emitter.i32(kValues[operand.component]));
    }
    case SpecialRegister::Envreg: {
      // Registers of the driver's own (PTX ISA 10, "%envreg<32>"): the two that cooperative groups read.
      if (operand.component != 1 && operand.component != 2) return emitter.uniform(emitter.i32(0));
      llvm::Value* workspace = emitter.launch().field(offsetof(WarpContext, grid_workspace), longer);
      return emitter.uniform(operand.component == 1 ? high(workspace) : emitter.resize(workspace, 32, false));
    }
    case SpecialRegister::Pm64:
      return emitter.uniform(emitter.i64(0));
    case SpecialRegister::Pm:
      return emitter.uniform(emitter.i32(0));
  }
  return emitter.uniform(emitter.i32(0));
}

bool lower_move(FunctionEmitter& emitter, const Operation& operation) {
  switch (operation.op) {
    case Op::Mov:
      emitter.write(operation.results[0], emitter.read(operation.sources[0], operation.type));
      return true;
    case Op::Pack:
      lower_pack(emitter, operation);
      return true;
    case Op::Unpack:
      lower_unpack(emitter, operation);
      return true;
    case Op::InSpace:
      return lower_isspacep(emitter, operation);
    case Op::MapShared:
      lower_map_shared(emitter, operation);
      return true;
    case Op::SharedRank:
      lower_shared_rank(emitter, operation);
      return true;
    default:
      return false;
  }
}

}  // namespace doppel::jit
