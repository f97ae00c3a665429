// SPDX-License-Identifier: Apache-2.0
// CUDA_VISIBLE_DEVICES: which of the machine's devices a process sees, and in which order.
//
// By the CUDA C++ Programming Guide ("CUDA Environment Variables"), the Multi-Instance GPU User Guide ("CUDA
// Device Enumeration"), and, for what these leave open, how PyTorch reads the variable
// (torch/cuda/__init__.py):
//   numbers of cards, GPU-UUIDs or MIG-UUIDs with commas between them; of UUIDs so much as is unique;
//   MIG-GPU-UUID/GPU instance/compute instance names a MIG device, too
//   the first that names nothing ends the list; one that is named twice empties it
//   of MIG devices a process sees one, the first, and then no card beside it
//   a card in MIG mode stands for its first MIG device, and is not there without one
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "node/partition_layout.h"

namespace doppel::device {

using Uuid = std::array<std::uint8_t, 16>;

struct MigDevice {
  node::Instance id;
  Uuid uuid{};
};

// What a card offers.
struct CardOffer {
  Uuid uuid{};
  bool mig = false;                // it is in MIG mode, and
  std::vector<MigDevice> devices;  // has these, in their order
};

struct VisibleDevice {
  std::size_t card = 0;               // of the offers
  std::optional<std::size_t> device;  // of its MIG devices; none: the card
  friend bool operator==(const VisibleDevice&, const VisibleDevice&) = default;
};

// variable: its text; none where it is not set.
std::vector<VisibleDevice> visible_devices(std::span<const CardOffer> cards,
                                           const std::optional<std::string>& variable);

}  // namespace doppel::device
