// SPDX-License-Identifier: Apache-2.0
// ECC of a node's card: its mode, what it has counted, and the errors that somebody plants in the memory of
// the card's processes (doppel inject).
//
// A process takes up what is meant for it before its next launch, copy or fill on the card, and tells what
// became of it. The counters are here, so they outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "node/layout.h"
#include "node/node.h"
#include "support/result.h"

namespace doppel::node {

struct EccState {
  bool supported = false;
  bool on = false;
  bool pending = false;  // what the next reset makes it
  bool on_by_default = false;
  EccCounts since_reset, in_all;
  std::uint32_t remapped_rows = 0;  // by errors that could not be corrected
  bool remap_pending = false;       // a row is out of use from the next reset on
  bool remap_failed = false;        // no row was left
};

struct ErrorRequest {
  int pid = 0;  // whose memory
  int bits = 1;
  std::uint64_t address = 0;    // 0: a random one of the memory that it has allocated then
  std::uint64_t seed = 0;       // of that, and of which bits
  std::uint64_t at_launch = 0;  // the number of the process's kernel on the card, from 1 on; 0: at once
};

class Ecc {
 public:
  // NVIDIA's numbers of the errors that are told of (XID).
  static constexpr std::uint64_t kXidUncorrectable = 48, kXidRowRemapped = 63, kXidRemapFailed = 64;

  Ecc(std::shared_ptr<Node> node, int card) : node_(std::move(node)), card_(card) {}

  Result<EccState> state() const;
  // From the next reset on. NotSupported: the card's file does not say what it takes.
  Result<void> set_mode(bool on);
  Result<void> clear_counts(bool since_reset);  // else those in all
  // As the reset of a card: the pending mode is there, rows are remapped, errors are gone and counters of
  // since the reset begin anew. MIG instances are gone, and a MIG mode that was pending is there; limits and
  // locked clocks stay. NotPermitted: processes have it.
  Result<void> reset(std::int64_t now_ns);

  // The number of the error. NotFound: that process is not on the card. LimitExceeded: so many wait already.
  Result<std::uint64_t> plant(const ErrorRequest& request, std::int64_t now_ns);
  // The latest ones, oldest first.
  Result<std::vector<ErrorEntry>> errors() const;

  // Of a process. How many were ever planted; without the lock, so that it can look often.
  std::uint64_t planted() const;
  // Those that wait for this process, which has begun so many kernels: taken up, and it tells what becomes of
  // them.
  std::vector<ErrorEntry> take(int pid, std::uint64_t launches, std::int64_t now_ns);
  bool waits_for_launch(int pid) const;  // whether some wait for a later kernel of it
  // address: where it lies, where that is known now; else 0.
  void tell(std::uint64_t number, ErrorFate fate, std::uint64_t address, std::int64_t now_ns);

 private:
  std::shared_ptr<Node> node_;
  int card_;
};

// "corrected".
const char* text_of(ErrorFate fate);

}  // namespace doppel::node
