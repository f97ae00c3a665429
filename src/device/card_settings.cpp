// SPDX-License-Identifier: Apache-2.0
#include "device/card_settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "card/ecc.h"
#include "card/slot.h"
#include "node/ecc.h"
#include "node/partitions.h"
#include "node/process_life.h"

namespace doppel::device {
namespace {

using node::wall_ns;

// As short as cards' files may say that it is.
constexpr double kAtOnceMs = 0.001;

Result<void> set_on_node(const CardSettings& asked, node::Node& node, int place, const card::Card& card) {
  if (asked.power_limit_w) {
    if (auto set = node.set_power_limit(place, *asked.power_limit_w, wall_ns()); !set) return set;
  }
  if (!asked.ecc) return {};
  node::Ecc ecc(node.shared_from_this(), place);
  const auto state = ecc.state();
  if (!state) return tl::unexpected(state.error());
  if (state->on == *asked.ecc) return {};
  if (!card.partitions.empty()) {
    const auto instances = node::Partitions(node, place, card).gpu_instances();
    if (!instances) return tl::unexpected(instances.error());
    if (!instances->empty())
      return fail(Error::Kind::NotPermitted,
                  fmt::format("card {} of the node has MIG instances: another mode of its ECC needs a reset, "
                              "which would take them along",
                              place));
  }
  return ecc.set_mode(*asked.ecc).and_then([&] { return ecc.reset(wall_ns()); });
}

}  // namespace

Result<void> apply(const CardSettings& asked, card::Card& card) {
  if (asked.ecc && *asked.ecc != card.memory.ecc) {
    if (!card::has_ecc(card))
      return fail(Error::Kind::NotSupported,
                  fmt::format("{}: the card's file does not say what ECC takes", card.id));
    card.memory = card::memory_with_ecc(card, *asked.ecc);
  }
  if (!asked.power_limit_w) return {};
  const double least = card.management.min_limit_w, most = card.power.max_limit_w;
  if (least <= 0)
    return fail(Error::Kind::NotSupported,
                fmt::format("{}: the card's file does not say which power limits may be set", card.id));
  if (!(*asked.power_limit_w >= least && *asked.power_limit_w <= most))
    return fail(Error::Kind::InvalidArgument, fmt::format("a power limit of {} W: {} takes {} to {} W",
                                                          *asked.power_limit_w, card.id, least, most));
  card.power.limit_w = *asked.power_limit_w;
  card.power.limiter_ms = kAtOnceMs;
  return {};
}

Result<node::CardState> apply(const CardSettings& asked, node::Node& node, int place, card::Card& card) {
  if (auto set = set_on_node(asked, node, place, card); !set) return tl::unexpected(set.error());
  auto state = node.state(place, wall_ns());
  if (!state) return tl::unexpected(state.error());
  const auto there = node.name(place);
  if (!there) return tl::unexpected(there.error());
  card::put_in_slot(card, there->slot);
  card.memory = card::memory_with_ecc(card, state->ecc);
  if (asked.power_limit_w) card.power.limiter_ms = kAtOnceMs;
  return state;
}

void set_limits(const node::CardState& state, card::Card& card) {
  card.power.limit_w = state.limit_w;
  if (state.locked_max_mhz > 0)
    card.clocks.sustained_mhz = std::min(card.clocks.sustained_mhz, state.locked_max_mhz);
}

}  // namespace doppel::device
