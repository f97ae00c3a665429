// SPDX-License-Identifier: Apache-2.0
// One card of a ring that adds up an array of floats over all of them: each sends to the next by writing
// there.
//
// The array is cut into as many chunks as there are ranks. On the first way round a chunk gathers the sums,
// on the second the sum reaches everyone: 2 (ranks - 1) steps, each a kernel of every rank.
#pragma once

#include <doppel/cuda.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "card.h"

namespace multi_card {

// What a rank lets its neighbours use.
struct Mailbox {
  CUdeviceptr received = 0;   // where the rank before it puts partial sums: a chunk a step, for two turns
  CUdeviceptr output = 0;     // and complete ones
  std::vector<CUevent> sent;  // of each step: it has written what the next one needs
};

class Rank {
 public:
  // Of `ranks` cards the one with this number. bytes: of the array; each chunk is a multiple of 16.
  // event_flags: of those in the mailbox.
  Rank(int number, int ranks, std::size_t bytes, unsigned event_flags);
  ~Rank();
  Rank(const Rank&) = delete;
  Rank& operator=(const Rank&) = delete;

  static int steps(int ranks) { return 2 * (ranks - 1); }
  int number() const { return number_; }
  CUcontext context() const { return context_; }
  const Mailbox& mailbox() const { return mailbox_; }
  void make_current() const;
  // Between whom it stands; their memory can be written from here.
  void join(const Mailbox& before, const Mailbox& next);

  // What is queued from here on begins when the function has returned.
  void queue_gate(CUhostFn function, void* data) const;
  // Queues one step of one turn. Those before must have been queued by all ranks.
  void queue_step(int turn, int step);
  // After the last step: until its own output is complete.
  void queue_end() const;
  void mark_begin() const;
  void mark_end() const;
  double milliseconds() const;  // from the one mark to the other
  void synchronize() const;
  // Throws std::runtime_error where the output is not the sum over all ranks.
  void check_output() const;

 private:
  static float input_of(int rank, std::size_t index);
  CUdeviceptr chunk_of(CUdeviceptr array, int chunk) const;
  std::size_t chunk_bytes() const { return bytes_ / static_cast<std::size_t>(ranks_); }

  int number_, ranks_;
  std::size_t bytes_;
  CUcontext context_ = nullptr;
  CUstream stream_ = nullptr;
  CUevent begin_ = nullptr, end_ = nullptr;
  std::unique_ptr<doppel::host::Module> module_;
  CUfunction send_ = nullptr, add_ = nullptr, add_and_keep_ = nullptr;
  unsigned blocks_ = 0;
  CUdeviceptr input_ = 0;
  Mailbox mailbox_, before_, next_;
};

}  // namespace multi_card
