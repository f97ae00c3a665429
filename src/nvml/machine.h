// SPDX-License-Identifier: Apache-2.0
// What the library shows between nvmlInit and nvmlShutdown: the node's cards.
#pragma once

#include <doppel/nvml/types.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "card/card.h"
#include "node/ecc.h"
#include "node/node.h"
#include "node/partitions.h"
#include "support/result.h"

namespace doppel::nvml {

class Card {
 public:
  Card(std::shared_ptr<node::Node> node, int number, node::CardName name);
  int number() const { return number_; }  // the index
  const node::CardName& name() const { return name_; }
  // In its slot. Read when somebody asks for the first time: reading takes longer than all else at the start.
  // Throws where the file has gone since.
  const card::Card& card() const;
  int own_generation() const;  // of PCI Express, whatever its slot has
  node::Node& node() const { return *node_; }
  Result<node::CardState> state() const;
  node::Ecc ecc() const { return {node_, number_}; }
  const std::string& uuid() const { return uuid_; }      // "GPU-..."
  const std::string& bus_id() const { return bus_id_; }  // "00000000:01:00.0"
  // As libcuda.so.1 has it: domain 0, a bus for each card, device 0.
  unsigned bus() const { return static_cast<unsigned>(number_) + 1; }
  nvmlDevice_t handle() const;
  // A view for one use; of a card without partitions every function of it answers NotSupported.
  node::Partitions partitions() const { return {*node_, number_, card()}; }

 private:
  std::shared_ptr<node::Node> node_;
  int number_;
  node::CardName name_;
  std::string uuid_, bus_id_;
  struct File;
  std::shared_ptr<File> file_;
};

// A compute instance with what it is part of: a MIG device.
struct MigDevice {
  const Card* card = nullptr;
  node::ComputeInstance instance;
  unsigned index = 0;        // among those of its card
  std::string uuid() const;  // "MIG-..."
};

class Machine {
 public:
  // By the environment: the node of DOPPEL_NODE (node/shared_file.h), else one of this process; with the
  // cards of DOPPEL_CARDS or DOPPEL_CARD, else "rtx-a6000", and what other processes brought.
  static Result<std::shared_ptr<const Machine>> open();
  const std::vector<Card>& cards() const { return cards_; }
  const Card* card(nvmlDevice_t handle) const;  // null: it is none
  // Nothing: it is none, or was destroyed.
  std::optional<MigDevice> mig_device(nvmlDevice_t handle) const;
  // Of one card, in their order; none where it has none, or the node cannot be asked.
  static std::vector<MigDevice> mig_devices(const Card& card);
  // The card at the other end of its NVLinks. Null: there is none.
  const Card* joined(const Card& card) const;
  int cuda_version() const { return cuda_version_; }  // as 13050

 private:
  std::vector<Card> cards_;
  int cuda_version_ = 0;
};

// While the library is in use; else null.
std::shared_ptr<const Machine> machine();
// Each init counts, and so many shutdowns end the use.
nvmlReturn_t begin_use();
nvmlReturn_t end_use();

}  // namespace doppel::nvml
