// SPDX-License-Identifier: Apache-2.0
#include "device/device_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "card/partition.h"
#include "card/uuid.h"
#include "node/partitions.h"
#include "node/process_life.h"

namespace doppel::device {
namespace {

using node::wall_ns;

// A card with what it offers.
struct Offered {
  CardOffer offer;
  std::vector<node::ComputeInstance> instances;
};

Result<Offered> offer_of(const card::Card& card, int place, node::Node* node) {
  Offered offered;
  offered.offer.uuid = card::device_uuid(card, place);
  if (node == nullptr || card.partitions.empty()) return offered;
  const node::Partitions partitions(*node, place, card);
  const auto mode = partitions.mode();
  if (!mode) return tl::unexpected(mode.error());
  offered.offer.mig = mode->now;
  auto instances = partitions.compute_instances();
  if (!instances) return tl::unexpected(instances.error());
  offered.instances = std::move(*instances);
  for (const node::ComputeInstance& each : offered.instances)
    offered.offer.devices.push_back(
        {each.id, card::partition_uuid(card.id, place, each.id.gpu, each.id.compute)});
  return offered;
}

tl::unexpected<Error> nothing_visible(const std::vector<CardOffer>& offers,
                                      const std::optional<std::string>& visible) {
  const bool mig =
      std::ranges::any_of(offers, [](const CardOffer& each) { return each.mig && each.devices.empty(); });
  return fail(Error::Kind::NoDevice,
              fmt::format("no device is visible{}{}",
                          visible ? fmt::format(": CUDA_VISIBLE_DEVICES={}", *visible) : "",
                          mig ? "; a card in MIG mode has no device without a compute instance" : ""));
}

}  // namespace

card::Card DeviceSource::as_it_stands() const {
  return part ? card::partition_of(whole, part->profile, part->slices) : whole;
}

card::Card DeviceSource::as_set(const node::CardState& state) const {
  DeviceSource now = *this;
  set_limits(state, now.whole);
  return now.as_it_stands();
}

Result<std::vector<ListedDevice>> list_devices(std::vector<card::Card> cards, const CardSettings& asked,
                                               const std::optional<std::string>& visible, node::Node* node) {
  std::vector<int> places(cards.size());
  std::iota(places.begin(), places.end(), 0);
  if (node != nullptr) {
    auto known = node->cards(cards, wall_ns());
    if (!known) return tl::unexpected(known.error());
    places = std::move(*known);
  }
  std::vector<std::optional<node::CardState>> states(cards.size());  // none: no node has it
  std::vector<Offered> offered;
  std::vector<CardOffer> offers;
  for (std::size_t i = 0; i < cards.size(); ++i) {
    if (node == nullptr) {
      if (auto set = apply(asked, cards[i]); !set) return tl::unexpected(set.error());
    } else {
      auto state = apply(asked, *node, places[i], cards[i]);
      if (!state) return tl::unexpected(state.error());
      states[i] = *state;
    }
    auto offer = offer_of(cards[i], places[i], node);
    if (!offer) return tl::unexpected(offer.error());
    offers.push_back(offer->offer);
    offered.push_back(std::move(*offer));
  }
  std::vector<ListedDevice> devices;
  for (const VisibleDevice& each : visible_devices(offers, visible)) {
    DeviceIdentity identity{places[each.card],      {},        offers[each.card].uuid,
                            offers[each.card].uuid, each.card, {}};
    DeviceSource source{cards[each.card], {}};
    if (each.device) {
      const node::ComputeInstance& instance = offered[each.card].instances[*each.device];
      identity.instance = instance.id;
      identity.partition = card::partition_name(*instance.profile, instance.slices);
      identity.uuid = offers[each.card].devices[*each.device].uuid;
      source.part = {*instance.profile, instance.slices};
    }
    const std::optional<node::CardState>& state = states[each.card];
    devices.push_back({state ? source.as_set(*state) : source.as_it_stands(), identity, source});
  }
  if (devices.empty()) return nothing_visible(offers, visible);
  return devices;
}

}  // namespace doppel::device
