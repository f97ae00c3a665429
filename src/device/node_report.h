// SPDX-License-Identifier: Apache-2.0
// What this process tells the node, and takes of it (src/node): its part of each card.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "card/card.h"
#include "memory/address_space.h"
#include "node/client.h"
#include "support/result.h"

namespace doppel::device {

class NodeReport {
 public:
  // Opens the node, finds the process's cards on it, and puts what was set there (power limit, locked clocks)
  // into them. Errors as of Node::open and Node::card.
  static Result<std::unique_ptr<NodeReport>> create(const std::string& node, std::vector<card::Card>& cards);
  ~NodeReport();

  int place(int ordinal) const;  // the card's number on the node
  // A bridge joins these two on the node. Errors as of Node::join_by_nvlink.
  Result<void> join_by_nvlink(int one, int other);
  // The card of the process at the other end of this one's NVLinks; none: nothing is, or a card of others.
  std::optional<int> nvlink_peer(int ordinal) const;
  memory::SharedPool* pool(int ordinal);  // its memory
  void uses(int ordinal);                 // has a context on it: the process is seen there from now on
  void ran(int ordinal, const node::Work& work);
  void faulted(int ordinal, std::uint64_t xid);  // NVIDIA's number of the error

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
  explicit NodeReport(std::shared_ptr<node::Node> node);
  node::Client* client(int ordinal);
  std::shared_ptr<node::Node> node_;
  std::vector<std::unique_ptr<Part>> parts_;  // by ordinal
};

}  // namespace doppel::device
