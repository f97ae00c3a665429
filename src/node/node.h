// SPDX-License-Identifier: Apache-2.0
// A machine of doubles: the cards that processes share, and where they stand. README.md has the idea.
//
// Every function takes the node's lock for a moment, works whatever other processes do, and answers NotReady
// where one of them was stopped with the lock in its hands. `now_ns` is wall_ns() (process_life.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "card/card.h"
#include "card/slot.h"
#include "node/shared_file.h"
#include "support/result.h"

namespace doppel::node {

struct ProcessState {
  int pid = 0;
  Instance instance;  // of the card, that it uses
  std::uint64_t used_bytes = 0;
  double busy = 0, memory = 0;  // shares of the card's time, 0 to 1; sum to at most 1 over a card's processes
};

// By NVML's numbers, but for what it no longer has.
enum class ComputeMode : std::int32_t { Default = 0, Prohibited = 2, ExclusiveProcess = 3 };

struct CardState {
  std::vector<ProcessState> processes;
  std::uint64_t used_bytes = 0;        // the processes' sum
  double busy = 0;                     // share of time in which a kernel ran, 0 to 1
  double memory = 0;                   // share of what its memory could have moved
  double clock_mhz = 0;                // of the SMs
  bool awake = false, active = false;  // clocked up; some process has work
  bool power_bound = false;            // the clock is as low as it is because of the limit
  double watts = 0;
  double energy_j = 0;  // since the node was made
  double temperature_c = 0;
  double limit_w = 0, default_limit_w = 0, min_limit_w = 0, max_limit_w = 0;
  double locked_min_mhz = 0, locked_max_mhz = 0;  // 0: not locked
  bool mig = false;                               // it is in MIG mode
  bool ecc = false;                               // on
  double to_card_bytes_per_s = 0, to_host_bytes_per_s = 0;
  ComputeMode compute_mode = ComputeMode::Default;
};

struct CardName {
  std::string reference;  // what find_card takes: the absolute path of its file
  std::string id;
  int nth = 0;  // of the cards of this id
  card::Slot slot;
};

// The file that processes share, by the name that DOPPEL_NODE gives: that of file_of (shared_file.h), or one
// that stands for a description. Errors as of these.
Result<std::filesystem::path> store_of(const std::string& name);

class Client;

class Node : public std::enable_shared_from_this<Node> {
 public:
  // By the name that DOPPEL_NODE gives: a name or a path (file_of in shared_file.h), or a description, which
  // ends in ".toml" (description.h): such a node has the cards that it describes, and no others. An empty one
  // is a node of this process alone. Errors as of SharedFile::open and parse_description.
  static Result<std::shared_ptr<Node>> open(const std::string& name);

  // The card's number: that of the nth (from 0) card of this id, which is added where the node has it not.
  // LimitExceeded: the node has kMostCards. NotFound: it is described, and has no such card.
  Result<int> card(const card::Card& card, int nth, std::int64_t now_ns);
  // The numbers of these cards, in their order.
  Result<std::vector<int>> cards(const std::vector<card::Card>& cards, std::int64_t now_ns);
  Result<int> card_count() const;
  // The file of its host (hosts/); empty: the plain one.
  Result<std::string> host() const;
  // The file that describes it, or empty.
  Result<std::string> description() const;
  // Whether the node has the nth card of that reference, as CardName has it; needs no card to be read.
  Result<bool> has_card(const std::string& reference, int nth) const;
  // NotFound: there is no such card.
  Result<CardName> name(int card) const;

  Result<CardState> state(int card, std::int64_t now_ns) const;

  // A bridge joins these two, in every process that opens the node from now on. No effect where it does
  // already. InvalidArgument: a card has no NVLink, they are not two of one model, the node is described and
  // has no such bridge. AlreadyDone: one of them is joined with another card.
  Result<void> join_by_nvlink(int one, int other);
  // The card at the other end; none: nothing is.
  Result<std::optional<int>> nvlink_peer(int card) const;

  // InvalidArgument: out of the card's range. NotSupported: the card has no range.
  Result<void> set_power_limit(int card, double watts, std::int64_t now_ns);
  // InvalidArgument: min is above max, or max below the card's least. Both 0: not locked any more.
  Result<void> lock_clocks(int card, double min_mhz, double max_mhz, std::int64_t now_ns);
  // How often either was set; without the lock, so that it can be asked often. 0: there is no such card.
  std::uint64_t settings_changes(int card) const;

  // Which processes may join it from now on; those that are there stay.
  Result<void> set_compute_mode(int card, ComputeMode mode);

  // Of the card, for whoever waits for them. The oldest ones are forgotten.
  Result<void> tell_event(int card, std::uint64_t type, std::uint64_t data, Instance instance = {});
  Result<std::uint64_t> event_count(int card) const;
  // The data of the last event of that type which is still known; nothing where there is none.
  Result<std::optional<std::uint64_t>> last_event(int card, std::uint64_t type) const;
  // The event behind the first `seen` that is still known, and counts it in; nothing where there is none.
  std::optional<EventEntry> next_event(int card, std::uint64_t& seen) const;

  // The calling process on that card, or on one device of it (partitions.h). LimitExceeded: there are
  // kMostClients. NotPermitted: the whole of a card in MIG mode, or its compute mode does not let it.
  // NotFound: there is no such instance any more.
  Result<std::unique_ptr<Client>> join(int card, std::int64_t now_ns, Instance instance = {});

 private:
  friend class Client;
  friend class Ecc;
  friend class Partitions;
  // Fills it in where nobody has yet.
  Result<void> describe(const std::string& text, const std::string& file);
  explicit Node(SharedFile file) : file_(std::move(file)) {}
  // NotPermitted: the card's mode keeps that process from joining it.
  static Result<void> check_compute_mode(const Shared& shared, int card, int pid);
  static tl::unexpected<Error> no_card(int card);
  static bool has(const Shared& shared, int card) { return card >= 0 && card < shared.cards; }
  SharedFile file_;
};

}  // namespace doppel::node
