// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/form_spaces.h"

namespace doppel::ptx {

bool take_space(FormBuilder& b, Space& space) {
  static constexpr std::pair<std::string_view, Space> kSpaces[] = {
      {"global", Space::Global},      {"shared", Space::Shared},
      {"shared::cta", Space::Shared}, {"shared::cluster", Space::SharedCluster},
      {"local", Space::Local},        {"const", Space::Const},
      {"param", Space::Param},        {"param::entry", Space::Param},
      {"param::func", Space::Param},
  };
  space = b.take_one_of(kSpaces);
  return space != Space::Generic;
}

Scope take_scope(FormBuilder& b) {
  static constexpr std::pair<std::string_view, Scope> kScopes[] = {
      {"cta", Scope::Cta}, {"gpu", Scope::Gpu}, {"sys", Scope::Sys}, {"cluster", Scope::Cluster}};
  const Scope scope = b.take_one_of(kScopes);
  if (scope == Scope::Cluster) b.needs(90, 78);
  return scope;
}

AtomicOp take_reduction_op(FormBuilder& b) {
  static constexpr std::pair<std::string_view, AtomicOp> kOps[] = {
      {"add", AtomicOp::Add}, {"and", AtomicOp::And}, {"or", AtomicOp::Or},   {"xor", AtomicOp::Xor},
      {"inc", AtomicOp::Inc}, {"dec", AtomicOp::Dec}, {"min", AtomicOp::Min}, {"max", AtomicOp::Max}};
  return b.take_one_of(kOps);
}

CacheHints take_hints(FormBuilder& b) {
  CacheHints hints;
  for (const std::string_view hint :
       {"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate"}) {
    if (hints.l1_priority || !b.take(hint)) continue;
    hints.l1_priority = true;
    b.needs(70, 74);
  }
  for (const std::string_view hint : {"L2::evict_normal", "L2::evict_first", "L2::evict_last"}) {
    if (hints.l2_priority || !b.take(hint)) continue;
    hints.l2_priority = true;
    b.needs(100, 88);
  }
  for (const std::string_view hint : {"L2::64B", "L2::128B", "L2::256B"}) {
    if (hints.prefetch_size || !b.take(hint)) continue;
    hints.prefetch_size = true;
    b.needs(hint == "L2::256B" ? 80 : 75, 74);
  }
  hints.policy = b.take("L2::cache_hint");
  if (hints.policy) b.needs(80, 74);
  return hints;
}

}  // namespace doppel::ptx
