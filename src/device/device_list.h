// SPDX-License-Identifier: Apache-2.0
// The devices of a process: its cards as the node has them, or the part of one (MIG) that it sees.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "card/card.h"
#include "device/card_settings.h"
#include "device/visible_devices.h"
#include "node/node.h"
#include "support/result.h"

namespace doppel::device {

// Which device it is, whatever its ordinal in this process.
struct DeviceIdentity {
  int place = 0;            // of the card: its number on the node, or without one in the process's list
  node::Instance instance;  // of it
  Uuid uuid{};              // of the device
  Uuid card_uuid{};         // the same, but for a MIG device
  std::size_t listed = 0;   // its card's place in the process's list, of which it may see a part
  std::string partition;    // of a MIG device: "1g.24gb"
};

// What a device is made from.
struct DeviceSource {
  card::Card whole;  // its card, but for limits and clocks that are set on the node
  struct Part {
    card::PartitionProfile profile;
    int slices = 1;
  };
  std::optional<Part> part;  // of a MIG device
  // As the node has set it; of a MIG device, the smaller card that it is (card/partition.h).
  card::Card as_set(const node::CardState& state) const;
  card::Card as_it_stands() const;
};

struct ListedDevice {
  card::Card card;  // as it is set now
  DeviceIdentity identity;
  DeviceSource source;
};

// In the order of ordinals. node: null where there is none: no card is in MIG mode then. NoDevice: nothing is
// visible; the message says why. Other errors as of Node::cards and of apply().
Result<std::vector<ListedDevice>> list_devices(std::vector<card::Card> cards, const CardSettings& asked,
                                               const std::optional<std::string>& visible, node::Node* node);

}  // namespace doppel::device
