// SPDX-License-Identifier: Apache-2.0
// What a process tells the node, and takes of it.
#pragma once

#include <cstdint>
#include <memory>

#include "node/node.h"

namespace doppel::node {

// What ran on the virtual timeline.
struct Work {
  double start_us = 0, end_us = 0;
  bool kernel = false;   // of the SMs: the card is busy
  double own_share = 1;  // of the time, that it would have taken without other processes on the card
  double energy_j = 0;   // with what the awake card draws in that time
  double clock_mhz = 0;
  bool power_bound = false;
  double memory_bytes = 0;
  double bus_to_card_bytes = 0, bus_to_host_bytes = 0;
};

// One process on one card, or one device of it (MIG), from join() until the object or the process ends. Safe
// to call from any thread. What cannot be told, because another process keeps the lock, is left out.
class Client {
 public:
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // False: so many are not free.
  bool take(std::uint64_t bytes, std::uint64_t& free_bytes, std::int64_t now_ns);
  void give_back(std::uint64_t bytes, std::int64_t now_ns);
  std::uint64_t taken_by_others(std::int64_t now_ns);
  // How much of the time the other processes with the same SMs want them, each as if it were alone: their
  // sum.
  double wanted_by_others(std::int64_t now_ns);

  // Around the run of a kernel on this host.
  void begins(std::int64_t now_ns);
  void ends(std::int64_t now_ns);
  // Its place on the virtual timeline is known. A second of virtual time is one of the process's own.
  void ran(const Work& work, std::int64_t now_ns);

 private:
  friend class Node;
  Client(std::shared_ptr<Node> node, int slot, int card) : node_(std::move(node)), slot_(slot), card_(card) {}
  // The entry, where it is still this process's.
  ClientEntry* entry(Shared& shared) const;
  std::shared_ptr<Node> node_;
  int slot_;
  int card_;
};

}  // namespace doppel::node
