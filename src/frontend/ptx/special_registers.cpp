// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/special_registers.h"

#include <fmt/format.h>

#include <string>
#include <unordered_map>

namespace doppel::ptx {
namespace {

constexpr SpecialRegisterFacts kFacts[] = {
    {SpecialRegister::Tid, Type::U32, true},
    {SpecialRegister::Ntid, Type::U32, true},
    {SpecialRegister::Laneid},
    {SpecialRegister::Warpid},
    {SpecialRegister::Nwarpid},
    {SpecialRegister::Ctaid, Type::U32, true},
    {SpecialRegister::Nctaid, Type::U32, true},
    {SpecialRegister::Smid},
    {SpecialRegister::Nsmid},
    {SpecialRegister::Gridid, Type::U64},
    {SpecialRegister::IsExplicitCluster, Type::Pred, false, 0, {78, 90}},
    {SpecialRegister::Clusterid, Type::U32, true, 0, {78, 90}},
    {SpecialRegister::Nclusterid, Type::U32, true, 0, {78, 90}},
    {SpecialRegister::ClusterCtaid, Type::U32, true, 0, {78, 90}},
    {SpecialRegister::ClusterNctaid, Type::U32, true, 0, {78, 90}},
    {SpecialRegister::ClusterCtarank, Type::U32, false, 0, {78, 90}},
    {SpecialRegister::ClusterNctarank, Type::U32, false, 0, {78, 90}},
    {SpecialRegister::LanemaskEq},
    {SpecialRegister::LanemaskLe},
    {SpecialRegister::LanemaskLt},
    {SpecialRegister::LanemaskGe},
    {SpecialRegister::LanemaskGt},
    {SpecialRegister::Clock},
    {SpecialRegister::ClockHi, Type::U32, false, 0, {50, 20}},
    {SpecialRegister::Clock64, Type::U64},
    {SpecialRegister::Globaltimer, Type::U64},
    {SpecialRegister::GlobaltimerLo},
    {SpecialRegister::GlobaltimerHi},
    {SpecialRegister::TotalSmemSize, Type::U32, false, 0, {41, 20}},
    {SpecialRegister::AggrSmemSize, Type::U32, false, 0, {81, 90}},
    {SpecialRegister::DynamicSmemSize, Type::U32, false, 0, {41, 20}},
    {SpecialRegister::CurrentGraphExec, Type::U64, false, 0, {80, 50}},
    {SpecialRegister::ReservedSmemOffset, Type::B32, false, 0, {76, 80}},
};

using Table = std::unordered_map<std::string_view, SpecialRegisterFacts>;

constexpr std::string_view kReserved[] = {"%reserved_smem_offset_begin", "%reserved_smem_offset_end",
                                          "%reserved_smem_offset_cap", "%reserved_smem_offset_0",
                                          "%reserved_smem_offset_1"};

const Table& table() {
  static const Table* const made = [] {
    auto* by_name = new Table();
    for (const SpecialRegisterFacts& facts : kFacts) {
      if (facts.id != SpecialRegister::ReservedSmemOffset) by_name->emplace(name_of(facts.id), facts);
    }
    for (std::size_t i = 0; i < std::size(kReserved); ++i) {
      by_name->emplace(
          kReserved[i],
          SpecialRegisterFacts{
              SpecialRegister::ReservedSmemOffset, Type::B32, false, static_cast<std::uint8_t>(i), {76, 80}});
    }
    // Names are kept for the process's life, as the table is.
    for (std::uint8_t i = 0; i < 32; ++i) {
      by_name->emplace(*new std::string(fmt::format("%envreg{}", i)),
                       SpecialRegisterFacts{SpecialRegister::Envreg, Type::B32, false, i, {}});
    }
    for (std::uint8_t i = 0; i < 8; ++i) {
      by_name->emplace(*new std::string(fmt::format("%pm{}", i)),
                       SpecialRegisterFacts{SpecialRegister::Pm, Type::U32, false, i, {}});
      by_name->emplace(*new std::string(fmt::format("%pm{}_64", i)),
                       SpecialRegisterFacts{SpecialRegister::Pm64, Type::U64, false, i, {40, 50}});
    }
    return by_name;
  }();
  return *made;
}

}  // namespace

const SpecialRegisterFacts* find_special_register(std::string_view name) {
  if (name.size() < 3 || name[0] != '%') return nullptr;
  const auto found = table().find(name);
  return found == table().end() ? nullptr : &found->second;
}

const SpecialRegisterFacts& facts_of(SpecialRegister id) {
  for (const auto& [name, facts] : table()) {
    if (facts.id == id) return facts;
  }
  return kFacts[0];
}

std::string special_register_text(SpecialRegister id, std::uint8_t component) {
  if (id == SpecialRegister::ReservedSmemOffset) return std::string(kReserved[component]);
  if (id == SpecialRegister::Envreg || id == SpecialRegister::Pm)
    return fmt::format("{}{}", name_of(id), component);
  if (id == SpecialRegister::Pm64) return fmt::format("%pm{}_64", component);
  if (!facts_of(id).has_components) return std::string(name_of(id));
  return fmt::format("{}.{}", name_of(id), "xyzw"[component]);
}

}  // namespace doppel::ptx
