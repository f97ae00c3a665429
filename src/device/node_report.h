// SPDX-License-Identifier: Apache-2.0
// What this process tells the node, and takes of it (src/node): its part of each card.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device/device_list.h"
#include "memory/address_space.h"
#include "node/client.h"
#include "support/result.h"

namespace doppel::device {

class NodeReport {
 public:
  // For these devices of the process, by ordinal.
  NodeReport(const std::shared_ptr<node::Node>& node, const std::vector<ListedDevice>& devices);
  ~NodeReport();

  int place(int ordinal) const;  // the card's number on the node
  // A bridge joins these two on the node. Errors as of Node::join_by_nvlink.
  Result<void> join_by_nvlink(int one, int other);
  // The card of the process at the other end of this one's NVLinks; none: nothing is, or a card of others.
  std::optional<int> nvlink_peer(int ordinal) const;
  memory::SharedPool* pool(int ordinal);  // its memory
  // Has a context on it: the process is seen there from now on. NoDevice: it is there no more (MIG).
  // NotPermitted: its compute mode does not let this process use it.
  Result<void> uses(int ordinal);
  void ran(int ordinal, const node::Work& work);
  // How often anything was set of the card; without the lock. Then what is set now.
  std::uint64_t settings_changes(int ordinal) const { return node_->settings_changes(place(ordinal)); }
  // Nothing: the node does not answer.
  std::optional<card::Card> card_now(int ordinal) const;
  // Errors that somebody has planted in the card's memory (node/ecc.h).
  std::uint64_t planted_errors(int ordinal) const;
  std::vector<node::ErrorEntry> take_errors(int ordinal, std::uint64_t launches);
  bool errors_wait(int ordinal) const;
  void tell_error(int ordinal, std::uint64_t number, node::ErrorFate fate, std::uint64_t address);
  void faulted(int ordinal, std::uint64_t xid);  // NVIDIA's number of the error
  // How much of the time other processes want the device's SMs (node::Client::wanted_by_others).
  double wanted_by_others(int ordinal);

  // A kernel runs on this host.
  class Running {
   public:
    Running(NodeReport* report, int ordinal);  // null: nobody is told
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    NodeReport* report_;
    int ordinal_;
  };

 private:
  class Part;
  node::Client* client(int ordinal);
  std::shared_ptr<node::Node> node_;
  std::vector<std::unique_ptr<Part>> parts_;  // by ordinal
};

}  // namespace doppel::device
