// SPDX-License-Identifier: Apache-2.0
// The devices of a process: its cards as the node has them, or the part of one (MIG) that it sees.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "card/card.h"
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

struct ListedDevice {
  card::Card card;  // as the node has set it; of a MIG device, the smaller card that it is (card/partition.h)
  DeviceIdentity identity;
};

// In the order of ordinals. node: null where there is none: no card is in MIG mode then. NoDevice: nothing is
// visible; the message says why. Other errors as of Node::cards.
Result<std::vector<ListedDevice>> list_devices(std::vector<card::Card> cards,
                                               const std::optional<std::string>& visible, node::Node* node);

}  // namespace doppel::device
