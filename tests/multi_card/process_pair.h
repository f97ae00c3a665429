// SPDX-License-Identifier: Apache-2.0
// Two processes that have half of the ranks each, and what they tell each other.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "rank.h"

namespace multi_card {

class ProcessPair {
 public:
  // Forks: of use before the driver is started. The child is the second.
  ProcessPair();
  ~ProcessPair();
  ProcessPair(const ProcessPair&) = delete;
  ProcessPair& operator=(const ProcessPair&) = delete;

  bool second() const { return child_ == 0; }
  // Each waits for the other.
  void meet() const;
  double greater(double here) const;  // of both processes' numbers
  // Gives the memory of a rank that the other process writes to, and the events of one that it waits for; the
  // first steps `steps`. Its own are what the other gave, opened in the context that is current.
  void give(CUdeviceptr received, CUdeviceptr output, const std::vector<CUevent>& sent) const;
  Mailbox take_memory_and_events(CUcontext writer, CUcontext waiter, std::size_t events) const;
  // Of the child, in the parent: throws std::runtime_error where it did not end with 0.
  void wait_for_child();

 private:
  void send(const void* data, std::size_t bytes) const;
  void receive(void* data, std::size_t bytes) const;
  pid_t child_ = 0;
  int end_ = -1;
};

}  // namespace multi_card
