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

// What a run asks to be set of its cards.
struct CardSettings {
  std::optional<bool> ecc;
  // With it the limiter acts at once: who asks for a limit asks what a program is like that has run under it
  // for longer than the limiter averages.
  std::optional<double> power_limit_w;
};
// The same of cards that no node has. InvalidArgument, NotSupported: the card does not take it.
Result<void> apply(const CardSettings& asked, card::Card& card);

class NodeReport {
 public:
  // Opens the node, finds the process's cards on it, and puts what was set there (power limit, locked clocks)
  // into them. Errors as of Node::open and Node::card.
  // asked: what the process wants to be set of them first, on the node; NotPermitted: others have the card.
  static Result<std::unique_ptr<NodeReport>> create(const std::string& node, std::vector<card::Card>& cards,
                                                    const CardSettings& asked = {});
  ~NodeReport();

  int place(int ordinal) const;  // the card's number on the node
  // A bridge joins these two on the node. Errors as of Node::join_by_nvlink.
  Result<void> join_by_nvlink(int one, int other);
  // The card of the process at the other end of this one's NVLinks; none: nothing is, or a card of others.
  std::optional<int> nvlink_peer(int ordinal) const;
  memory::SharedPool* pool(int ordinal);  // its memory
  void uses(int ordinal);                 // has a context on it: the process is seen there from now on
  void ran(int ordinal, const node::Work& work);
  // How often anything was set of the card; without the lock. Then what is set now.
  std::uint64_t settings_changes(int ordinal) const { return node_->settings_changes(place(ordinal)); }
  // `card`: as its file has it, but for ECC. False: the node does not answer.
  bool apply_settings(int ordinal, card::Card& card) const;
  // Errors that somebody has planted in the card's memory (node/ecc.h).
  std::uint64_t planted_errors(int ordinal) const;
  std::vector<node::ErrorEntry> take_errors(int ordinal, std::uint64_t launches);
  bool errors_wait(int ordinal) const;
  void tell_error(int ordinal, std::uint64_t number, node::ErrorFate fate, std::uint64_t address);
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
  std::vector<double> sustained_mhz_;         // likewise: of their files
};

}  // namespace doppel::device
