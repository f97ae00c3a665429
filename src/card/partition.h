// SPDX-License-Identifier: Apache-2.0
// A partition of a card, as programs see it: a smaller card. NVIDIA's words (Multi-Instance GPU User Guide):
// a GPU instance has memory, L2 and engines of its own, and compute instances in it share these, each with
// SMs of its own. A compute instance is one device.
#pragma once

#include <optional>
#include <string>

#include "card/card.h"

namespace doppel::card {

// Null: the card has no such profile.
const PartitionProfile* partition_profile(const Card& card, int id);
// The most partitions that the card can have at once; 0: it cannot be divided.
int most_partitions(const Card& card);

// "1g.24gb", or of a part of the compute slices "1c.2g.48gb".
std::string partition_name(const PartitionProfile& profile, int slices);

// SMs of a compute instance with so many of the partition's slices: whole pairs, as SMs come in (TPCs).
int sm_count_of(const Card& whole, const PartitionProfile& profile, int slices);

// The device that a compute instance with so many slices (1 to profile.slices) is: its SMs; the partition's
// memory with its share of the bus, its share of L2, and its engines. What belongs to the board is divided,
// too: of power and its limit it has the share that its SMs are of the card's. The host's bus is not: alone,
// each has all of it. There is no NVLink.
Card partition_of(const Card& whole, const PartitionProfile& profile, int slices);
// The same by its name, as partition_name() gives it; nothing: the card has none of that name.
std::optional<Card> partition_by_name(const Card& whole, const std::string& name);

}  // namespace doppel::card
