// SPDX-License-Identifier: Apache-2.0
// The types of values, the spaces of memory and the special registers of a thread. They are named as PTX
// names them (PTX ISA 5, 10), which the field reads.
#pragma once

#include <cstdint>
#include <string_view>

namespace doppel::ir {

// What the bits of a value mean to one operation (PTX ISA 5.2). A register has a width only.
enum class Type : std::uint8_t {
  None,
  Pred,
  B8,
  B16,
  B32,
  B64,
  B128,
  U2,
  U4,
  U8,
  U16,
  U32,
  U64,
  S2,
  S4,
  S8,
  S16,
  S32,
  S64,
  U16x2,
  S16x2,
  F16,
  F16x2,
  BF16,
  BF16x2,
  TF32,
  F32,
  F32x2,
  F64,
  E4M3,
  E5M2,
  E2M1,
  E2M3,  // in a byte, as E3M2
  E3M2,
  UE8M0,
  E4M3x2,
  E5M2x2,
  E2M1x2,
  E2M3x2,
  E3M2x2,
  UE8M0x2,
};

// Size of one value in memory and in a register, in bits; U2 to S4 and E2M1 are parts of one. Pred is 1.
int bit_width(Type type);
inline int byte_size(Type type) { return (bit_width(type) + 7) / 8; }
bool is_float(Type type);    // any floating-point type, packed ones included
bool is_signed(Type type);   // .sN and .s16x2
bool is_integer(Type type);  // .uN and .sN and their packed forms, not .bN
bool is_packed(Type type);   // ...x2
Type element_type(Type packed);
std::string_view name_of(Type type);  // without the dot: "f32"

// State spaces (PTX ISA 5.1). Generic: the address tells.
enum class Space : std::uint8_t { Generic, Reg, Const, Global, Local, Shared, SharedCluster, Param };
std::string_view name_of(Space space);

// Special registers (PTX ISA 10). A component (x, y, z, w) stands beside it in the operand.
enum class SpecialRegister : std::uint8_t {
  Tid,
  Ntid,
  Laneid,
  Warpid,
  Nwarpid,
  Ctaid,
  Nctaid,
  Smid,
  Nsmid,
  Gridid,
  IsExplicitCluster,
  Clusterid,
  Nclusterid,
  ClusterCtaid,
  ClusterNctaid,
  ClusterCtarank,
  ClusterNctarank,
  LanemaskEq,
  LanemaskLe,
  LanemaskLt,
  LanemaskGe,
  LanemaskGt,
  Clock,
  ClockHi,
  Clock64,
  Globaltimer,
  GlobaltimerLo,
  GlobaltimerHi,
  TotalSmemSize,
  AggrSmemSize,
  DynamicSmemSize,
  CurrentGraphExec,
  ReservedSmemOffset,
  Envreg,
  Pm,
  Pm64,
  WarpSize,  // WARP_SZ is a constant, kept here for its name
};
std::string_view name_of(SpecialRegister special);

}  // namespace doppel::ir
