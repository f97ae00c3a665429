// SPDX-License-Identifier: Apache-2.0
#include "ir/types.h"

#include <cstddef>

namespace doppel::ir {
namespace {

struct TypeFacts {
  std::string_view name;
  int bits;
  Type element;
};

constexpr TypeFacts kTypes[] = {
    {"none", 0, Type::None},    {"pred", 1, Type::Pred},      {"b8", 8, Type::B8},
    {"b16", 16, Type::B16},     {"b32", 32, Type::B32},       {"b64", 64, Type::B64},
    {"b128", 128, Type::B128},  {"u2", 2, Type::U2},          {"u4", 4, Type::U4},
    {"u8", 8, Type::U8},        {"u16", 16, Type::U16},       {"u32", 32, Type::U32},
    {"u64", 64, Type::U64},     {"s2", 2, Type::S2},          {"s4", 4, Type::S4},
    {"s8", 8, Type::S8},        {"s16", 16, Type::S16},       {"s32", 32, Type::S32},
    {"s64", 64, Type::S64},     {"u16x2", 32, Type::U16},     {"s16x2", 32, Type::S16},
    {"f16", 16, Type::F16},     {"f16x2", 32, Type::F16},     {"bf16", 16, Type::BF16},
    {"bf16x2", 32, Type::BF16}, {"tf32", 32, Type::TF32},     {"f32", 32, Type::F32},
    {"f32x2", 64, Type::F32},   {"f64", 64, Type::F64},       {"e4m3", 8, Type::E4M3},
    {"e5m2", 8, Type::E5M2},    {"e2m1", 4, Type::E2M1},      {"e2m3", 8, Type::E2M3},
    {"e3m2", 8, Type::E3M2},    {"ue8m0", 8, Type::UE8M0},    {"e4m3x2", 16, Type::E4M3},
    {"e5m2x2", 16, Type::E5M2}, {"e2m1x2", 8, Type::E2M1},    {"e2m3x2", 16, Type::E2M3},
    {"e3m2x2", 16, Type::E3M2}, {"ue8m0x2", 16, Type::UE8M0},
};

const TypeFacts& facts(Type type) { return kTypes[static_cast<std::size_t>(type)]; }

}  // namespace

int bit_width(Type type) { return facts(type).bits; }
std::string_view name_of(Type type) { return facts(type).name; }
Type element_type(Type packed) { return facts(packed).element; }
bool is_float(Type type) { return type >= Type::F16; }
bool is_integer(Type type) { return type >= Type::U2 && type <= Type::S16x2; }
bool is_packed(Type type) { return facts(type).name.ends_with("x2"); }
bool is_signed(Type type) { return (type >= Type::S2 && type <= Type::S64) || type == Type::S16x2; }

std::string_view name_of(Space space) {
  static constexpr std::string_view kNames[] = {"generic", "reg",    "const",           "global",
                                                "local",   "shared", "shared::cluster", "param"};
  return kNames[static_cast<std::size_t>(space)];
}

std::string_view name_of(SpecialRegister special) {
  static constexpr std::string_view kNames[] = {
      "%tid",
      "%ntid",
      "%laneid",
      "%warpid",
      "%nwarpid",
      "%ctaid",
      "%nctaid",
      "%smid",
      "%nsmid",
      "%gridid",
      "%is_explicit_cluster",
      "%clusterid",
      "%nclusterid",
      "%cluster_ctaid",
      "%cluster_nctaid",
      "%cluster_ctarank",
      "%cluster_nctarank",
      "%lanemask_eq",
      "%lanemask_le",
      "%lanemask_lt",
      "%lanemask_ge",
      "%lanemask_gt",
      "%clock",
      "%clock_hi",
      "%clock64",
      "%globaltimer",
      "%globaltimer_lo",
      "%globaltimer_hi",
      "%total_smem_size",
      "%aggr_smem_size",
      "%dynamic_smem_size",
      "%current_graph_exec",
      "%reserved_smem_offset",
      "%envreg",
      "%pm",
      "%pm64",
      "WARP_SZ",
  };
  return kNames[static_cast<std::size_t>(special)];
}

}  // namespace doppel::ir
